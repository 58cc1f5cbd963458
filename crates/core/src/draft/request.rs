//! What a product asks for: how late, in which language and tone, and the values that no model sees.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Placeholder;
use super::tone::Tone;
use crate::error::Error;
use crate::hidden::without_hidden;
use crate::json;

/// The most days that are believed.
const MOST_DAYS: u64 = 3650;

/// The most reminders before this one that are believed.
const MOST_PREVIOUS: u64 = 100;

/// Characters of the owner's notes.
const LONGEST_NOTES: usize = 1000;

/// Characters of a value, and of what the sender says of himself.
const LONGEST_VALUE: usize = 200;

/// A request for a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) tone: Tone,
    /// A language tag such as `en` or `pt-BR`.
    pub(super) language: String,
    /// Reminders before this one.
    pub(super) previous: Option<u64>,
    pub(super) notes: Option<String>,
    pub(super) sender: Sender,
    pub(super) values: Option<Values>,
}

/// Who writes, in his own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Sender {
    /// The business.
    pub business: Option<String>,
    /// The person.
    pub name: Option<String>,
}

impl Sender {
    /// What of the sender a blank means, given its letters. `[Company Name]` may be anybody's.
    pub(super) fn meant(&self, squashed: &str) -> Option<&str> {
        match squashed {
            "yourname" | "yourfullname" | "sendername" | "senderyourname" => self.name.as_deref(),
            "yourbusiness" | "yourbusinessname" | "yourcompany" | "yourcompanyname" | "senderbusiness"
            | "sendercompany" => self.business.as_deref(),
            _ => None,
        }
    }

    /// What it says of itself, the longer text first.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let (business, name) = (self.business.as_deref(), self.name.as_deref());
        let swap = business.map_or(0, str::len) < name.map_or(0, str::len);
        (if swap { [name, business] } else { [business, name] }).into_iter().flatten()
    }
}

/// The values that take the places of the placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values(Map<String, Value>);

impl Values {
    /// The value of a placeholder, if it was given.
    pub(super) fn of(&self, placeholder: Placeholder) -> Option<&str> {
        self.0.get(placeholder.name())?.as_str().map(str::trim).filter(|value| !value.is_empty())
    }
}

impl Request {
    /// Reads a request's body. Fields that are not known are ignored.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Error> {
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(Error::InvalidJson);
        }
        let mut fields: Map<String, Value> = json::read(body).map_err(|_| Error::InvalidJson)?;
        let mut field = |name: &str| fields.remove(name).filter(|value| !value.is_null());
        let days = field("daysOverdue").and_then(|days| days.as_u64()).filter(|days| *days <= MOST_DAYS);
        let days = days.ok_or(Error::InvalidDaysOverdue)?;
        let tone = match field("tone") {
            None => Tone::of(days),
            Some(tone) => json::convert(&tone).map_err(|_| Error::InvalidTone)?,
        };
        let language = match field("language") {
            None => "en".to_owned(),
            Some(tag) => tag.as_str().filter(|tag| is_tag(tag)).ok_or(Error::InvalidLanguage)?.to_owned(),
        };
        let previous = field("previous")
            .map(|count| count.as_u64().filter(|count| *count <= MOST_PREVIOUS).ok_or(Error::InvalidPrevious))
            .transpose()?;
        let notes = field("notes").map(|notes| text(&notes, LONGEST_NOTES, true).ok_or(Error::InvalidNotes));
        let notes = notes.transpose()?.flatten();
        let sender = field("sender").map_or(Ok(Sender::default()), |sender| read_sender(&sender))?;
        let values = field("values").map(read_values).transpose()?;
        Ok(Self { tone, language, previous, notes, sender, values })
    }
}

fn read_sender(sender: &Value) -> Result<Sender, Error> {
    let sender = sender.as_object().ok_or(Error::InvalidSender)?;
    let read = |name: &str| match sender.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            text(value, LONGEST_VALUE, false).map(|text| text.and_then(one_line)).ok_or(Error::InvalidSender)
        }
    };
    Ok(Sender { business: read("business")?, name: read("name")? })
}

/// As a draft holds it, where nothing is hidden: or no draft would be seen to name the sender.
fn one_line(text: String) -> Option<String> {
    let text = without_hidden(&text).split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

fn read_values(values: Value) -> Result<Values, Error> {
    let Value::Object(values) = values else { return Err(Error::InvalidValues) };
    let known = |name: &str| Placeholder::ALL.iter().any(|one| one.name() == name);
    let fits = |value: &Value| value.is_null() || text(value, LONGEST_VALUE, false).is_some();
    match values.iter().all(|(name, value)| known(name) && fits(value)) {
        true => Ok(Values(values)),
        false => Err(Error::InvalidValues),
    }
}

/// A text of at most `longest` characters without control characters; `lines` may be several. Nothing but space is no
/// text.
#[expect(clippy::option_option, reason = "refused, not given, given")]
fn text(value: &Value, longest: usize, lines: bool) -> Option<Option<String>> {
    let text = value.as_str()?.trim();
    let fits = text.chars().count() <= longest
        && text.chars().all(|c| !c.is_control() || (lines && matches!(c, '\n' | '\r' | '\t')));
    fits.then(|| (!text.is_empty()).then(|| text.to_owned()))
}

/// A language tag as BCP 47 has it: a language of two or three letters, then subtags.
fn is_tag(text: &str) -> bool {
    let mut subtags = text.split('-');
    let language = subtags.next().unwrap_or_default();
    text.len() <= 35
        && matches!(language.len(), 2 | 3)
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && subtags.all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies() {
        let check = |body: &str, expect: Result<(Tone, &str), &str>| {
            let read = Request::parse(body.as_bytes());
            let seen = read.as_ref().map(|request| (request.tone, &*request.language)).map_err(Error::code);
            assert_eq!(seen, expect, "{body}");
        };
        check(r#"{"daysOverdue":9}"#, Ok((Tone::Firm, "en")));
        check(r#"{"daysOverdue":0,"language":"pt-BR","more":1}"#, Ok((Tone::Friendly, "pt-BR")));
        check(r#"{"daysOverdue":90,"tone":"friendly","language":null}"#, Ok((Tone::Friendly, "en")));
        check("", Err("invalid_json"));
        check("[]", Err("invalid_json"));
        check(r#"{"daysOverdue":9"#, Err("invalid_json"));
        check("{}", Err("invalid_days_overdue"));
        for days in ["-1", "\"9\"", "1.5", "3651", "1e99", "null", "[]"] {
            check(&format!(r#"{{"daysOverdue":{days}}}"#), Err("invalid_days_overdue"));
        }
        for (field, values, code) in [
            ("tone", &[r#""angry""#, "7"][..], "invalid_tone"),
            ("language", &[r#""""#, r#""english""#, r#""e1""#, r#""en-""#, "7"], "invalid_language"),
            ("previous", &["-1", "101", "\"1\""], "invalid_previous"),
            ("notes", &["7", "\"a\\u0000\""], "invalid_notes"),
            ("sender", &["7", "\"x\"", r#"{"name":7}"#, r#"{"business":"a\nb"}"#], "invalid_sender"),
            (
                "values",
                &["7", r#"{"amount":7}"#, r#"{"amount":"a\nb"}"#, r#"{"iban":"x"}"#],
                "invalid_values",
            ),
        ] {
            for value in values {
                check(&format!(r#"{{"daysOverdue":9,"{field}":{value}}}"#), Err(code));
            }
        }
        let notes = |length| format!(r#"{{"daysOverdue":9,"notes":"{}"}}"#, "ä".repeat(length));
        check(&notes(1000), Ok((Tone::Firm, "en")));
        check(&notes(1001), Err("invalid_notes"));
    }

    #[test]
    fn senders() {
        let check = |name: &str, expect: Option<&str>| {
            let sender = read_sender(&serde_json::json!({"name": name})).unwrap();
            assert_eq!(sender.name.as_deref(), expect, "{name:?}");
        };
        check(" Ada Example ", Some("Ada Example"));
        check("Ada\u{200b} Ex\u{ad}ample\u{200e}", Some("Ada Example"));
        check("Ada  Example", Some("Ada Example"));
        check("Ada\u{a0}\u{200b} Example", Some("Ada Example"));
        check("A\u{34f}da\u{61c}\u{180e}\u{2063}\u{206a}\u{fff9}\u{e0041}", Some("Ada"));
        check("A\u{200d}\u{200c}da", Some("Ada"));
        check("क्\u{200d}ष 👩\u{200d}🔥", Some("क्\u{200d}ष 👩\u{200d}🔥"));
        check("\u{200b}", None);
        check(" ", None);
    }
}
