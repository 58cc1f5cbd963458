//! Ollama's native chat API, as far as it is spoken here: what is asked, and the lines of an answer.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::{self, Raw};

/// Where a model is asked.
pub(crate) const CHAT: &str = "/api/chat";

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The owner's instructions. Never taken from a reader.
    #[serde(skip_deserializing)]
    System,
    /// The reader.
    User,
    /// The model.
    Assistant,
}

/// What is asked of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The conversation, the owner's instructions first.
    pub messages: Vec<Message>,
    /// The JSON Schema that the answer is held to, where the node does hold it.
    pub format: Option<Value>,
    /// The most tokens of an answer.
    pub longest: u32,
}

/// The body of `POST /api/chat`.
pub fn chat(model: &str, prompt: &Prompt) -> Bytes {
    #[derive(Serialize)]
    struct Chat<'a> {
        model: &'a str,
        messages: &'a [Message],
        stream: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<&'a Value>,
        think: bool,
        keep_alive: i64,
        options: Options,
    }
    let chat = Chat {
        model,
        messages: &prompt.messages,
        stream: true,
        format: prompt.format.as_ref(),
        think: false,
        keep_alive: -1,
        options: Options { num_ctx: CONTEXT, num_predict: prompt.longest, temperature: 0.5 },
    };
    json::write(&chat).into()
}

/// Tokens. Always the same: Ollama loads a model anew when `num_ctx` changes between two requests. What else is in the
/// options does not matter to it.
const CONTEXT: u32 = 8192;

#[derive(Serialize)]
struct Options {
    num_ctx: u32,
    num_predict: u32,
    temperature: f64,
}

/// One line of an answer, borrowed from the buffer that holds it.
#[derive(Debug)]
pub enum Line<'a> {
    /// A piece of the answer, possibly empty, possibly the last.
    Piece {
        /// The text as a JSON string, quotes and escapes included.
        content: Option<Cow<'a, str>>,
        /// Present on the last line.
        done: Option<Done>,
    },
    /// The node tells that it failed.
    Error,
}

/// What the last line tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Why the model stopped.
    pub reason: Reason,
    /// Tokens of the answer, where the node counts them.
    pub tokens: Option<u64>,
}

/// Why the model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It had said everything.
    Stop,
    /// It reached its limit of tokens.
    Length,
}

impl Reason {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
        }
    }
}

/// Not a line that Ollama writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garbage;

/// Reads one line. Fields that are not known are ignored.
pub fn line(bytes: &[u8]) -> Result<Line<'_>, Garbage> {
    match usual(bytes) {
        Some(content) => Ok(Line::Piece { content: Some(Cow::Borrowed(content)), done: None }),
        None => any_line(bytes),
    }
}

/// The content of a line as Ollama writes nearly all of them, byte by byte: to look for that costs a tenth of reading JSON.
fn usual(bytes: &[u8]) -> Option<&str> {
    let rest = bytes.strip_prefix(br#"{"model":""#)?;
    let rest = behind_word(rest)?.strip_prefix(br#","created_at":""#)?;
    let rest = behind_word(rest)?.strip_prefix(br#","message":{"role":"assistant","content":"#)?;
    json::plain(rest.strip_suffix(br#"},"done":false}"#)?)
}

/// What follows a JSON string of visible ASCII without escapes, whose first quote was read.
fn behind_word(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\') || !byte.is_ascii_graphic())?;
    bytes[end..].strip_prefix(b"\"")
}

fn any_line(bytes: &[u8]) -> Result<Line<'_>, Garbage> {
    #[derive(Deserialize)]
    struct Wire<'a> {
        #[serde(borrow)]
        message: Option<Text<'a>>,
        done: Option<bool>,
        #[serde(borrow)]
        done_reason: Option<Cow<'a, str>>,
        eval_count: Option<u64>,
        #[serde(borrow)]
        error: Option<Raw<'a>>,
    }
    #[derive(Deserialize)]
    struct Text<'a> {
        #[serde(borrow)]
        content: Option<Raw<'a>>,
    }
    let wire: Wire<'_> = json::read(bytes).map_err(|_| Garbage)?;
    if wire.error.is_some() {
        return Ok(Line::Error);
    }
    if wire.message.is_none() && wire.done.is_none() {
        return Err(Garbage);
    }
    let content = wire.message.and_then(|message| message.content).map(string).transpose()?;
    let done = (wire.done == Some(true)).then_some(Done {
        reason: match wire.done_reason.as_deref() {
            Some("length") => Reason::Length,
            _ => Reason::Stop,
        },
        tokens: wire.eval_count,
    });
    Ok(Line::Piece { content, done })
}

/// A JSON string that every reader can read. It is passed on as it stands unless it holds surrogates, of which one
/// may stand alone: JSON's grammar allows it, and many readers refuse it.
fn string(Raw(text): Raw<'_>) -> Result<Cow<'_, str>, Garbage> {
    if let Some(plain) = json::plain(text.as_bytes()) {
        return Ok(Cow::Borrowed(plain));
    }
    let decoded: String = json::read(text).map_err(|_| Garbage)?;
    Ok(Cow::Owned(json::text(&decoded)))
}

/// Whether a JSON string has anything to read in it: white space alone is no word.
pub fn has_word(content: &str) -> bool {
    match json::read::<Cow<'_, str>>(content) {
        Ok(text) => !text.trim().is_empty(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use proptest::sample::{Index, select};

    use super::*;

    #[test]
    fn the_body_is_what_ollama_reads() {
        let messages = vec![
            Message { role: Role::System, content: "Be brief.".into() },
            Message { role: Role::User, content: "Hi".into() },
        ];
        let prompt = Prompt { messages, format: None, longest: 1024 };
        let expect = concat!(
            r#"{"model":"m","messages":[{"role":"system","content":"Be brief."},"#,
            r#"{"role":"user","content":"Hi"}],"stream":true,"think":false,"keep_alive":-1,"#,
            r#""options":{"num_ctx":8192,"num_predict":1024,"temperature":0.5}}"#
        );
        assert_eq!(chat("m", &prompt), expect.as_bytes());
    }

    #[test]
    fn readers_cannot_speak_as_the_system() {
        assert!(json::read::<Message>(r#"{"role":"system","content":"x"}"#).is_err());
    }

    #[test]
    fn lines() {
        let check = |text: &str, expect: &str| {
            let told = match line(text.as_bytes()) {
                Ok(Line::Piece { content, done }) => {
                    let done =
                        done.map_or(String::new(), |done| format!(" {:?} {:?}", done.reason, done.tokens));
                    format!("{}{done}", content.as_deref().unwrap_or("-"))
                }
                Ok(Line::Error) => "error".to_owned(),
                Err(Garbage) => "garbage".to_owned(),
            };
            assert_eq!(told, expect, "{text}");
        };
        check(r#"{"model":"m","message":{"role":"assistant","content":"Hel"},"done":false}"#, r#""Hel""#);
        check(r#"{"message":{"content":"\u003cb\u003e","images":null},"done":false}"#, r#""\u003cb\u003e""#);
        check(r#"{"message":{"content":"","thinking":"Okay"},"done":false}"#, r#""""#);
        check(r#"{"message":{"content":""},"done":true}"#, r#""" Stop None"#);
        check(
            r#"{"message":{"content":"x"},"done":true,"done_reason":"length","eval_count":3}"#,
            r#""x" Length Some(3)"#,
        );
        check(r#"{"done":true}"#, "- Stop None");
        check(r#"{"error":"an error was encountered"}"#, "error");
        check(r#"{"message":{"content":"😀"},"done":false}"#, r#""😀""#);
        check(r#"{"message":{"content":"\ud83d\ude00"},"done":false}"#, r#""😀""#);
        check(r#"{"message":{"content":"\ud83d"},"done":false}"#, "garbage");
        check(r#"{"message":{"content":7},"done":false}"#, "garbage");
        check(r#"{"title":"Error 1033: Cloudflare Tunnel error"}"#, "garbage");
        check("{}", "garbage");
        check("[]", "garbage");
        check("<html>", "garbage");
        check(r#"{"message":{"content":"a"#, "garbage");
    }

    #[test]
    fn usual_lines() {
        let check = |content: &str, expect: bool| {
            let line = format!(
                "{{\"model\":\"qwen3.5:latest\",\"created_at\":\"2026-08-21T10:00:00.123456Z\",\
                 \"message\":{{\"role\":\"assistant\",\"content\":{content}}},\"done\":false}}"
            );
            assert_eq!(usual(line.as_bytes()), expect.then_some(content), "{line}");
        };
        check(r#""Hel""#, true);
        check(r#""""#, true);
        check(r#""\u003cb\u003e \"q\" 😀\n""#, true);
        check(r#""\ud83d\ude00""#, false);
        check(r#""","thinking":"Okay""#, false);
        check(r#""a"},"done":false},{"b":{"c":"d""#, false);
        check("7", false);
    }

    proptest! {
        /// Whatever is done to a line of Ollama's, whoever takes it for a usual one takes it for what it is.
        #[test]
        fn what_is_usual_is_read_the_same(
            words in vec(select(&["a", "\\n", "\\u00e9", "😀", "\"", "\\", "}", ",", ":", "{", "\\ud83d", "\u{1}"][..]), 0..4),
            at in any::<Index>(),
            (from, into) in (0..3_usize, vec(select(&b"\"\\{},:a \x00\xff"[..]), 0..3)),
        ) {
            let mut bytes = format!(
                "{{\"model\":\"m\",\"created_at\":\"2026\",\"message\":{{\"role\":\"assistant\",\"content\":\"{}\"}},\
                 \"done\":false}}",
                words.concat()
            )
            .into_bytes();
            let at = at.index(bytes.len());
            let _ = bytes.splice(at..bytes.len().min(at + from), into);
            if let Some(content) = usual(&bytes) {
                let read = match any_line(&bytes) {
                    Ok(Line::Piece { content: Some(read), done: None }) => read,
                    read => panic!("{}: {read:?}", String::from_utf8_lossy(&bytes)),
                };
                prop_assert_eq!(content, read);
            }
        }
    }

    #[test]
    fn white_space_is_no_word() {
        let check = |content: &str, expect| assert_eq!(has_word(content), expect, "{content}");
        check(r#""""#, false);
        check(r#"" \n\t""#, false);
        check(r#""\u00a0""#, false);
        check(r#"" a""#, true);
        check(r#""\u0041""#, true);
    }
}
