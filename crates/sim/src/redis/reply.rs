//! What Redis answers, and how Upstash writes it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A word of Redis itself, such as `OK`.
    Simple(String),
    /// What was kept.
    Bulk(Bytes),
    /// A figure.
    Integer(i64),
    /// Nothing is there.
    Nil,
    /// Several.
    Array(Vec<Self>),
    /// What went wrong, its code first.
    Error(String),
}

impl Reply {
    /// `{"result":…}` or `{"error":…}`, the strings of a result in base64 if that is asked for.
    pub(super) fn to_json(&self, base64: bool) -> Value {
        match self {
            Self::Error(text) => json!({ "error": text }),
            Self::Simple(_) | Self::Bulk(_) | Self::Integer(_) | Self::Nil | Self::Array(_) => {
                json!({ "result": self.value(base64 && !self.is_ok()) })
            }
        }
    }

    fn value(&self, base64: bool) -> Value {
        let string = |bytes: &[u8]| match base64 {
            true => Value::from(BASE64_STANDARD.encode(bytes)),
            false => Value::from(String::from_utf8_lossy(bytes)),
        };
        match self {
            Self::Simple(text) | Self::Error(text) => string(text.as_bytes()),
            Self::Bulk(bytes) => string(bytes),
            Self::Integer(figure) => Value::from(*figure),
            Self::Nil => Value::Null,
            Self::Array(replies) => replies.iter().map(|reply| reply.value(base64)).collect(),
        }
    }

    /// The one string that is never in base64. In a list it is like any other: the official client decodes it there.
    fn is_ok(&self) -> bool {
        match self {
            Self::Simple(text) => text == "OK",
            Self::Bulk(bytes) => bytes == "OK",
            Self::Integer(_) | Self::Nil | Self::Array(_) | Self::Error(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_json() {
        let check = |reply: Reply, plain: &str, base64: &str| {
            assert_eq!(
                (reply.to_json(false).to_string(), reply.to_json(true).to_string()),
                (plain.to_owned(), base64.to_owned())
            );
        };
        let bulk = |bytes: &'static [u8]| Reply::Bulk(Bytes::from_static(bytes));
        check(Reply::Simple("OK".into()), r#"{"result":"OK"}"#, r#"{"result":"OK"}"#);
        check(Reply::Simple("PONG".into()), r#"{"result":"PONG"}"#, r#"{"result":"UE9ORw=="}"#);
        check(bulk(b"bar"), r#"{"result":"bar"}"#, r#"{"result":"YmFy"}"#);
        check(bulk(b"\xff"), "{\"result\":\"\u{fffd}\"}", r#"{"result":"/w=="}"#);
        check(Reply::Integer(-7), r#"{"result":-7}"#, r#"{"result":-7}"#);
        check(Reply::Nil, r#"{"result":null}"#, r#"{"result":null}"#);
        check(bulk(b"OK"), r#"{"result":"OK"}"#, r#"{"result":"OK"}"#);
        let nested = Reply::Array(vec![bulk(b"OK"), Reply::Array(vec![Reply::Nil, bulk(b"bar")])]);
        check(nested, r#"{"result":["OK",[null,"bar"]]}"#, r#"{"result":["T0s=",[null,"YmFy"]]}"#);
        let error = Reply::Error("ERR syntax error".into());
        check(error, r#"{"error":"ERR syntax error"}"#, r#"{"error":"ERR syntax error"}"#);
    }
}
