//! The express lane: what a guard says in Ollama's place. It has read the node's lines already, and hands on the frames that
//! readers get; what only the edge must know stands in comments.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, header};

use crate::failure::Failure;
use crate::json;
use crate::ollama::{Done, Line, Reason};
use crate::relay::Output;
use crate::sse;

/// How the lane is asked for, and how a reply says that it is one.
pub const KIND: &str = "text/event-stream";

/// The header by which frames are asked to be gathered, for so many milliseconds behind those that left.
pub const GATHER: HeaderName = HeaderName::from_static("x-homefire-gather");

/// Ollama has said something that is no word. A mere [heartbeat](sse::HEARTBEAT) says nothing of Ollama.
pub const ALIVE: Bytes = Bytes::from_static(b": alive\n\n");

/// Why a guard cuts an answer. It does not say that there is no time left: how much there is, is the edge's.
const CUTS: [Failure; 6] = [
    Failure::ErrorLine,
    Failure::Garbage,
    Failure::LineTooLong,
    Failure::EndedEarly,
    Failure::Broken,
    Failure::IdleTimeout,
];

/// What a guard says at the end of an answer that came to its own.
pub fn done(done: &Done) -> Bytes {
    let reason = done.reason.as_str();
    match done.tokens {
        Some(tokens) => format!(": done {reason} {tokens}\n\n"),
        None => format!(": done {reason}\n\n"),
    }
    .into()
}

/// What a guard says at the end of an answer that did not.
pub fn cut(why: Failure) -> Bytes {
    format!(": cut {why}\n\n").into()
}

/// Whether the headers of a reply say that it is the lane.
pub(crate) fn is_taken(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    kind.get(..KIND.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(KIND.as_bytes()))
}

/// One line of the lane.
#[derive(Debug)]
pub enum Said<'a> {
    /// The guard is there. It says nothing of Ollama.
    Heartbeat,
    /// What Ollama has said.
    Line(Line<'a>),
}

/// Reads one line; the error is why the answer ends here.
pub fn line(bytes: &[u8]) -> Result<Said<'_>, Failure> {
    if let Some(content) = bytes.strip_prefix(sse::TOKEN).and_then(|rest| rest.strip_suffix(b"}")) {
        // A guard writes no surrogates: nothing needs to be decoded.
        let content = json::plain(content).ok_or(Failure::Garbage)?;
        return Ok(Said::Line(Line::Piece { content: Some(Cow::Borrowed(content)), done: None }));
    }
    let done = match bytes {
        b":" => return Ok(Said::Heartbeat),
        b": alive" => None,
        [b':', b' ', b'd', b'o', b'n', b'e', b' ', words @ ..] => Some(ending(words)?),
        [b':', b' ', b'c', b'u', b't', b' ', code @ ..] => return Err(failure(code)),
        _ => return Err(Failure::Garbage),
    };
    Ok(Said::Line(Line::Piece { content: None, done }))
}

/// The reason, and behind a space the tokens, if they were counted.
fn ending(words: &[u8]) -> Result<Done, Failure> {
    let words = str::from_utf8(words).map_err(|_| Failure::Garbage)?;
    let (word, tokens) = words.split_once(' ').map_or((words, None), |(word, tokens)| (word, Some(tokens)));
    let reason = [Reason::Stop, Reason::Length].into_iter().find(|reason| reason.as_str() == word);
    let tokens = tokens.map(str::parse).transpose().map_err(|_| Failure::Garbage)?;
    Ok(Done { reason: reason.ok_or(Failure::Garbage)?, tokens })
}

fn failure(code: &[u8]) -> Failure {
    CUTS.into_iter().find(|why| why.to_string().as_bytes() == code).unwrap_or(Failure::Garbage)
}

/// The guard's side: the pieces of an answer as frames, until they are taken.
#[derive(Debug, Default)]
pub struct Frames(BytesMut);

impl Frames {
    /// Adds a comment.
    pub fn say(&mut self, comment: &[u8]) {
        self.0.extend_from_slice(comment);
    }

    /// The frames that have gathered.
    pub fn take(&mut self) -> Bytes {
        self.0.split().freeze()
    }
}

impl Output for Frames {
    fn piece(&mut self, content: &str) -> Result<(), Failure> {
        sse::write_token(&mut self.0, content);
        Ok(())
    }

    /// Whether it may is the edge's to say.
    fn may_be_empty(&self) -> bool {
        true
    }

    fn size(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> String {
        match line(bytes) {
            Ok(Said::Heartbeat) => "heartbeat".to_owned(),
            Ok(Said::Line(Line::Piece { content, done })) => {
                let done = done.map_or(String::new(), |done| format!(" {:?} {:?}", done.reason, done.tokens));
                format!("{}{done}", content.as_deref().unwrap_or("-"))
            }
            Ok(Said::Line(Line::Error)) => "error".to_owned(),
            Err(why) => why.to_string(),
        }
    }

    #[test]
    fn tokens() {
        let check = |content: &[u8], expect: &str| {
            let line = [b"data: {\"type\":\"token\",\"content\":", content, b"}"].concat();
            assert_eq!(told(&line), expect, "{}", String::from_utf8_lossy(&line));
        };
        let same = |content: &str| check(content.as_bytes(), content);
        same(r#""""#);
        same(r#"" tok""#);
        same(r#""gr\u00fc\u003cb\u003e \"q\" \\ \/ \n 😀""#);
        same(r#""ends with \\""#);
        same(r#""}""#);
        same(r#""\ud7ff \\ud83d""#);
        let garbage: [&[u8]; 13] = [
            br#""\ud83d\ude00""#, b"", br#"""#, br#""a"#, br#"a""#, br#""a"b""#, br#""a\""#, br#""a\q""#,
            br#""\u12""#, br#""\ud83d""#, b"\"a\tb\"", b"\"\xff\"", b"7",
        ];
        for content in garbage {
            check(content, "garbage");
        }
        check(br#""a","more":1"#, "garbage");
    }

    #[test]
    fn comments() {
        let check = |line: &str, expect: &str| assert_eq!(told(line.as_bytes()), expect, "{line}");
        check(":", "heartbeat");
        check(": alive", "-");
        check(": done stop", "- Stop None");
        check(": done length 37", "- Length Some(37)");
        for why in CUTS {
            check(&format!(": cut {why}"), &why.to_string());
        }
        let garbage = [
            ": done",
            ": done well",
            ": done stop x",
            ": done stop 1 2",
            ": cut",
            ": cut answer_timeout",
            ": cut broken off",
            ": alive and well",
            ": hello",
            "data: [DONE]",
            r#"data: {"type":"restart"}"#,
            r#"{"message":{"content":"a"},"done":false}"#,
            "event: token",
            "<html>",
        ];
        for line in garbage {
            check(line, "garbage");
        }
    }

    #[test]
    fn what_is_said_is_read() {
        let check = |said: &[u8], line: &str, expect: &str| {
            assert_eq!((said, &*told(said.trim_ascii())), (format!("{line}\n\n").as_bytes(), expect));
        };
        check(&done(&Done { reason: Reason::Stop, tokens: Some(37) }), ": done stop 37", "- Stop Some(37)");
        check(&done(&Done { reason: Reason::Length, tokens: None }), ": done length", "- Length None");
        check(&cut(Failure::Broken), ": cut broken", "broken");
        check(&ALIVE, ": alive", "-");
        check(&sse::HEARTBEAT, ":", "heartbeat");
        let mut frames = Frames::default();
        frames.piece(r#"" tok""#).unwrap();
        check(&frames.take(), r#"data: {"type":"token","content":" tok"}"#, r#"" tok""#);
    }

    #[test]
    fn what_a_reply_is() {
        let check = |kind: Option<&str>, expect: bool| {
            let headers = kind.map(|kind| (header::CONTENT_TYPE, kind.parse().unwrap()));
            assert_eq!(is_taken(&headers.into_iter().collect()), expect, "{kind:?}");
        };
        check(None, false);
        check(Some("application/x-ndjson"), false);
        check(Some("text/event"), false);
        check(Some("text/event-stream"), true);
        check(Some("Text/Event-Stream; charset=utf-8"), true);
    }
}
