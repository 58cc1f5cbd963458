//! What is asked in a bench, and the two forms in which an answer comes: Ollama's lines and our events.

use std::fmt;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use homefire_core::sse::Frame;
use serde_json::{Value, json};

use super::machine::now;

pub(crate) const MODEL: &str = "bench";

/// Its text tells the fast node what to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) id: u64,
    /// Words of the answer.
    pub(crate) words: u64,
    /// Milliseconds between two of them.
    pub(crate) pace: u64,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Question {}: say {} words, one every {} ms", self.id, self.words, self.pace)
    }
}

impl Question {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut figures = text.split(|character: char| !character.is_ascii_digit()).flat_map(str::parse);
        Some(Self { id: figures.next()?, words: figures.next()?, pace: figures.next()? })
    }
}

/// A form of answers, and of the requests that lead to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Ollama's: a line of JSON a word.
    Lines,
    /// Ours: an event a word.
    Events,
}

/// What one line of an answer holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Word(String),
    Done(End),
    Nothing,
}

/// How an answer ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    reason: String,
    tokens: Option<u64>,
}

impl Wire {
    pub(crate) const ALL: [Self; 2] = [Self::Lines, Self::Events];

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Lines => "/api/chat",
            Self::Events => "/api/terminal",
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Lines => "application/x-ndjson",
            Self::Events => "text/event-stream",
        }
    }

    pub(crate) fn ask(self, question: Question) -> Bytes {
        let text = question.to_string();
        let body = match self {
            Self::Lines => {
                json!({"model": MODEL, "stream": true, "messages": [{"role": "user", "content": text}]})
            }
            Self::Events => json!({ "query": text }),
        };
        body.to_string().into()
    }

    /// The question in a request's body. What was said before it does not matter.
    pub(crate) fn asked(self, body: &[u8]) -> Option<Question> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let text = match self {
            Self::Lines => &body["messages"].as_array()?.last()?["content"],
            Self::Events => &body["query"],
        };
        Question::parse(text.as_str()?)
    }

    /// The word that tells when it is said.
    pub(crate) fn word(self) -> Bytes {
        let content = format!(" {}", now());
        match self {
            Self::Lines => {
                let message = json!({"role": "assistant", "content": content});
                line(&json!({"model": MODEL, "created_at": CREATED, "message": message, "done": false}))
            }
            Self::Events => Frame::Token { content: &content }.to_bytes(),
        }
    }

    pub(crate) fn done(self, words: u64) -> Bytes {
        match self {
            Self::Lines => line(&json!({
                "model": MODEL, "created_at": CREATED, "message": {"role": "assistant", "content": ""},
                "done": true, "done_reason": "stop", "total_duration": 1, "load_duration": 1,
                "prompt_eval_count": 1, "prompt_eval_duration": 1, "eval_count": words, "eval_duration": 1,
            })),
            Self::Events => {
                Frame::Done { node: MODEL, model: MODEL, reason: "stop", tokens: Some(words) }.to_bytes()
            }
        }
    }

    /// Reads a line, which stands without its end.
    pub(crate) fn piece(self, line: &[u8]) -> Result<Piece> {
        let line = match self {
            Self::Lines => line,
            Self::Events if line.is_empty() || line.starts_with(b":") => return Ok(Piece::Nothing),
            Self::Events => line.strip_prefix(b"data: ").context("a line of an answer is no event")?,
        };
        let line: Value = serde_json::from_slice(line).context("a line of an answer is not JSON")?;
        let (content, is_done, reason, tokens) = match self {
            Self::Lines => {
                (&line["message"]["content"], line["done"] == true, &line["done_reason"], &line["eval_count"])
            }
            Self::Events => (&line["content"], line["type"] == "done", &line["reason"], &line["tokens"]),
        };
        if is_done {
            let reason = reason.as_str().unwrap_or_default().to_owned();
            return Ok(Piece::Done(End { reason, tokens: tokens.as_u64() }));
        }
        match content.as_str() {
            Some(word) => Ok(Piece::Word(word.to_owned())),
            None => bail!("a line of an answer says nothing: {line}"),
        }
    }
}

const CREATED: &str = "2026-01-01T00:00:00.000000000Z";

fn line(value: &Value) -> Bytes {
    (value.to_string() + "\n").into()
}

/// What is the same of an answer in either form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    text: String,
    end: End,
}

impl Answer {
    pub(crate) fn read(bytes: &[u8], wire: Wire) -> Result<Self> {
        let (mut text, mut end) = (String::new(), None);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\n").context("the last line of an answer has no end")?;
            match wire.piece(line)? {
                Piece::Nothing => {}
                _ if end.is_some() => bail!("an answer goes on behind its end"),
                Piece::Word(word) => text += &word,
                Piece::Done(told) => end = Some(told),
            }
        }
        let end = end.context("an answer without an end")?;
        ensure!(!text.is_empty(), "an answer without a word");
        Ok(Self { text, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read_as_it_was_asked() {
        let question = Question { id: 7, words: 200, pace: 10 };
        for wire in Wire::ALL {
            assert_eq!(wire.asked(&wire.ask(question)), Some(question), "{wire:?}");
        }
        let prompted = br#"{"messages":[{"content":"You are 1 of 2."},{"content":"7, 200, 10"}]}"#;
        assert_eq!(Wire::Lines.asked(prompted), Some(question));
        assert_eq!(Wire::Events.asked(br#"{"query":"help"}"#), None);
    }

    #[test]
    fn both_forms_say_the_same() {
        let said = |wire: Wire, tokens: u64, word: &str| {
            let word =
                String::from_utf8_lossy(&wire.word()).replace(|digit: char| digit.is_ascii_digit(), word);
            let text = word.into_bytes().into_iter().chain(wire.done(tokens)).collect::<Vec<_>>();
            Answer::read(&text, wire).unwrap()
        };
        assert_eq!(said(Wire::Lines, 2, "1"), said(Wire::Events, 2, "1"));
        assert_ne!(said(Wire::Lines, 2, "1"), said(Wire::Events, 3, "1"));
        assert_ne!(said(Wire::Lines, 2, "1"), said(Wire::Events, 2, "2"));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let check = |text: &str, expect: &str| {
            let error = Answer::read(text.as_bytes(), Wire::Events).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        let (word, done) =
            ("data: {\"type\":\"token\",\"content\":\"a\"}\n\n", "data: {\"type\":\"done\"}\n\n");
        check(word, "without an end");
        check(&(word.to_owned() + done.trim()), "has no end");
        check(&[":\n\n", done].concat(), "without a word");
        check(&[word, done, word].concat(), "goes on behind its end");
        check("data: {\"type\":\"error\",\"code\":\"cut\"}\n\n", "says nothing");
        check("event: x\n", "no event");
        check("data: x\n", "not JSON");
    }
}
