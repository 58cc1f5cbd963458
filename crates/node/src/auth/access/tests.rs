//! Whom the keys vouch for, and when they are asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::samples::{ALG, AUD, EARLY, EXPIRED, GOOD, ISS, KID, MODULUS, ONE, set};
use super::*;

const NOW: u64 = 1_800_000_000;

fn keys() -> Keys {
    Keys::read(set("key-1", MODULUS).as_bytes()).unwrap()
}

fn access() -> Access {
    Access {
        issuer: "https://home.cloudflareaccess.com".to_owned(),
        keys: String::new(),
        audience: "audience".to_owned(),
    }
}

#[test]
fn who_is_let_through() {
    let check = |token: &str, now: u64, expect: Result<(), Doubt>| {
        assert_eq!(keys().verify(token, &access(), now), expect, "{token}");
    };
    check(GOOD, NOW, Ok(()));
    check(ONE, NOW, Ok(()));
    check(GOOD, 4_102_444_800 + LEEWAY, Err(Doubt::No));
    check(EXPIRED, NOW, Err(Doubt::No));
    check(AUD, NOW, Err(Doubt::No));
    check(ISS, NOW, Err(Doubt::No));
    check(EARLY, NOW, Err(Doubt::No));
    check(ALG, NOW, Err(Doubt::No));
    check(KID, NOW, Err(Doubt::UnknownKey));
    check("", NOW, Err(Doubt::No));
    check("a.b.c", NOW, Err(Doubt::No));
    check(&format!("{GOOD}x"), NOW, Err(Doubt::No));
    check(&format!("{GOOD}.x"), NOW, Err(Doubt::No));
    let (signed, _) = GOOD.rsplit_once('.').unwrap();
    check(&format!("{signed}."), NOW, Err(Doubt::No));
    let (_, signature) = AUD.rsplit_once('.').unwrap();
    check(&format!("{signed}.{signature}"), NOW, Err(Doubt::No));
    check(&"x".repeat(LONGEST_TOKEN + 1), NOW, Err(Doubt::No));
}

#[test]
fn what_are_keys() {
    for text in ["", "{}", "[]", r#"{"keys":7}"#] {
        assert!(Keys::read(text.as_bytes()).is_none(), "{text}");
    }
    assert!(Keys::read(br#"{"keys":[{"kid":"a","kty":"EC"}]}"#).unwrap().0.is_empty());
}

/// Serves the keys, and counts who asks.
async fn team() -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, asked) =
        (format!("http://{}/certs", listener.local_addr().unwrap()), Arc::new(AtomicU32::new(0)));
    let count = Arc::clone(&asked);
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    drop(tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
            count.fetch_add(1, Ordering::Relaxed);
            let body = set("key-1", MODULUS);
            let head =
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
    }));
    (url, asked)
}

#[tokio::test]
async fn keys_are_kept() {
    let (url, asked) = team().await;
    let assertions = Assertions::new(Access { keys: url, ..access() }).unwrap();
    let check = async |token: Option<&str>, expect: bool, times: u32| {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            headers.insert(HEADER, token.parse().unwrap());
        }
        assert_eq!(assertions.vouch(&headers, NOW).await, expect, "{token:?}");
        assert_eq!(asked.load(Ordering::Relaxed), times, "{token:?}");
    };
    check(None, false, 0).await;
    check(Some(GOOD), true, 1).await;
    check(Some(GOOD), true, 1).await;
    check(Some(EXPIRED), false, 1).await;
    // It may be newer than what is kept, but nobody makes the guard ask again and again.
    check(Some(KID), false, 1).await;
    assertions.0.kept.send_modify(|kept| kept.asked = None);
    check(Some(KID), false, 2).await;
    check(Some(KID), false, 2).await;
}

#[tokio::test]
async fn nobody_waits_for_keys_that_are_only_old() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/certs", listener.local_addr().unwrap());
    let assertions = Assertions::new(Access { keys: url, ..access() }).unwrap();
    assertions.0.kept.send_modify(|kept| kept.keys = keys());
    let vouch = async |token: &str| {
        let headers = HeaderMap::from_iter([(HEADER.parse().unwrap(), token.parse().unwrap())]);
        assertions.vouch(&headers, NOW).await
    };
    // Whoever is asked for the keys says nothing.
    assert!(timeout(PATIENCE / 2, vouch(GOOD)).await.expect("at once"));
    let (mut asked, _) = listener.accept().await.unwrap();
    assert!(timeout(PATIENCE / 2, vouch(GOOD)).await.expect("at once"));
    assert!(assertions.0.kept.borrow().is_asking);
    // One whose key is not known waits, leaves, and breaks nothing off.
    assert!(timeout(Duration::from_millis(50), vouch(KID)).await.is_err());
    assert_ne!(asked.read(&mut [0; 4096]).await.unwrap(), 0);
    let body = set("key-2", MODULUS);
    let reply = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    asked.write_all(reply.as_bytes()).await.unwrap();
    assert!(vouch(KID).await);
    assert!(!vouch(GOOD).await, "its key is no longer published");
}
