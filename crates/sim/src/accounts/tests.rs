//! What is heard of an account.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::{Account, Fault, Forge};
use crate::outside::Outside;

const GITHUB: &str = "/users/owner/events/public";
const GITLAB: &str = "/api/v4/users/owner/events";

async fn ask(account: &Account, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
    let mut request = Request::get(path).header("user-agent", "test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    account.answer(request.body(Bytes::new()).unwrap()).await.unwrap()
}

fn head<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_known_is_not_sent_again() {
    for (forge, path, remaining) in
        [(Forge::GitHub, GITHUB, "x-ratelimit-remaining"), (Forge::GitLab, GITLAB, "ratelimit-remaining")]
    {
        let account = Account::new(forge, "owner", None);
        let check = async |tag: &str, status: u16, body: &Value, left: &str| {
            let response = ask(&account, path, &[("if-none-match", tag)]).await;
            assert_eq!((response.status().as_u16(), head(&response, remaining)), (status, left), "{forge:?}");
            let expect = if status == 304 { String::new() } else { body.to_string() };
            assert_eq!(response.body(), &expect, "{forge:?}");
            head(&response, "etag").to_owned()
        };
        let nothing = json!([]);
        let first = check("\"other\"", 200, &nothing, "59").await;
        assert_eq!(check(&format!("\"other\", {first}"), 304, &nothing, "59").await, first);
        let events = json!([forge.push(1), forge.push(2)]);
        account.publish(events.clone());
        let second = check(&first, 200, &events, "58").await;
        assert_ne!(first, second);
        check(&second, 304, &events, "58").await;
        for _ in 0..58 {
            ask(&account, path, &[]).await;
        }
        let limited = ask(&account, path, &[]).await;
        let status = if forge == Forge::GitHub { 403 } else { 429 };
        assert_eq!((limited.status().as_u16(), head(&limited, remaining)), (status, "0"), "{forge:?}");
        check(&second, 304, &events, "0").await;
        sleep(Duration::from_secs(3600)).await;
        check(&first, 200, &events, "59").await;
    }
}

#[tokio::test]
async fn who_asks_for_what() {
    let check = async |forge, path, headers: &[(&str, &str)], status: u16| {
        let account = Account::new(forge, "owner", Some("secret"));
        let response = ask(&account, path, headers).await;
        assert_eq!(response.status().as_u16(), status, "{path} {headers:?}");
    };
    check(Forge::GitHub, GITHUB, &[], 200).await;
    check(
        Forge::GitHub,
        "/users/owner/events/public?per_page=10",
        &[("authorization", "Bearer secret")],
        200,
    )
    .await;
    check(Forge::GitHub, GITHUB, &[("authorization", "Bearer guess")], 401).await;
    check(Forge::GitHub, "/users/nobody/events/public", &[], 404).await;
    check(Forge::GitLab, GITLAB, &[("private-token", "secret")], 200).await;
    check(Forge::GitLab, GITLAB, &[("private-token", "guess")], 401).await;
    check(Forge::GitLab, GITHUB, &[], 404).await;
    let nameless = Request::get(GITHUB).body(Bytes::new()).unwrap();
    let response = Account::new(Forge::GitHub, "owner", None).answer(nameless).await.unwrap();
    assert_eq!(response.status().as_u16(), 403);
}

#[tokio::test(start_paused = true)]
async fn what_comes_instead() {
    let account = Account::new(Forge::GitHub, "owner", None);
    let check = async |fault, status: u16, kind: &str, says: &str| {
        account.queue(fault);
        let response = ask(&account, GITHUB, &[]).await;
        assert_eq!(
            (response.status().as_u16(), head(&response, "content-type")),
            (status, kind),
            "{fault:?}"
        );
        assert!(String::from_utf8_lossy(response.body()).contains(says), "{fault:?}");
        response.body().len()
    };
    let json = "application/json; charset=utf-8";
    check(Fault::Spared, 200, json, "[]").await;
    check(Fault::WrongTypes, 200, json, "yesterday").await;
    check(Fault::Html, 200, "text/html; charset=utf-8", "<html>").await;
    check(Fault::Limited, 403, json, "rate limit").await;
    check(Fault::Failing, 500, json, "Server Error").await;
    check(Fault::Slow(Duration::from_secs(9)), 200, json, "[]").await;
    assert!(check(Fault::Large, 200, json, "PushEvent").await > 10_000_000);
    account.queue(Fault::Hang);
    timeout(Duration::from_secs(3600), ask(&account, GITHUB, &[])).await.unwrap_err();
    account.queue(Fault::Hang);
    account.calm();
    check(Fault::Spared, 200, json, "[]").await;
    assert_eq!(account.asked(), 9);
}
