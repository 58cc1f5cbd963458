//! How a stream is written, for what the guard itself says in one.

use bytes::Bytes;
use http::HeaderValue;
use serde_json::json;

/// What a stream is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// JSON, an object a line: Ollama's own.
    Lines,
    /// Events as a browser's `EventSource` reads them: OpenAI's.
    Events,
}

impl Manner {
    pub(crate) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Lines => "application/x-ndjson",
            Self::Events => "text/event-stream",
        })
    }

    /// What means nothing, and keeps the way open.
    pub(crate) fn beat(self) -> Bytes {
        Bytes::from_static(match self {
            Self::Lines => b"\n",
            Self::Events => b": \n\n",
        })
    }

    /// What went wrong once the head had left.
    pub(crate) fn error(self, words: &str) -> Bytes {
        match self {
            Self::Lines => format!("{}\n", json!({ "error": words })),
            Self::Events => format!("data: {}\n\n", json!({ "error": { "message": words } })),
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said() {
        let check = |manner: Manner, beat: &str, error: &str| {
            assert_eq!((&manner.beat()[..], &manner.error("a\nb")[..]), (beat.as_bytes(), error.as_bytes()));
        };
        check(Manner::Lines, "\n", "{\"error\":\"a\\nb\"}\n");
        check(Manner::Events, ": \n\n", "data: {\"error\":{\"message\":\"a\\nb\"}}\n\n");
    }
}
