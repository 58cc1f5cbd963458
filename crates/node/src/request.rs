//! What a request says beside what it asks for: who brought it, what it is called, whether another follows; and its body, as
//! far as it is read.

use std::hash::{BuildHasher, Hasher, RandomState};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName};
use http::{HeaderMap, HeaderValue, Version};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::{Duration, timeout};

use crate::body;
use crate::pulse::Pulse;
use crate::refusal::Refusal;

/// Of a body that is refused unread: enough that a client hears the refusal instead of a broken connection.
const MOST_DISCARDED: usize = 256 * 1024;
const DISCARD: Duration = Duration::from_secs(2);

/// The header that names a request.
pub(crate) const ID: HeaderName = HeaderName::from_static("x-request-id");

/// Whether its sender may send another one after it: in doubt not.
pub(crate) fn stays(version: Version, headers: &HeaderMap) -> bool {
    let told = headers.get(CONNECTION);
    let is_told_to = told.is_none_or(|value| value.as_bytes().eq_ignore_ascii_case(b"keep-alive"));
    version == Version::HTTP_11 && is_told_to
}

/// Whether a proxy has brought it: cloudflared runs on this very machine.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        let name = name.as_str();
        name.starts_with("cf-")
            || name.starts_with("x-forwarded-")
            || name == "forwarded"
            || name == "x-real-ip"
    })
}

/// The client's own, if it can be written anywhere, otherwise a new one.
pub(crate) fn id(headers: &HeaderMap) -> HeaderValue {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let is_good = |id: &&HeaderValue| (1..=64).contains(&id.len()) && id.as_bytes().iter().all(is_plain);
    headers.get(ID).filter(is_good).cloned().unwrap_or_else(|| {
        // Chance without a call of the operating system. Nobody is kept from guessing it.
        RandomState::new().build_hasher().finish().into()
    })
}

/// The body, if it is there in time and not too long.
pub(crate) async fn gather(
    headers: &HeaderMap,
    body: Incoming,
    patience: Duration,
) -> Result<Bytes, Refusal> {
    let told = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if told.is_some_and(|length| length > body::LONGEST as u64) {
        return Err(Refusal::TooLarge);
    }
    let read = timeout(patience, Limited::new(body, body::LONGEST).collect()).await;
    let read = read.map_err(|_| Refusal::SlowBody)?;
    read.map(|body| body.to_bytes()).map_err(|error| match error.is::<http_body_util::LengthLimitError>() {
        true => Refusal::TooLarge,
        false => Refusal::Body("the body is broken"),
    })
}

/// Reads on for a while, so that a client hears the refusal.
pub(crate) async fn discard(body: Incoming, pulse: &Pulse) {
    let mut body = Limited::new(body, MOST_DISCARDED);
    let read = async {
        loop {
            match body.frame().await {
                Some(Ok(_)) => {}
                Some(Err(_)) => return,
                None => return pulse.taken(),
            }
        }
    };
    let _ = timeout(DISCARD, read).await;
}
