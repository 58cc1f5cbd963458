//! What a reader may send, and how much of it.

use serde::Deserialize;
use serde_json::Value;

use crate::error::Error;
use crate::json;
use crate::ollama::Message;

/// Characters of a query.
pub const LONGEST_QUERY: usize = 2_000;

/// Turns of a conversation that are passed on, the newest.
const LONGEST_HISTORY: usize = 20;

/// Bytes of a conversation that are passed on, the newest. Together with the owner's instructions and the longest
/// query they fit into the model's context.
const LARGEST_HISTORY: usize = 8_000;

/// Bytes of an answer that is to be gone on with: several times the longest that a model is asked for.
const LONGEST_RESUME: usize = 16 * 1024;

/// A question and what was said before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) query: String,
    pub(super) history: Vec<Message>,
    /// What the reader holds of the answer, whose stream ended without an end.
    pub(super) resume: Option<String>,
}

impl Ask {
    /// Reads a request's body. Fields that are not known are ignored.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Wire {
            query: Option<Value>,
            history: Option<Value>,
            resume: Option<Value>,
        }
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(Error::InvalidJson);
        }
        let wire: Wire = json::read(body).map_err(|_| Error::InvalidJson)?;
        let Some(Value::String(query)) = wire.query else { return Err(Error::MissingQuery) };
        let query = query.trim().to_owned();
        if query.is_empty() {
            return Err(Error::MissingQuery);
        }
        if query.chars().count() > LONGEST_QUERY {
            return Err(Error::QueryTooLong);
        }
        let history = match wire.history {
            None | Some(Value::Null) => Vec::new(),
            Some(history) => json::convert(&history).map_err(|_| Error::InvalidHistory)?,
        };
        let resume = match wire.resume {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.len() <= LONGEST_RESUME => Some(text),
            Some(_) => return Err(Error::InvalidResume),
        };
        Ok(Self { query, history: newest(history), resume: resume.filter(|text| !text.is_empty()) })
    }
}

/// As many of the newest turns as fit, in their order.
fn newest(mut history: Vec<Message>) -> Vec<Message> {
    let mut room = LARGEST_HISTORY;
    let fit = history.iter().rev().take(LONGEST_HISTORY).take_while(|message| {
        let fits = message.content.len() <= room;
        room = room.saturating_sub(message.content.len());
        fits
    });
    history.split_off(history.len() - fit.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies() {
        let check = |body: &str, expect: Result<&str, &str>| {
            let asked = Ask::parse(body.as_bytes());
            let told = asked.as_ref().map(|ask| ask.query.as_str()).map_err(Error::code);
            assert_eq!(told, expect, "{body}");
        };
        check(r#"{"query":" hi  there ","more":1}"#, Ok("hi  there"));
        check(r#"{"query":"hi","history":null}"#, Ok("hi"));
        check("", Err("invalid_json"));
        check("hi", Err("invalid_json"));
        check(r#"["hi"]"#, Err("invalid_json"));
        check(r#"{"query":"hi""#, Err("invalid_json"));
        check("{\"query\":\"\u{0}\"}", Err("invalid_json"));
        check("{}", Err("missing_query"));
        check(r#"{"query":7}"#, Err("missing_query"));
        check(r#"{"query":" \n"}"#, Err("missing_query"));
        check(&format!(r#"{{"query":"{}"}}"#, "ä".repeat(2_000)), Ok(&*"ä".repeat(2_000)));
        check(&format!(r#"{{"query":"{}"}}"#, "ä".repeat(2_001)), Err("query_too_long"));
        check(r#"{"query":"hi","history":"no"}"#, Err("invalid_history"));
        check(r#"{"query":"hi","history":[{"role":"system","content":"x"}]}"#, Err("invalid_history"));
        check(r#"{"query":"hi","history":[{"role":"user"}]}"#, Err("invalid_history"));
    }

    #[test]
    fn an_answer_to_go_on_with() {
        let check = |resume: &str, expect: Result<Option<&str>, &str>| {
            let body = format!(r#"{{"query":"hi","resume":{resume}}}"#);
            let asked = Ask::parse(body.as_bytes());
            assert_eq!(
                asked.as_ref().map(|ask| ask.resume.as_deref()).map_err(Error::code),
                expect,
                "{resume}"
            );
        };
        check("null", Ok(None));
        check(r#""""#, Ok(None));
        check(r#"" I build \n""#, Ok(Some(" I build \n")));
        let longest = "x".repeat(LONGEST_RESUME);
        check(&format!("\"{longest}\""), Ok(Some(&longest)));
        check(&format!("\"{longest}x\""), Err("invalid_resume"));
        check("7", Err("invalid_resume"));
    }

    #[test]
    fn only_the_newest_turns_are_passed_on() {
        let check = |turns: usize, size: usize, expect: usize| {
            let turn = |at: usize| serde_json::json!({"role": "user", "content": format!("{at:0>size$}")});
            let history: Vec<_> = (0..turns).map(turn).collect();
            let body = serde_json::json!({"query": "hi", "history": history}).to_string();
            let kept = Ask::parse(body.as_bytes()).unwrap().history;
            assert_eq!(kept.len(), expect, "{turns} turns of {size}");
            assert_eq!(
                kept.last().map(|m| m.content.clone()),
                (expect > 0).then(|| format!("{:0>size$}", turns - 1))
            );
        };
        check(0, 1, 0);
        check(3, 10, 3);
        check(50, 10, 20);
        check(10, 3_000, 2);
        check(1, 9_000, 0);
    }
}
