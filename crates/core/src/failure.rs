//! What goes wrong between this service and a node, each by its name.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::draft::Refusal;
use crate::platform::FetchError;

/// Why an attempt brought no word, or why a started answer did not reach its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The node's name could not be resolved.
    Dns,
    /// Nobody listens at the node's address.
    Refused,
    /// No connection within `CONNECT_MS`.
    ConnectTimeout,
    /// No word within `FIRST_WORD_MS` (`LAST_FIRST_WORD_MS` on the last node).
    FirstWordTimeout,
    /// No byte within `IDLE_MS` after the last one.
    IdleTimeout,
    /// The whole answer took longer than `ANSWER_MS`.
    AnswerTimeout,
    /// The connection was made and then lost.
    Broken,
    /// The node answered 503 and when to come again: its guard has no place for one more, or takes no more for now.
    Busy,
    /// The node answered with a status that is neither 2xx nor 3xx.
    Status(u16),
    /// The node answered 400: the request itself is wrong and would fail everywhere.
    Rejected,
    /// A redirect: Access shows its login page because it does not accept the token.
    Redirect,
    /// A web page where JSON belongs: something else answers in the node's place.
    Html,
    /// A line that is not what Ollama says.
    Garbage,
    /// A line longer than the buffer for one.
    LineTooLong,
    /// Ollama told of an error inside a started stream.
    ErrorLine,
    /// The stream ended cleanly without `done: true`.
    EndedEarly,
    /// The node says that it is done without having said a word.
    Empty,
    /// The whole text is longer than the buffer for one.
    AnswerTooLong,
    /// The node was still silent when another one, asked meanwhile, spoke.
    Outrun,
    /// The answer came, and is no draft that could be sent.
    Contract(Refusal),
}

impl Failure {
    /// Whether asking the next node is of no use: it would fail alike, or there is no time left.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Rejected | Self::AnswerTimeout)
    }

    /// Whether it speaks against the node, and not of the request, of who else is being served, or of our own limits.
    pub fn blames_node(self) -> bool {
        match self {
            Self::Dns
            | Self::Refused
            | Self::ConnectTimeout
            | Self::FirstWordTimeout
            | Self::IdleTimeout
            | Self::Broken
            | Self::Redirect
            | Self::Html
            | Self::Garbage
            | Self::LineTooLong
            | Self::ErrorLine
            | Self::EndedEarly
            | Self::Empty => true,
            Self::Status(status) => status != 429,
            Self::Busy
            | Self::Rejected
            | Self::AnswerTimeout
            | Self::AnswerTooLong
            | Self::Outrun
            | Self::Contract(_) => false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::FirstWordTimeout => "first_word_timeout",
            Self::IdleTimeout => "idle_timeout",
            Self::AnswerTimeout => "answer_timeout",
            Self::Broken => "broken",
            Self::Busy => "busy",
            Self::Status(status) => return write!(f, "status_{status}"),
            Self::Rejected => "rejected",
            Self::Redirect => "redirect",
            Self::Html => "html",
            Self::Garbage => "garbage",
            Self::LineTooLong => "line_too_long",
            Self::ErrorLine => "error_line",
            Self::EndedEarly => "ended_early",
            Self::Empty => "empty",
            Self::AnswerTooLong => "answer_too_long",
            Self::Outrun => "outrun",
            Self::Contract(refusal) => return refusal.fmt(f),
        })
    }
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Dns => Self::Dns,
            FetchError::Refused => Self::Refused,
            FetchError::ConnectTimeout => Self::ConnectTimeout,
            FetchError::Broken => Self::Broken,
        }
    }
}
