//! Every error that a reader can see: its status, its code and its words, in this one place.

use http::StatusCode;
use http::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;

use crate::failure::Failure;
use crate::limits::Limit;
use crate::reply::{self, Reply};
use crate::sse::Frame;

/// Seconds after which asking again may help when no node answered.
const RETRY_SECONDS: u64 = 30;

/// Seconds after which a place may be free again: an answer is rarely longer.
const PLACE_SECONDS: u64 = 5;

/// What a reader is told instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Nothing lives at this path.
    NotFound,
    /// The path is right, the method is not; these are.
    MethodNotAllowed(&'static str),
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// The body is larger than [`LONGEST_BODY`](crate::service::LONGEST_BODY).
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The body broke off.
    BodyBroken,
    /// The body is not JSON.
    InvalidJson,
    /// There is no query, or it is not a text, or it is empty.
    MissingQuery,
    /// The query is longer than [`LONGEST_QUERY`](crate::terminal::LONGEST_QUERY).
    QueryTooLong,
    /// The history is not a list of turns.
    InvalidHistory,
    /// What the reader holds of an answer is no text, or too long.
    InvalidResume,
    /// The key is missing or wrong.
    Unauthorized,
    /// `daysOverdue` is missing or not to be believed.
    InvalidDaysOverdue,
    /// `tone` is none of the three.
    InvalidTone,
    /// `language` is no language tag.
    InvalidLanguage,
    /// `previous` is no count to be believed.
    InvalidPrevious,
    /// `notes` is no text, or too long.
    InvalidNotes,
    /// `sender` is not an object of short texts.
    InvalidSender,
    /// `values` is not an object of short texts by the names of the placeholders.
    InvalidValues,
    /// `id` is no draft's.
    InvalidId,
    /// `event` is none of the four.
    InvalidEvent,
    /// `body` is missing where it is needed, no text, or too long.
    InvalidBody,
    /// This address has asked as often as it may, or is being answered as often as it may; seconds until it may again.
    TooManyRequests(u64),
    /// So many answers are being written that there is no room for one more.
    Overloaded,
    /// The monitor's record could not be read or written.
    StoreAway,
    /// The node says that the request itself is wrong.
    Rejected,
    /// No node answered.
    NoNode,
    /// The answer took too long.
    Timeout,
    /// The answer broke off.
    Cut,
    /// The service was started with a configuration that it refuses.
    Misconfigured,
}

impl Error {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        self.row().1
    }

    /// For people.
    pub fn message(&self) -> &'static str {
        self.row().2
    }

    /// The error as the last event of a stream whose head has already left.
    pub fn frame(&self) -> Frame<'static> {
        self.frame_after(None)
    }

    /// The same, behind so many characters of an answer.
    pub fn frame_after(&self, delivered: Option<usize>) -> Frame<'static> {
        Frame::Error { code: self.code(), message: self.message(), delivered }
    }

    /// The error as a reply of its own.
    pub fn reply(&self) -> Reply {
        #[derive(Serialize)]
        struct Outer {
            error: Inner,
        }
        #[derive(Serialize)]
        struct Inner {
            code: &'static str,
            message: &'static str,
        }
        let (status, code, message) = self.row();
        let mut reply = reply::json(status, &Outer { error: Inner { code, message } });
        if let Self::MethodNotAllowed(allowed) = self {
            reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        }
        if *self == Self::Unauthorized {
            reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after() {
            reply.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        reply
    }

    fn retry_after(&self) -> Option<u64> {
        if let Self::TooManyRequests(seconds) = self {
            return Some(*seconds);
        }
        let after = [
            (Self::NoNode, RETRY_SECONDS),
            (Self::Timeout, RETRY_SECONDS),
            (Self::Overloaded, PLACE_SECONDS),
        ];
        after.into_iter().find(|(error, _)| error == self).map(|(_, seconds)| seconds)
    }

    fn row(&self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::NotFound => (S::NOT_FOUND, "not_found", "There is nothing at this path."),
            Self::MethodNotAllowed(_) => {
                (S::METHOD_NOT_ALLOWED, "method_not_allowed", "This path takes another method.")
            }
            Self::UnsupportedMediaType => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Send JSON, with content-type: application/json.",
            ),
            Self::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "body_too_large", "The body is over 64 KiB."),
            Self::BodyTimeout => (S::REQUEST_TIMEOUT, "body_timeout", "The body did not arrive in time."),
            Self::BodyBroken => (S::BAD_REQUEST, "body_broken", "The body broke off."),
            Self::InvalidJson => (S::BAD_REQUEST, "invalid_json", "The body is not a JSON object."),
            Self::MissingQuery => {
                (S::UNPROCESSABLE_ENTITY, "missing_query", "Say what you want to know in \"query\".")
            }
            Self::QueryTooLong => {
                (S::UNPROCESSABLE_ENTITY, "query_too_long", "The query is over 2,000 characters.")
            }
            Self::InvalidHistory => (
                S::UNPROCESSABLE_ENTITY,
                "invalid_history",
                "\"history\" is a list of {\"role\": \"user\" or \"assistant\", \"content\": text}.",
            ),
            Self::InvalidResume => (
                S::UNPROCESSABLE_ENTITY,
                "invalid_resume",
                "\"resume\" is what you hold of the answer, a text of at most 16 KiB.",
            ),
            Self::Unauthorized => (S::UNAUTHORIZED, "unauthorized", "Send the key as Authorization: Bearer."),
            Self::InvalidDaysOverdue => (
                S::UNPROCESSABLE_ENTITY,
                "invalid_days_overdue",
                "\"daysOverdue\" is a whole number of days from 0 to 3650.",
            ),
            Self::InvalidTone => {
                (S::UNPROCESSABLE_ENTITY, "invalid_tone", "\"tone\" is \"friendly\", \"firm\" or \"urgent\".")
            }
            Self::InvalidLanguage => (
                S::UNPROCESSABLE_ENTITY,
                "invalid_language",
                "\"language\" is a language tag such as \"en\" or \"pt-BR\".",
            ),
            Self::InvalidPrevious => {
                (S::UNPROCESSABLE_ENTITY, "invalid_previous", "\"previous\" is a whole number from 0 to 100.")
            }
            Self::InvalidNotes => {
                (S::UNPROCESSABLE_ENTITY, "invalid_notes", "\"notes\" is a text of at most 1,000 characters.")
            }
            Self::InvalidSender => (
                S::UNPROCESSABLE_ENTITY,
                "invalid_sender",
                "\"sender\" holds \"business\" and \"name\", one line of at most 200 characters each.",
            ),
            Self::InvalidValues => (
                S::UNPROCESSABLE_ENTITY,
                "invalid_values",
                "\"values\" holds \"clientName\", \"dueDate\", \"amount\" and \"daysOverdue\", one line of at most 200 characters each.",
            ),
            Self::InvalidId => (S::UNPROCESSABLE_ENTITY, "invalid_id", "\"id\" is the id of a draft."),
            Self::InvalidEvent => (
                S::UNPROCESSABLE_ENTITY,
                "invalid_event",
                "\"event\" is \"accepted\", \"edited\", \"regenerated\" or \"discarded\".",
            ),
            Self::InvalidBody => (
                S::UNPROCESSABLE_ENTITY,
                "invalid_body",
                "\"body\" is a text of at most 10,000 characters, and \"edited\" needs one.",
            ),
            Self::TooManyRequests(_) => (
                S::TOO_MANY_REQUESTS,
                "too_many_requests",
                "That is more than one address may ask at a time. Commands still work: try \"help\".",
            ),
            Self::Overloaded => (
                S::SERVICE_UNAVAILABLE,
                "overloaded",
                "Too many questions are being answered right now. Commands still work: try \"help\".",
            ),
            Self::StoreAway => {
                (S::SERVICE_UNAVAILABLE, "store_away", "The store did not answer; this round does not count.")
            }
            Self::Rejected => {
                (S::UNPROCESSABLE_ENTITY, "rejected", "The model cannot take this question as it was asked.")
            }
            Self::NoNode => (
                S::SERVICE_UNAVAILABLE,
                "no_node",
                "No model can answer right now. Commands still work: try \"help\".",
            ),
            Self::Timeout => (S::SERVICE_UNAVAILABLE, "timeout", "The answer took too long and was stopped."),
            Self::Cut => {
                (S::SERVICE_UNAVAILABLE, "cut", "The answer broke off; what you read is not all of it.")
            }
            Self::Misconfigured => (
                S::INTERNAL_SERVER_ERROR,
                "misconfigured",
                "This service is not set up correctly; its log says what is wrong.",
            ),
        }
    }
}

/// What a question stood over, and when it may come again.
impl From<Limit> for Error {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::Overload => Self::Overloaded,
            Limit::Streams => Self::TooManyRequests(PLACE_SECONDS),
            Limit::Rate(wait) => Self::TooManyRequests(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
        }
    }
}

/// What ended a started answer, in a reader's words.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::AnswerTimeout => Self::Timeout,
            Failure::Rejected => Self::Rejected,
            Failure::Dns
            | Failure::Refused
            | Failure::ConnectTimeout
            | Failure::FirstWordTimeout
            | Failure::IdleTimeout
            | Failure::Broken
            | Failure::Busy
            | Failure::Status(_)
            | Failure::Redirect
            | Failure::Html
            | Failure::Garbage
            | Failure::LineTooLong
            | Failure::ErrorLine
            | Failure::EndedEarly
            | Failure::Empty
            | Failure::AnswerTooLong
            | Failure::Outrun
            | Failure::Contract(_) => Self::Cut,
        }
    }
}
