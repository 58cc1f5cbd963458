//! Letters to the owner, by way of Resend; and the beat that says that the monitor itself lives.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use http::{Method, Request, Response, StatusCode};
use serde::Serialize;

use crate::config::{Mail, Monitor};
use crate::event::Event;
use crate::json;
use crate::monitor::LONGEST_QUIET;
use crate::monitor::letter::Letter;
use crate::platform::{Elapsed, FetchError, Moment, Platform, gather, holds, within};
use crate::service::Service;
use crate::upstream::AGENT;

/// Until the mail service has answered, or whoever waits for the beat.
const PATIENCE: Duration = Duration::from_secs(10);

/// A wait that is worth it in the middle of a round.
const MOMENT: Duration = Duration::from_secs(2);

/// Waits for the mail service in a row: on Cloudflare a round may send so many requests and no more.
const MOST_MOMENTS: usize = 5;

/// No wait begins later in a round: Vercel ends it after 120 s.
const LONGEST_ROUND: Duration = Duration::from_secs(75);

/// How long to wait where a service that is asked too often does not say.
const PAUSE: Duration = Duration::from_secs(60);

/// Bytes of an answer of the mail service.
const LONGEST_ANSWER: usize = 4 * 1024;

/// Kept for 24 hours: a letter that is sent again within them is the same letter.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What came of sending.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It was taken, now or before.
    Accepted,
    /// Not before so much time has passed.
    Later(Duration),
    /// This letter is not taken, and why; the next may be.
    Refused(&'static str),
    /// None is taken this time, and why.
    Failed(&'static str),
}

/// Sends a letter, in a round that `began` then; once more after each wait that is short.
pub(super) async fn send<P: Platform>(
    platform: &P,
    monitor: &Monitor,
    letter: &Letter,
    began: Moment,
) -> Heard {
    let Some(mail) = &monitor.mail else {
        // The log is where it is told, then.
        return Heard::Accepted;
    };
    let (subject, text, html) = (letter.subject(), letter.text(), letter.html());
    let email = Email { from: &mail.from, to: &mail.to, subject, text, html };
    let body = Bytes::from(json::write(&email));
    let key = letter.key();
    let (mut is_again, mut moments) = (false, 0);
    loop {
        let heard = match post(platform, mail, &body, &key).await {
            Ok(reply) => judge(reply.status(), reply.headers(), reply.body()),
            // It may have been taken, and the next round may come when the key is forgotten: once more, and at once.
            Err(_) if !is_again => {
                is_again = true;
                continue;
            }
            Err(reason) => Heard::Failed(reason),
        };
        match heard {
            Heard::Later(wait)
                if wait <= MOMENT
                    && moments < MOST_MOMENTS
                    && platform.now().since(began) < LONGEST_ROUND =>
            {
                platform.sleep(wait).await;
                (is_again, moments) = (false, moments + 1);
            }
            Heard::Accepted | Heard::Later(_) | Heard::Refused(_) | Heard::Failed(_) => return heard,
        }
    }
}

/// A letter as Resend takes it.
#[derive(Serialize)]
struct Email<'a> {
    from: &'a str,
    to: &'a [String],
    subject: String,
    text: String,
    html: String,
}

/// `POST /emails` with this JSON and this idempotency key, 1 to 256 characters of ASCII; or why nothing was heard.
pub async fn post<P: Platform>(
    platform: &P,
    mail: &Mail,
    body: &Bytes,
    key: &str,
) -> Result<Response<Vec<u8>>, &'static str> {
    let post = async {
        let (head, mut body) = platform.fetch(request(mail, body, key)).await?.into_parts();
        Ok::<_, FetchError>(Response::from_parts(head, gather(&mut body, LONGEST_ANSWER).await?))
    };
    match within(platform, PATIENCE, post).await {
        Ok(reply) => reply.map_err(|_| "mail_unreachable"),
        Err(Elapsed) => Err("mail_timeout"),
    }
}

fn request(mail: &Mail, body: &Bytes, key: &str) -> Request<Bytes> {
    let mut request = Request::new(body.clone());
    *request.method_mut() = Method::POST;
    *request.uri_mut() =
        format!("{}/emails", mail.url).parse().expect("the configuration holds only sound URLs");
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, mail.key.clone());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, AGENT);
    let key = HeaderValue::from_str(key).expect("a letter's key is made of ASCII names and numbers");
    headers.insert(IDEMPOTENCY_KEY, key);
    request
}

fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Heard {
    match status.as_u16() {
        200..=299 => Heard::Accepted,
        429 => {
            let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
            Heard::Later(
                seconds.map_or(PAUSE, Duration::from_secs).clamp(Duration::from_secs(1), LONGEST_QUIET),
            )
        }
        // It was taken before, in other words: the wording has changed since.
        409 if holds(body, b"invalid_idempotent_request") => Heard::Accepted,
        // In flight, from a moment ago or from another round: what becomes of it is known soon.
        409 if holds(body, b"concurrent_idempotent_requests") => Heard::Later(MOMENT),
        409 => Heard::Refused("mail_conflict"),
        401 | 403 => Heard::Failed("mail_unauthorized"),
        400 | 404 | 405 | 422 => Heard::Refused("mail_refused"),
        _ => Heard::Failed("mail_failed"),
    }
}

/// Tells that a round is complete, where somebody waits for it.
pub(super) async fn beat<P: Platform>(platform: &P, service: &Service) {
    let Some(url) = &service.config.monitor.heartbeat else { return };
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = url.clone();
    request.headers_mut().insert(USER_AGENT, AGENT);
    let heard = within(platform, PATIENCE, platform.fetch(request)).await;
    if !matches!(heard, Ok(Ok(reply)) if reply.status().is_success()) {
        platform.log(&Event::BeatFailed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_mail_service_says() {
        let check = |status: u16, retry_after: &str, expect: Heard| {
            let body = b"";
            let mut headers = HeaderMap::new();
            if !retry_after.is_empty() {
                headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
            }
            assert_eq!(judge(StatusCode::from_u16(status).unwrap(), &headers, body), expect, "{status}");
        };
        check(200, "", Heard::Accepted);
        check(429, "7", Heard::Later(Duration::from_secs(7)));
        check(429, "", Heard::Later(PAUSE));
        check(429, "soon", Heard::Later(PAUSE));
        check(429, "99999999999", Heard::Later(LONGEST_QUIET));
        check(409, "", Heard::Refused("mail_conflict"));
        check(403, "", Heard::Failed("mail_unauthorized"));
        check(422, "", Heard::Refused("mail_refused"));
        check(500, "", Heard::Failed("mail_failed"));
        check(302, "", Heard::Failed("mail_failed"));
        let conflict = |name: &str, expect: Heard| {
            let body = format!(r#"{{"statusCode":409,"name":"{name}","message":""}}"#);
            assert_eq!(judge(StatusCode::CONFLICT, &HeaderMap::new(), body.as_bytes()), expect, "{name}");
        };
        conflict("invalid_idempotent_request", Heard::Accepted);
        conflict("concurrent_idempotent_requests", Heard::Later(MOMENT));
    }
}
