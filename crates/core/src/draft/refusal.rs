//! Why a model's answer is not sent to anybody's client.

use std::fmt;

use super::Placeholder;

/// What is wrong with an answer, the first thing that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no draft in it.
    NoDraft,
    /// The draft breaks off.
    Truncated,
    /// This placeholder is missing.
    Missing(Placeholder),
    /// Something stands in brackets that is no placeholder.
    UnknownPlaceholder,
    /// A digit.
    Number,
    /// A currency.
    Currency,
    /// A month or a day of the week.
    Date,
    /// A number of days, weeks or months in words.
    Period,
    /// A court, a collector or a fee.
    Threat,
    /// A greeting or a signature with a name that nobody gave.
    Name,
    /// The subject is longer than [`LONGEST_SUBJECT`](super::contract::LONGEST_SUBJECT).
    SubjectTooLong,
    /// The body is longer than [`LONGEST_BODY`](super::contract::LONGEST_BODY).
    BodyTooLong,
    /// Markup of a web page.
    Html,
    /// A link or an address that the sender did not give.
    Link,
}

impl Refusal {
    /// What the model is told when it is asked again.
    pub(super) fn advice(self) -> String {
        let text = match self {
            Self::NoDraft => "It was not a JSON object with the texts \"subject\" and \"body\".",
            Self::Truncated => "It broke off before its end. Write less.",
            Self::Missing(placeholder) => {
                return format!("The placeholder {{{}}} is missing. Use all four.", placeholder.name());
            }
            Self::UnknownPlaceholder => {
                "It holds a placeholder or a blank that is none of the four. Use only {clientName}, {dueDate}, {amount} and {daysOverdue}."
            }
            Self::Number => {
                "It holds a digit. Write no digits at all; the placeholders stand for all figures."
            }
            Self::Currency => "It names a currency. {amount} already holds it.",
            Self::Date => "It names a month or a day of the week. Write {dueDate}, and no other date.",
            Self::Period => {
                "It says a number of days, weeks or months in words. Write {daysOverdue}, and set no other period."
            }
            Self::Threat => "It threatens with a court, a collector or a fee. Announce none of them.",
            Self::Name => {
                "It greets or signs with a name that is not given. Greet {clientName}; sign only as you are told to."
            }
            Self::SubjectTooLong => "The subject is too long. Keep it under ten words.",
            Self::BodyTooLong => "The body is too long. Keep it under one hundred and fifty words.",
            Self::Html => "It holds HTML. Write plain text.",
            Self::Link => "It holds a link or an address. Write none.",
        };
        text.to_owned()
    }
}

/// The name that replies and logs have for it.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoDraft => "no_draft",
            Self::Truncated => "truncated",
            Self::Missing(Placeholder::ClientName) => "missing_client_name",
            Self::Missing(Placeholder::DueDate) => "missing_due_date",
            Self::Missing(Placeholder::Amount) => "missing_amount",
            Self::Missing(Placeholder::DaysOverdue) => "missing_days_overdue",
            Self::UnknownPlaceholder => "unknown_placeholder",
            Self::Number => "number",
            Self::Currency => "currency",
            Self::Date => "date",
            Self::Period => "period",
            Self::Threat => "threat",
            Self::Name => "name",
            Self::SubjectTooLong => "subject_too_long",
            Self::BodyTooLong => "body_too_long",
            Self::Html => "html",
            Self::Link => "link",
        })
    }
}
