//! One line a request, without a word of what was asked or answered.

use std::fmt;
use std::time::Duration;

use homefire_log::{Writer, now};
use serde::Serialize;
use serde_json::json;

/// Where lines go.
pub(crate) enum Log {
    /// To standard error, by a thread of its own.
    Written(Writer<Entry>),
    Handed(Box<dyn Fn(&str) + Send + Sync>),
}

/// What a line tells.
pub(crate) enum Entry {
    Request(Line),
    Note { at: u64, what: String },
}

/// What became of a request.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Line {
    /// Milliseconds since the epoch, at its beginning.
    pub(crate) at: u64,
    pub(crate) id: String,
    /// A path of the table, or nothing: what else is asked for is not repeated.
    pub(crate) route: &'static str,
    pub(crate) model: Option<String>,
    pub(crate) status: u16,
    pub(crate) end: End,
    /// Until it had its place at the model.
    pub(crate) queued_ms: Option<u64>,
    /// Until Ollama's first chunk.
    pub(crate) first_ms: Option<u64>,
    pub(crate) ms: u64,
    /// Of the answer, as the client got them.
    pub(crate) bytes: u64,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// Answered by the guard itself.
    #[default]
    Guard,
    /// Ollama's answer went through whole.
    Finished,
    /// Ollama broke off.
    Cut,
    /// It took longer than any answer may.
    Overdue,
    /// The client left before anything was asked for it.
    Left,
    /// The client left, and the answer was read to its end.
    LeftDrained,
    /// The client left, and the answer was broken off.
    LeftDropped,
}

impl End {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Finished => "finished",
            Self::Cut => "cut",
            Self::Overdue => "overdue",
            Self::Left => "left",
            Self::LeftDrained => "left_drained",
            Self::LeftDropped => "left_dropped",
        }
    }
}

impl Log {
    /// One JSON line an event to standard error.
    pub(crate) fn stderr() -> Self {
        Self::Written(Writer::stderr())
    }

    pub(crate) fn request(&self, line: Line) {
        self.tell(Entry::Request(line));
    }

    /// What the owner should know about.
    pub(crate) fn note(&self, what: &str) {
        self.tell(Entry::Note { at: now(), what: what.to_owned() });
    }

    /// Lines that nobody took in time.
    pub(crate) fn lost(&self) -> u64 {
        match self {
            Self::Written(writer) => writer.lost(),
            Self::Handed(_) => 0,
        }
    }

    /// Waits until everything is written, `patience` at most. It blocks.
    pub(crate) fn flush(&self, patience: Duration) {
        match self {
            Self::Written(writer) => writer.flush(patience),
            Self::Handed(_) => {}
        }
    }

    fn tell(&self, entry: Entry) {
        match self {
            Self::Written(writer) => writer.push(entry),
            Self::Handed(hand) => hand(&entry.to_string()),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(line) => {
                let line = serde_json::to_string(line).expect("a line is plain fields");
                write!(f, "{{\"request\":{line}}}")
            }
            Self::Note { at, what } => json!({ "at": at, "note": what }).fmt(f),
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}
