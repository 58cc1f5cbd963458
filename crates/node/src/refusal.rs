//! What the guard itself answers, and nothing else does: one mapping from a refusal to what the client hears.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde_json::json;

/// Why a request does not reach Ollama, or an answer does not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Unauthorized,
    NotFound,
    /// The model is not on the owner's list.
    NoModel(String),
    /// What is wrong with the body.
    Body(&'static str),
    TooLarge,
    SlowBody,
    Busy,
    Draining,
    /// Ollama cannot be reached, or breaks off before it says anything.
    Unreachable,
    /// Ollama takes longer than any answer may.
    Overdue,
}

/// Seconds after which a client may try again. The edge takes a 503 with it for a node that is busy, and one without it for
/// a node that is broken.
const AGAIN: HeaderValue = HeaderValue::from_static("2");

/// Characters of a model's name that are said back.
const LONGEST_NAME: usize = 128;

impl Refusal {
    /// Never 502 or 504: the edge replaces the bodies of those.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound | Self::NoModel(_) => StatusCode::NOT_FOUND,
            Self::Body(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::Busy | Self::Draining | Self::Unreachable | Self::Overdue => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    pub(crate) fn words(&self) -> String {
        match self {
            Self::NoModel(name) => {
                let name: String = name.chars().take(LONGEST_NAME).collect();
                format!("model '{name}' not found")
            }
            Self::Body(what) => (*what).to_owned(),
            Self::Unauthorized => "unauthorized".to_owned(),
            Self::NotFound => "not found".to_owned(),
            Self::TooLarge => "request body too large".to_owned(),
            Self::SlowBody => "request body too slow".to_owned(),
            Self::Busy => "busy".to_owned(),
            Self::Draining => "draining".to_owned(),
            Self::Unreachable => "unreachable".to_owned(),
            Self::Overdue => "overdue".to_owned(),
        }
    }

    /// In Ollama's own shape.
    pub(crate) fn json(&self) -> String {
        json!({ "error": self.words() }).to_string()
    }

    pub(crate) fn reply(&self) -> Response<Bytes> {
        let mut reply = Response::new(self.json().into());
        *reply.status_mut() = self.status();
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if matches!(self, Self::Busy | Self::Draining) {
            headers.insert(RETRY_AFTER, AGAIN);
        }
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_heard() {
        let check = |refusal: Refusal, status: u16, body: &str, again: bool| {
            let reply = refusal.reply();
            assert_eq!((reply.status().as_u16(), &reply.body()[..]), (status, body.as_bytes()));
            assert_eq!(reply.headers().contains_key(RETRY_AFTER), again, "{refusal:?}");
        };
        check(Refusal::Busy, 503, r#"{"error":"busy"}"#, true);
        check(Refusal::Draining, 503, r#"{"error":"draining"}"#, true);
        check(Refusal::Unreachable, 503, r#"{"error":"unreachable"}"#, false);
        check(Refusal::Overdue, 503, r#"{"error":"overdue"}"#, false);
        check(Refusal::Unauthorized, 401, r#"{"error":"unauthorized"}"#, false);
        check(Refusal::NoModel("x".to_owned()), 404, r#"{"error":"model 'x' not found"}"#, false);
        let long = Refusal::NoModel("\"".repeat(1000)).reply();
        assert!(long.body().len() < 300);
    }
}
