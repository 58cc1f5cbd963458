//! `POST /api/feedback`: what became of a draft. A text that was sent along is measured and dropped.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::event::Event;
use crate::json;
use crate::platform::Platform;
use crate::reply::{self, Reply};
use crate::service::Service;

/// Characters of an edited body.
const LONGEST_BODY: usize = 10_000;

/// Pairs of characters that are compared, each in some nanoseconds: whoever else is answered here waits meanwhile.
const MOST_PAIRS: usize = 1_000_000;

/// What a person did with a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Sent as it was.
    Accepted,
    /// Changed, then sent.
    Edited,
    /// Another one was asked for.
    Regenerated,
    /// Thrown away.
    Discarded,
}

#[derive(Debug, PartialEq, Eq)]
struct Feedback {
    id: String,
    verdict: Verdict,
    /// The edited text, placeholders and all.
    body: Option<String>,
}

/// Takes note, by one log event: that is where analytics will read it.
pub async fn handle<P: Platform>(platform: &P, service: &Service, body: &[u8]) -> Result<Reply, Error> {
    let Feedback { id, verdict, body } = Feedback::parse(body)?;
    let distance = match (verdict, body) {
        (Verdict::Edited, Some(edited)) => {
            service.memory.draft(&id).and_then(|draft| distance(&draft, &edited))
        }
        _ => None,
    };
    platform.log(&Event::Feedback { id, verdict, distance });
    Ok(reply::empty(StatusCode::ACCEPTED))
}

impl Feedback {
    fn parse(body: &[u8]) -> Result<Self, Error> {
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(Error::InvalidJson);
        }
        let mut fields: Map<String, Value> = json::read(body).map_err(|_| Error::InvalidJson)?;
        let mut field = |name: &str| fields.remove(name).filter(|value| !value.is_null());
        let id = field("id").and_then(|id| uuid::Uuid::try_parse(id.as_str()?).ok());
        let id = id.filter(|id| id.get_version_num() == 7).ok_or(Error::InvalidId)?.to_string();
        let verdict = field("event").and_then(|event| json::convert(&event).ok());
        let verdict = verdict.ok_or(Error::InvalidEvent)?;
        let body = match field("body") {
            None if verdict == Verdict::Edited => return Err(Error::InvalidBody),
            None => None,
            Some(Value::String(body)) if body.chars().count() <= LONGEST_BODY => Some(body),
            Some(_) => return Err(Error::InvalidBody),
        };
        Ok(Self { id, verdict, body })
    }
}

/// Characters to add, take away or change (Levenshtein). How lines end is a form's own doing. What both texts begin and end
/// with costs nothing to compare; where too much is between, they are not.
fn distance(draft: &str, edited: &str) -> Option<usize> {
    let edited = edited.trim().replace("\r\n", "\n");
    let (draft, edited): (Vec<char>, Vec<char>) = (draft.chars().collect(), edited.chars().collect());
    let same = |(one, other): &(&char, &char)| one == other;
    let begin = draft.iter().zip(&edited).take_while(same).count();
    let (draft, edited) = (&draft[begin..], &edited[begin..]);
    let end = draft.iter().rev().zip(edited.iter().rev()).take_while(same).count();
    let (draft, edited) = (&draft[..draft.len() - end], &edited[..edited.len() - end]);
    let is_short = draft.len() * edited.len() <= MOST_PAIRS;
    is_short.then(|| strsim::generic_levenshtein(&draft.to_vec(), &edited.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01932c07-2000-7abc-8def-0123456789ab";

    #[test]
    fn bodies() {
        let check = |body: String, expect: Result<Verdict, &str>| {
            let read = Feedback::parse(body.as_bytes());
            assert_eq!(read.as_ref().map(|read| read.verdict).map_err(Error::code), expect, "{body}");
        };
        let with = |event: &str, more: &str| format!(r#"{{"id":"{ID}","event":"{event}"{more}}}"#);
        check(with("accepted", ""), Ok(Verdict::Accepted));
        check(with("edited", r#","body":"x""#), Ok(Verdict::Edited));
        check(with("discarded", r#","body":null"#), Ok(Verdict::Discarded));
        check(with("edited", ""), Err("invalid_body"));
        check(with("accepted", r#","body":7"#), Err("invalid_body"));
        check(with("edited", &format!(r#","body":"{}""#, "ä".repeat(10_001))), Err("invalid_body"));
        check(with("liked", ""), Err("invalid_event"));
        check(r#"{"id":"7","event":"accepted"}"#.to_owned(), Err("invalid_id"));
        check(
            r#"{"id":"936da01f-9abd-4d9d-80c7-02af85c822a8","event":"accepted"}"#.to_owned(),
            Err("invalid_id"),
        );
        check("[]".to_owned(), Err("invalid_json"));
    }

    #[test]
    fn distances() {
        let bounded =
            |one: &str, other: &str, expect| assert_eq!(distance(one, other), expect, "{one} {other}");
        let check = |one: &str, other: &str, expect| bounded(one, other, Some(expect));
        check("", "", 0);
        check("abc", " abc\n", 0);
        check("abc", "", 3);
        check("a\n\nb", "a\r\n\r\nb\r\n", 0);
        check("Dear you", "Dear all of you", 7);
        check("aaa", "aaaa", 1);
        check("kitten", "sitting", 3);
        check("äöü", "äou", 2);
        let half = "a long draft ".repeat(110);
        let (long, edited) = (format!("{half}draft {half}."), format!("{half}text {half}."));
        check(&long, &edited, 4);
        bounded(&long, &"x".repeat(10_000), None);
        bounded(&"x".repeat(1000), &"y".repeat(1000), Some(1000));
        bounded(&"x".repeat(1000), &"y".repeat(1001), None);
    }
}
