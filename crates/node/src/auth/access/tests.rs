//! Assertions signed once with a key that was thrown away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const MODULUS: &str = "tVwhyM5Sa0OMg4RJOnCuuqrAQ6RMvsK-z0OGejXV9KNj7uqVsQQf7qFDJAODLIjoZSaTLeUUvN43OgPkNuenOwvim2gMk-N7aPrk0WOm-eYxeC2Byt7XW6JR2STNRWo6FsLyGdVgd9iP4gwPGY53OYVDYidZh-Jh4GYXTvfE0j1gMf-EiuIEq_hh-AoYY0lOwl3i5rlVCREJj7BiuOzlJF8X9aoFTL4hJQkdTMBNWt0dXcc2vO2buhtbjFcQ7AC_Kka5WPxYna5SOUYcP63MScNg0d9D4Q7j26S8vufCz6YcyFCuklSsUhqWtKuVLUbvnInoYZtb31XQGxfMrnCQ9Q";

/// A good one, until the year 2100.
const GOOD: &str = "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogImtleS0xIiwgInR5cCI6ICJKV1QifQ.eyJhdWQiOiBbImF1ZGllbmNlIl0sICJpc3MiOiAiaHR0cHM6Ly9ob21lLmNsb3VkZmxhcmVhY2Nlc3MuY29tIiwgImV4cCI6IDQxMDI0NDQ4MDAsICJpYXQiOiAxNzkwMDAwMDAwLCAibmJmIjogMTc5MDAwMDAwMCwgInN1YiI6ICIiLCAiY29tbW9uX25hbWUiOiAiZWRnZSJ9.N4jRYnIX68yazpD9ynt6zDjyaG7bFxFmbAIxAm77uBAFPazeWTge236_rBGnfLe3z4OxX_bIu581c_1KTSdFiYM4L6v_ZUmdetVlqgZICub2Eeq6ReH5sh1n-F-NAaRgJkPXUicjCnMNwrh-HsR9aTGZmiU47RBvGhqEpW7db4-fgKWcL1-jQYTPJpRLPqHLWReLLEsyH6A0BBPjL3eoRCHTdOpElYIcb2zMqN8UoKrXb8as14jSgxthWjkdVmtxPtAnlvFhEjKE_kH1SCQSHNtKhPiAN56tu7a_NNmuu4s6i_0zPZEBNJ_xV1VAsLSlkD9bPRwi2L6du7mAhrf9eQ";

/// The same with one audience instead of a list.
const ONE: &str = "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogImtleS0xIiwgInR5cCI6ICJKV1QifQ.eyJhdWQiOiAiYXVkaWVuY2UiLCAiaXNzIjogImh0dHBzOi8vaG9tZS5jbG91ZGZsYXJlYWNjZXNzLmNvbSIsICJleHAiOiA0MTAyNDQ0ODAwLCAiaWF0IjogMTc5MDAwMDAwMCwgIm5iZiI6IDE3OTAwMDAwMDAsICJzdWIiOiAiIiwgImNvbW1vbl9uYW1lIjogImVkZ2UifQ.exCGHjUbN0H6NNXGoVKwpWJ9WxYN932tHdvxww5tHO8S0s2lBFH8l4xK54YJgyxVWZrCrd6eeH_rNNFAhwoJAlhJ3JSTLwNlvxZNIAqXguajOotIwWl7IccFUn67cyLLYH2s9RWPIfQLS2gPo-ZhQx1mVoPE5pGaVeihtlnbso5nfT7__PnTUiRY5z9vSrF7qDbb7wLU7qRnskfnzOb4hV81LTv5QkQ-7fWG18VTfvP4md-whKT-o8Nw9tJun2lJ-uby_u23C_rzJMnRRs8bnNuit8pbsNKsiKeyJ3TuwSMmuspyhZPAdKzGg--IspGOucd9IBDzFjsZ88MayU5q_w";

/// Expired.
const EXPIRED: &str = "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogImtleS0xIiwgInR5cCI6ICJKV1QifQ.eyJhdWQiOiBbImF1ZGllbmNlIl0sICJpc3MiOiAiaHR0cHM6Ly9ob21lLmNsb3VkZmxhcmVhY2Nlc3MuY29tIiwgImV4cCI6IDE3MDAwMDAwMDAsICJpYXQiOiAxNzkwMDAwMDAwLCAibmJmIjogMTc5MDAwMDAwMCwgInN1YiI6ICIiLCAiY29tbW9uX25hbWUiOiAiZWRnZSJ9.DxTTvBqMMoYBujyeWImBMkDL4yHpvQNm-AwCHh8SJBA-gA4P9ydZaNYCzUqk731qY5MfpxaLxCB3B9JOqfgZKx1kWTLQn33ZpDv4cwgjr1zprsEMiDkj2Hv6SY8nmUTp9gtvtGR3_6B1UmA2Y1uJxrQiGAyEQ2AQUc3-frctwEErZgcHzNkOz5_4T9VjbqcHCsOjAKrapbUyrQ32UlC1xsCxlzhFMPqf583c__RzkpWpcUEmN-DY-hHkeJWhxHbeCE0sPGD1VRbyUHUlUdoxK9KQCgmpuClTpk1PrYkcJRF4IdC1V7YpehlIE7CDtHMc5myeYgRgaNNINP0SwdxXnQ";

/// For another application.
const AUD: &str = "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogImtleS0xIiwgInR5cCI6ICJKV1QifQ.eyJhdWQiOiBbIm90aGVyIl0sICJpc3MiOiAiaHR0cHM6Ly9ob21lLmNsb3VkZmxhcmVhY2Nlc3MuY29tIiwgImV4cCI6IDQxMDI0NDQ4MDAsICJpYXQiOiAxNzkwMDAwMDAwLCAibmJmIjogMTc5MDAwMDAwMCwgInN1YiI6ICIiLCAiY29tbW9uX25hbWUiOiAiZWRnZSJ9.j19MuEfSDDWpbUDQOeV_VXCm3YGQ_B81QqehYRSAEdxlA6gz3hgu_zBVQWmrSITELBi9i93I3B1KQPM7e2wO7uq1OrCcEQ-HBC3uGNduCMJRcFHp7RELCu_XkcMgNB0CO76FhXzig7iiHXVKgSD-AddrGp1b0gMiOh7H1zWOLTS7eEkVkhXeX3Fsb2qglbhjDN4tPb_cx99Yw7hogoLSPltHKw1yl-tWW4zDq7azpP7sdKvbkaD4YT59GVU1wxv16Z1WUEDAODzXCH8DH1FsJKxFtdny9gCb5dEV9XELUkmG2pbpS7T4fBH821aB5md92nceDUHVYZaOh7hwtwZa-w";

/// Of another team.
const ISS: &str = "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogImtleS0xIiwgInR5cCI6ICJKV1QifQ.eyJhdWQiOiBbImF1ZGllbmNlIl0sICJpc3MiOiAiaHR0cHM6Ly9vdGhlci5jbG91ZGZsYXJlYWNjZXNzLmNvbSIsICJleHAiOiA0MTAyNDQ0ODAwLCAiaWF0IjogMTc5MDAwMDAwMCwgIm5iZiI6IDE3OTAwMDAwMDAsICJzdWIiOiAiIiwgImNvbW1vbl9uYW1lIjogImVkZ2UifQ.of_4VuTN-cPBLjH8W5uwLM3NI7B1FGdgTeKikGpNirXZBA88d19n0w87gAA9stLo7XD45kHDGir2lF1XbmT5rGuS189iPDU2a6nvV8bcAjgW01LtmYHl-aJPfAwD8rvIkVKvvebhvLfC0LEhS5Ucj1S8W7tJLiPI7tc0iugbx7obPqHyoQ9zaKZhY6IhHUGQ1yR-WQFZCHAWUlZMTHPIcQggYtEhFdrzOFDmgfW-kVSgh5qn-5fgBq0dHOjQ1xr8XH5nTLqD3IeosMjqsxpJMd6UeJISzD3fsUcsD-egW1nmGUQ47ZAAd_i99NNcoL2V_C7pUnEpUljSDgt4EBNwNQ";

/// Not valid before the year 2099.
const EARLY: &str = "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogImtleS0xIiwgInR5cCI6ICJKV1QifQ.eyJhdWQiOiBbImF1ZGllbmNlIl0sICJpc3MiOiAiaHR0cHM6Ly9ob21lLmNsb3VkZmxhcmVhY2Nlc3MuY29tIiwgImV4cCI6IDQxMDI0NDQ4MDAsICJpYXQiOiAxNzkwMDAwMDAwLCAibmJmIjogNDEwMjQ0MDAwMCwgInN1YiI6ICIiLCAiY29tbW9uX25hbWUiOiAiZWRnZSJ9.cr8cM8zH9y7ZP6CS1Tht8XEuzyJqd6ywIksQvYW-BFfeUhuRKeWVG0QO_Zgo7IFjnJ-jRs7z7pXsDit-P_3IgDxhiSiEgcvhgTwD-zd1a_4rKVc_BK1b08ia-YydGH66NxKmEVFneFLpbwQKHej68Fw5d6eMzsP1s-8gBCSS97vzoxUvRLIHIpeVbP-aJrpFrhNegLsWn4NORGABqMfbaaPeBJ3LLcfG83v-N5IB21a-45YcWI7hllAesJClBgIYLTR-8KIO1se4EkXtLHBphx8aKVZOkoRSq3pbL2B3hPAjVqfBMr9-YMLjnKHR9dSGP8-KJBIuT5F6MOkTUm-lgg";

/// The head says HS256.
const ALG: &str = "eyJhbGciOiAiSFMyNTYiLCAia2lkIjogImtleS0xIiwgInR5cCI6ICJKV1QifQ.eyJhdWQiOiBbImF1ZGllbmNlIl0sICJpc3MiOiAiaHR0cHM6Ly9ob21lLmNsb3VkZmxhcmVhY2Nlc3MuY29tIiwgImV4cCI6IDQxMDI0NDQ4MDAsICJpYXQiOiAxNzkwMDAwMDAwLCAibmJmIjogMTc5MDAwMDAwMCwgInN1YiI6ICIiLCAiY29tbW9uX25hbWUiOiAiZWRnZSJ9.PKU9kuOokJNyNIrrlDTG7vqYZTHZBdYJHEsmP754Shyw25nxR2TZqhuzSZSZtQreEh-MKumikfwVPH1-V7IDx5ye8AaLA36ecREvFT1bXGDvlmaMtVTsCddNYcfAPX1zAA10WbtbTnmS4dFIRiPrxJWR9gHhVVDQHIf1o73dSzj-sy_4TKVymlhu-9mQ1g6HBwoUiNoNfitVcBS-GKKGUxqdMkBKVRA-PjBKxAG1YWk4L43HgoFG1uK2yPQWF4tNshSsmIqsTGNjS7akvm1Dz2gAW_r9ytBbesHNrSgJjpfe77zUBtYu-0KKJ_4emXYuhNkBPR52Rs-Ap3Scpl22xw";

/// The head names another key.
const KID: &str = "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogImtleS0yIiwgInR5cCI6ICJKV1QifQ.eyJhdWQiOiBbImF1ZGllbmNlIl0sICJpc3MiOiAiaHR0cHM6Ly9ob21lLmNsb3VkZmxhcmVhY2Nlc3MuY29tIiwgImV4cCI6IDQxMDI0NDQ4MDAsICJpYXQiOiAxNzkwMDAwMDAwLCAibmJmIjogMTc5MDAwMDAwMCwgInN1YiI6ICIiLCAiY29tbW9uX25hbWUiOiAiZWRnZSJ9.ZyoYlGiOchx0517Yua5gQMtuk2YRRcUGRlzWPrQed_gIJseRGWvBIz6z32XLJDwHTicXIYMVpqJmLSr-bXjmnfVyo9uZappFm4ahtlKRj-77Y5yPNMW6lFu8YNtpkT5843yJ4Oavi_Gk2HO7dKJGKwYhoCf0piO3--Ro8cN3Ta0cImVt40UzoUt67cQjKVSZ9DpIPooaCiP2d291rAzobMktuDygFkbqwzgQZ2aJ8WNenJ98mt-B0mlRiDDdU-YYhJ5HQUbk25EYLxCjefxzgogEx-k0QjrecbxWS11tegTwRZX9t24v9krrDn_2YawJIr9EdsK4KXFFCZP4-us3Xg";

const NOW: u64 = 1_800_000_000;

fn keys() -> Keys {
    Keys::read(set().as_bytes()).unwrap()
}

fn set() -> String {
    format!(
        r#"{{"keys":[{{"kid":"key-1","kty":"RSA","alg":"RS256","use":"sig","e":"AQAB","n":"{MODULUS}"}}]}}"#
    )
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
            let body = set();
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
    let assertions = Assertions::new(Access { keys: url, ..access() });
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
    assertions.kept.lock().await.asked = None;
    check(Some(KID), false, 2).await;
    check(Some(KID), false, 2).await;
}
