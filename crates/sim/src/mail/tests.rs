//! What a sender hears, and what is in the room afterwards.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::{Fault, Mailroom};
use crate::outside::{Broken, Outside};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn room() -> Mailroom {
    Mailroom::new("re_key", 2)
}

fn mail(key: &str, subject: &str) -> Request<Bytes> {
    let request =
        Request::post("/emails").header("authorization", "Bearer re_key").header("user-agent", "test");
    let request = request.header("content-type", "application/json").header("idempotency-key", key);
    let body = format!(r#"{{"from":"a@b.de","to":"c@d.de","subject":"{subject}","text":"t"}}"#);
    request.body(body.into()).unwrap()
}

/// Status, and the error's name or the mail's id.
fn told(response: &Response<Bytes>) -> (u16, String) {
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    let status = response.status().as_u16();
    let word = if status == 200 { &body["id"] } else { &body["name"] };
    assert!(status == 200 || body["statusCode"] == status && body["message"].is_string(), "{body}");
    (status, word.as_str().unwrap().to_owned())
}

async fn send(room: &Mailroom, key: &str, subject: &str) -> (u16, String) {
    // The limit of a second is another test's.
    sleep(Duration::from_secs(1)).await;
    told(&room.answer(mail(key, subject)).await.unwrap())
}

const FIRST: &str = "00000001-0000-4000-8000-000000000000";
const SECOND: &str = "00000002-0000-4000-8000-000000000000";

#[tokio::test(start_paused = true)]
async fn a_mail_is_accepted_once() {
    let (room, long) = (room(), "k".repeat(257));
    let check = async |key, subject, status: u16, word: &str, mails| {
        assert_eq!(send(&room, key, subject).await, (status, word.to_owned()), "{key} {subject}");
        assert_eq!(room.mails().len(), mails, "{key} {subject}");
    };
    check("mini/1/down", "down", 200, FIRST, 1).await;
    check("mini/1/down", "down", 200, FIRST, 1).await;
    check("mini/1/down", "Down", 409, "invalid_idempotent_request", 1).await;
    check("mini/1/up", "up", 200, SECOND, 2).await;
    check(&long, "up", 400, "invalid_idempotency_key", 2).await;
    sleep(24 * HOUR - Duration::from_secs(10)).await;
    check("mini/1/down", "down", 200, FIRST, 2).await;
    sleep(Duration::from_secs(10)).await;
    check("mini/1/down", "down", 200, "00000003-0000-4000-8000-000000000000", 3).await;
    let first = room.mails().remove(0);
    assert_eq!((&*first.from, &*first.to[0], &*first.subject), ("a@b.de", "c@d.de", "down"));
    assert_eq!(
        (first.text.as_deref(), first.html, first.key.as_deref()),
        (Some("t"), None, Some("mini/1/down"))
    );
    assert_eq!(room.asked(), 7);
}

#[tokio::test(start_paused = true)]
async fn who_may_send() {
    let room = room();
    let check = async |change: fn(&mut Request<Bytes>), status: u16, name: &str| {
        sleep(Duration::from_secs(1)).await;
        let mut request = mail("k", "s");
        change(&mut request);
        assert_eq!(told(&room.answer(request).await.unwrap()), (status, name.to_owned()));
    };
    check(|request| drop(request.headers_mut().remove("authorization")), 401, "missing_api_key").await;
    let guess = |request: &mut Request<Bytes>| {
        request.headers_mut().insert("authorization", "Bearer re_guess".parse().unwrap());
    };
    check(guess, 401, "validation_error").await;
    check(|request| *request.method_mut() = http::Method::GET, 405, "method_not_allowed").await;
    check(|request| *request.uri_mut() = "/domains".parse().unwrap(), 404, "not_found").await;
    check(|request| *request.body_mut() = "{}".into(), 422, "missing_required_field").await;
    let mut nameless = mail("k", "s");
    nameless.headers_mut().remove("user-agent");
    let response = room.answer(nameless).await.unwrap();
    assert_eq!((response.status().as_u16(), &response.body()[..]), (403, &b"error code: 1010"[..]));
    assert_eq!(room.mails(), []);
}

#[tokio::test(start_paused = true)]
async fn a_second_has_its_limit() {
    let room = room();
    let check = async |key: &str, status: u16, remaining: &str, retry: Option<&str>| {
        let response = room.answer(mail(key, "s")).await.unwrap();
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!((response.status().as_u16(), header("retry-after")), (status, retry), "{key}");
        let told =
            ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "ratelimit-policy"].map(header);
        assert_eq!(told, [Some("2"), Some(remaining), Some("1"), Some("2;w=1")], "{key}");
    };
    check("a", 200, "1", None).await;
    check("b", 200, "0", None).await;
    check("c", 429, "0", Some("1")).await;
    sleep(Duration::from_secs(1)).await;
    check("c", 200, "1", None).await;
    assert_eq!(room.mails().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_fault_meets_one_request() {
    let room = room();
    let check = async |fault, expect: Result<(u16, &str), Broken>, mails| {
        sleep(Duration::from_secs(1)).await;
        room.queue(fault);
        let seen = room.answer(mail("k", "s")).await.map(|response| told(&response));
        assert_eq!(seen, expect.map(|(status, word)| (status, word.to_owned())), "{fault:?}");
        assert_eq!(room.mails().len(), mails, "{fault:?}");
    };
    check(Fault::TooMany(7), Ok((429, "rate_limit_exceeded")), 0).await;
    check(Fault::Failing, Ok((500, "application_error")), 0).await;
    check(Fault::Unauthorized, Ok((401, "validation_error")), 0).await;
    check(Fault::Forbidden, Ok((403, "validation_error")), 0).await;
    check(Fault::Lost, Err(Broken), 1).await;
    check(Fault::Spared, Ok((200, FIRST)), 1).await;
    room.queue(Fault::TooMany(7));
    let response = room.answer(mail("l", "s")).await.unwrap();
    assert_eq!(response.headers()["retry-after"], "7");
    room.queue(Fault::Hang);
    room.calm();
    assert_eq!(send(&room, "l", "s").await, (200, SECOND.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_key_is_taken_while_its_mail_is_on_its_way() {
    let room = room();
    room.queue(Fault::Slow(Duration::from_secs(30)));
    let began = Instant::now();
    timeout(Duration::from_secs(5), room.answer(mail("k", "s"))).await.unwrap_err();
    assert_eq!(send(&room, "k", "s").await, (409, "concurrent_idempotent_requests".to_owned()));
    assert_eq!(send(&room, "k", "other").await, (409, "invalid_idempotent_request".to_owned()));
    sleep(Duration::from_secs(30)).await;
    assert_eq!(send(&room, "k", "s").await, (200, FIRST.to_owned()));
    assert_eq!(room.mails()[0].at - began, Duration::from_secs(30));
    room.queue(Fault::Hang);
    timeout(HOUR, room.answer(mail("l", "s"))).await.unwrap_err();
    assert_eq!(send(&room, "l", "s").await, (200, SECOND.to_owned()));
}
