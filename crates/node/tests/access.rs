//! The assertion of Cloudflare Access through the whole guard: keys that are served, and that change.

mod home;
#[path = "../src/auth/access/samples.rs"]
mod samples;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use homefire_node::config::{Access, Tokens};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time;

use home::{Home, NEW};
use samples::{ALG, AUD, EARLY, EXPIRED, GOOD, ISS, KID, MODULUS, ONE, set};

/// The public key of another team.
const OTHER_MODULUS: &str = "vdmd90p94eikWQewuA6QugvvqDPOt9LdL81r1CG26JDwCMzg3g9soP5bzPIAj4_PTxIHtU3jQaeIzs7gZRbWomDoI-krqAQk3_9LkhAwOQ8V1MovIM0rRavuda60ybpNthKB45bEOFc_b62AX2ROH2KIws-pdRf-h7q-mpPI-PgKPCYz8rYz77ejBl516CDnxSQtB2B88St_eXg4_3nMFgtuMIBW5zSwnPbnCXR0iLE63clqnxj4RsVKKTDaLAkrVmLfwle7UvKFHiMwWvUfovolqE_U13cqWKCwZlPcXTTvqXe_AdEItzayuPMs8qe8_-nFNIZw6-bLOcn20kJI-w";

/// A team that publishes its keys, and counts who asks for them.
#[derive(Clone)]
struct Team(Arc<Mutex<(String, usize)>>);

impl Team {
    async fn start() -> (Self, Access) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        let team = Self(Arc::new(Mutex::new((set("key-1", MODULUS), 0))));
        let shared = team.clone();
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        drop(tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                assert_ne!(stream.read(&mut [0; 4096]).await.expect("a request"), 0);
                let body = shared.asked();
                let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ";
                let reply = format!("{head}{}\r\n\r\n{body}", body.len());
                stream.write_all(reply.as_bytes()).await.expect("it is taken");
            }
        }));
        let access = Access {
            issuer: "https://home.cloudflareaccess.com".to_owned(),
            keys: format!("http://{address}/certs"),
            audience: "audience".to_owned(),
        };
        (team, access)
    }

    fn asked(&self) -> String {
        let mut team = self.0.lock().expect("nobody panics with it");
        team.1 += 1;
        team.0.clone()
    }

    fn publish(&self, set: String) {
        self.0.lock().expect("nobody panics with it").0 = set;
    }

    fn times(&self) -> usize {
        self.0.lock().expect("nobody panics with it").1
    }
}

/// The status that a list is answered with to whoever came through the tunnel with `assertion`.
async fn list(home: &Home, token: Option<&str>, assertion: Option<&str>) -> u16 {
    let mut headers = vec![("cf-ray", "8f0000000000abcd-FRA")];
    headers.extend(assertion.map(|assertion| ("cf-access-jwt-assertion", assertion)));
    home.ask("GET", "/api/tags", token, &headers, "").await.status
}

#[tokio::test]
async fn who_comes_through_the_tunnel() {
    let (team, access) = Team::start().await;
    let home = Home::start(|config| config.credentials.access = Some(access)).await;
    let check = async |token, assertion, status: u16| {
        let before = home.received();
        assert_eq!(list(&home, token, assertion).await, status, "{token:?} {assertion:?}");
        assert_eq!(home.received() - before, usize::from(status == 200), "{token:?} {assertion:?}");
    };
    check(None, Some(GOOD), 401).await;
    check(Some("wrong"), Some(GOOD), 401).await;
    assert_eq!(team.times(), 0, "who has no token has nothing asked for");
    check(Some(NEW), None, 401).await;
    check(Some(NEW), Some(GOOD), 200).await;
    check(Some(NEW), Some(ONE), 200).await;
    for bad in [AUD, EXPIRED, ISS, EARLY, ALG, KID, "", "a.b.c", &GOOD[..GOOD.len() - 4]] {
        check(Some(NEW), Some(bad), 401).await;
    }
    assert_eq!(team.times(), 1);
    // Who calls from the machine itself has not been through the tunnel.
    assert_eq!(home.ask("GET", "/api/tags", Some(NEW), &[], "").await.status, 200);
}

#[tokio::test]
async fn without_tokens_everybody_shows_an_assertion() {
    let (team, access) = Team::start().await;
    let home = Home::start(|config| {
        config.credentials.tokens = Tokens::default();
        config.credentials.access = Some(access);
    })
    .await;
    assert_eq!(home.ask("GET", "/api/tags", None, &[], "").await.status, 401);
    assert_eq!(list(&home, None, Some(GOOD)).await, 200);
    let local = [("cf-access-jwt-assertion", GOOD)];
    assert_eq!(home.ask("GET", "/api/tags", None, &local, "").await.status, 200);
    assert_eq!(team.times(), 1);
}

#[tokio::test]
async fn a_key_of_somebody_else() {
    let (team, access) = Team::start().await;
    team.publish(set("key-1", OTHER_MODULUS));
    let home = Home::start(|config| config.credentials.access = Some(access)).await;
    assert_eq!(list(&home, Some(NEW), Some(GOOD)).await, 401);
    assert_eq!((team.times(), home.received()), (1, 0));
}

#[tokio::test]
async fn keys_change() {
    let (team, access) = Team::start().await;
    let home = Home::start(|config| config.credentials.access = Some(access)).await;
    assert_eq!(list(&home, Some(NEW), Some(GOOD)).await, 200);
    team.publish(set("key-2", MODULUS));
    // Nobody makes the guard ask again and again.
    for _ in 0..5 {
        assert_eq!(list(&home, Some(NEW), Some(KID)).await, 401);
    }
    assert_eq!(team.times(), 1);
    later(Duration::from_secs(31)).await;
    for _ in 0..5 {
        assert_eq!(list(&home, Some(NEW), Some(KID)).await, 200);
        assert_eq!(list(&home, Some(NEW), Some(GOOD)).await, 401);
    }
    assert_eq!(team.times(), 2);
}

async fn later(span: Duration) {
    time::pause();
    time::advance(span).await;
    time::resume();
}
