//! Ollama's words to the byte: field order, Go's escapes, its errors. Read in its source at v0.33.0-rc2.

use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::{Value, json};

/// What one answer is made of.
#[derive(Clone, Debug)]
pub(crate) struct Voice {
    pub(crate) model: String,
    /// When it begins: the first line's `created_at`.
    pub(crate) now: SystemTime,
    /// `/api/generate` says `response` where `/api/chat` says `message`.
    pub(crate) chat: bool,
}

/// Everything that a model says to one request, whole.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said<'a> {
    pub(crate) text: &'a str,
    pub(crate) thinking: &'a str,
    pub(crate) tools: bool,
}

/// The figures on the last line. A figure that is zero is left out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) total: Duration,
    pub(crate) load: Duration,
    pub(crate) prompt_tokens: usize,
    pub(crate) tokens: usize,
    pub(crate) speaking: Duration,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    thinking: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<Value>,
}

#[derive(Serialize)]
struct Line<'a> {
    model: &'a str,
    created_at: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<&'a str>,
    done: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    done_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "<[u32]>::is_empty")]
    context: &'a [u32],
    #[serde(skip_serializing_if = "is_zero")]
    total_duration: u64,
    #[serde(skip_serializing_if = "is_zero")]
    load_duration: u64,
    #[serde(skip_serializing_if = "is_zero")]
    prompt_eval_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    prompt_eval_duration: u64,
    #[serde(skip_serializing_if = "is_zero")]
    eval_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    eval_duration: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Voice {
    /// The same voice at a later time.
    pub(crate) fn later(&self, by: Duration) -> Self {
        Self { now: self.now + by, ..self.clone() }
    }

    /// A piece of the answer.
    pub(crate) fn piece(&self, text: &str) -> String {
        self.line(Said { text, ..Said::default() }, None)
    }

    /// A piece of what the model thinks first.
    pub(crate) fn thinking(&self, thinking: &str) -> String {
        self.line(Said { thinking, ..Said::default() }, None)
    }

    /// A call of a tool.
    pub(crate) fn tool_call(&self) -> String {
        self.line(Said { tools: true, ..Said::default() }, None)
    }

    /// The last line, or the only one.
    pub(crate) fn done(&self, said: Said<'_>, reason: &str, metrics: Metrics) -> String {
        self.line(said, Some((reason, metrics)))
    }

    fn line(&self, said: Said<'_>, done: Option<(&str, Metrics)>) -> String {
        let Said { text, thinking, tools } = said;
        let (reason, metrics) =
            done.map_or((None, Metrics::default()), |(reason, metrics)| (Some(reason), metrics));
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let tool_calls = tools.then(|| {
            json!([{"id": "call_ab12cd34", "function": {"index": 0, "name": "get_x", "arguments": {"a": 1}}}])
        });
        let line = Line {
            model: &self.model,
            created_at: &go_time(self.now),
            message: self.chat.then_some(Message { role: "assistant", content: text, thinking, tool_calls }),
            response: (!self.chat).then_some(text),
            thinking: (!self.chat && !thinking.is_empty()).then_some(thinking),
            done: done.is_some(),
            done_reason: reason,
            // The conversation in tokens, which only /api/generate gives back.
            context: if self.chat || metrics.tokens == 0 { &[] } else { &[151_644, 872, 198] },
            total_duration: nanos(metrics.total),
            load_duration: nanos(metrics.load),
            prompt_eval_count: metrics.prompt_tokens as u64,
            prompt_eval_duration: nanos(metrics.load / 3),
            eval_count: metrics.tokens as u64,
            eval_duration: nanos(metrics.speaking),
        };
        go_escape(&serde_json::to_string(&line).expect("a line has string keys"))
    }
}

/// A time as Go writes it: RFC 3339, nanoseconds without zeros at the end.
pub(crate) fn go_time(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_nanos(time).to_string();
    let digits = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    format!("{digits}Z")
}

/// Go's `json.Marshal` escapes what could end a script element. Inside JSON these characters stand only in strings.
pub(crate) fn go_escape(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// `{"error": …}` as Ollama writes it.
pub(crate) fn error(text: &str) -> String {
    go_escape(&json!({ "error": text }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_ollamas_to_the_byte() {
        let now = humantime::parse_rfc3339("2026-08-21T10:00:00.123456Z").unwrap();
        let voice = |chat| Voice { model: "m".into(), now, chat };
        let check = |line: String, expect: &str| assert_eq!(line, expect);
        check(
            voice(true).piece("Hel"),
            r#"{"model":"m","created_at":"2026-08-21T10:00:00.123456Z","message":{"role":"assistant","content":"Hel"},"done":false}"#,
        );
        check(
            voice(true).thinking("Okay"),
            r#"{"model":"m","created_at":"2026-08-21T10:00:00.123456Z","message":{"role":"assistant","content":"","thinking":"Okay"},"done":false}"#,
        );
        check(
            voice(true).tool_call(),
            r#"{"model":"m","created_at":"2026-08-21T10:00:00.123456Z","message":{"role":"assistant","content":"","tool_calls":[{"id":"call_ab12cd34","function":{"index":0,"name":"get_x","arguments":{"a":1}}}]},"done":false}"#,
        );
        let metrics = Metrics {
            total: Duration::from_nanos(10),
            load: Duration::from_nanos(6),
            prompt_tokens: 26,
            tokens: 259,
            speaking: Duration::from_nanos(4),
        };
        check(
            voice(true).done(Said::default(), "stop", metrics),
            r#"{"model":"m","created_at":"2026-08-21T10:00:00.123456Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":10,"load_duration":6,"prompt_eval_count":26,"prompt_eval_duration":2,"eval_count":259,"eval_duration":4}"#,
        );
        check(
            voice(true).done(Said::default(), "load", Metrics::default()),
            r#"{"model":"m","created_at":"2026-08-21T10:00:00.123456Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"load"}"#,
        );
        check(
            voice(false).piece("<b>&\u{2028}"),
            r#"{"model":"m","created_at":"2026-08-21T10:00:00.123456Z","response":"\u003cb\u003e\u0026\u2028","done":false}"#,
        );
        check(
            voice(false).done(Said::default(), "stop", Metrics { tokens: 3, ..Metrics::default() }),
            r#"{"model":"m","created_at":"2026-08-21T10:00:00.123456Z","response":"","done":true,"done_reason":"stop","context":[151644,872,198],"eval_count":3}"#,
        );
        check(
            voice(true).later(Duration::from_nanos(877_000)).piece(""),
            r#"{"model":"m","created_at":"2026-08-21T10:00:00.124333Z","message":{"role":"assistant","content":""},"done":false}"#,
        );
        check(error("model 'x' not found"), r#"{"error":"model 'x' not found"}"#);
    }

    #[test]
    fn times_have_no_zeros_at_their_end() {
        let check = |text: &str| assert_eq!(go_time(humantime::parse_rfc3339(text).unwrap()), text);
        check("2026-08-21T10:00:00Z");
        check("2026-08-21T10:00:10Z");
        check("2026-08-21T10:00:00.1Z");
        check("2026-08-21T10:00:00.123456789Z");
    }
}
