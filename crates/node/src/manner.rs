//! How a stream is written, for what the guard itself says in one.

use bytes::Bytes;
use homefire_core::failure::Failure;
use homefire_core::{lane, sse};
use http::HeaderValue;
use serde_json::json;

/// What a stream is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// JSON, an object a line: Ollama's own.
    Lines,
    /// Events as a browser's `EventSource` reads them: OpenAI's.
    Events,
    /// The edge's own events, what ends them in comments: the express lane.
    Frames,
}

impl Manner {
    pub(crate) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Lines => "application/x-ndjson",
            Self::Events | Self::Frames => lane::KIND,
        })
    }

    /// What means nothing, and keeps the way open.
    pub(crate) fn beat(self) -> Bytes {
        match self {
            Self::Lines => Bytes::from_static(b"\n"),
            Self::Events => Bytes::from_static(b": \n\n"),
            Self::Frames => sse::HEARTBEAT,
        }
    }

    /// What went wrong once the head had left. The edge takes no words.
    pub(crate) fn error(self, words: &str) -> Bytes {
        match self {
            Self::Lines => format!("{}\n", json!({ "error": words })).into(),
            Self::Events => format!("data: {}\n\n", json!({ "error": { "message": words } })).into(),
            Self::Frames => lane::cut(Failure::ErrorLine),
        }
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
        check(Manner::Frames, ":\n\n", ": cut error_line\n\n");
    }
}
