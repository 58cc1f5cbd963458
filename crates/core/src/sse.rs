//! What a reader receives: events to bytes.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;

use crate::failure::Failure;
use crate::json;

/// A comment: it keeps the connection awake, and lets the platform notice that the reader has left.
pub const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");

/// What stands before the content of a token.
pub(crate) const TOKEN: &[u8] = b"data: {\"type\":\"token\",\"content\":";

/// One event. Readers ignore types that they do not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Frame<'a> {
    /// The answer is complete.
    Done {
        /// Who gave it.
        node: &'a str,
        /// With which model.
        model: &'a str,
        /// Why the model stopped: `stop`, or `length` when it reached its limit.
        reason: &'a str,
        /// Tokens of the answer, as far as the node counts them.
        #[serde(skip_serializing_if = "Option::is_none")]
        tokens: Option<u64>,
    },
    /// A piece of a text.
    Token {
        /// The piece.
        content: &'a str,
    },
    /// Why there is no word yet.
    Status {
        /// `waking`: the node loads the model first.
        state: &'a str,
    },
    /// What was shown so far is to be cleared: it was no good, and something better comes.
    Restart,
    /// The node broke off, and another one goes on from here.
    Failover {
        /// Who broke off.
        from: &'a str,
        /// Who goes on.
        to: &'a str,
        /// Why.
        why: Failure,
    },
    /// The answer is not complete and never will be.
    Error {
        /// Stable, for programs.
        code: &'a str,
        /// For people.
        message: &'a str,
        /// Characters of it that were sent, where they were counted.
        #[serde(skip_serializing_if = "Option::is_none")]
        delivered: Option<usize>,
    },
}

impl Frame<'_> {
    /// The event as bytes.
    pub fn to_bytes(&self) -> Bytes {
        frame(self)
    }
}

/// One event of any type.
pub fn frame(event: &impl Serialize) -> Bytes {
    let mut out = b"data: ".to_vec();
    json::append(&mut out, event);
    out.extend_from_slice(b"\n\n");
    out.into()
}

/// Writes a piece of the answer. `content` is a JSON string as it stands, quotes and escapes included.
pub fn write_token(out: &mut BytesMut, content: &str) {
    out.reserve(content.len() + 40);
    out.put_slice(TOKEN);
    out.put_slice(content.as_bytes());
    out.put_slice(b"}\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_what_the_products_pages_read() {
        let check = |frame: Frame<'_>, expect: &str| assert_eq!(frame.to_bytes(), expect.as_bytes());
        check(
            Frame::Done { node: "mini", model: "m", reason: "stop", tokens: Some(7) },
            "data: {\"type\":\"done\",\"node\":\"mini\",\"model\":\"m\",\"reason\":\"stop\",\"tokens\":7}\n\n",
        );
        check(
            Frame::Done { node: "mini", model: "m", reason: "length", tokens: None },
            "data: {\"type\":\"done\",\"node\":\"mini\",\"model\":\"m\",\"reason\":\"length\"}\n\n",
        );
        check(
            Frame::Error { code: "cut", message: "a \"b\"\n", delivered: None },
            "data: {\"type\":\"error\",\"code\":\"cut\",\"message\":\"a \\\"b\\\"\\n\"}\n\n",
        );
        check(
            Frame::Error { code: "cut", message: "m", delivered: Some(3) },
            "data: {\"type\":\"error\",\"code\":\"cut\",\"message\":\"m\",\"delivered\":3}\n\n",
        );
        check(
            Frame::Failover { from: "mini", to: "cloud", why: Failure::Broken },
            "data: {\"type\":\"failover\",\"from\":\"mini\",\"to\":\"cloud\",\"why\":\"broken\"}\n\n",
        );
        let mut out = BytesMut::new();
        write_token(&mut out, r#"" tok""#);
        assert_eq!(&out[..], b"data: {\"type\":\"token\",\"content\":\" tok\"}\n\n");
    }
}
