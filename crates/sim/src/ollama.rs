//! Ollama's words to the byte: field order, Go's escapes, its errors. Read in its source at v0.33.0-rc2.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

/// What one answer is made of.
#[derive(Clone, Debug)]
pub(crate) struct Voice {
    pub(crate) model: String,
    /// Text of `created_at`.
    pub(crate) now: String,
    /// `/api/generate` says `response` where `/api/chat` says `message`.
    pub(crate) chat: bool,
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
    /// A piece of the answer.
    pub(crate) fn piece(&self, text: &str) -> String {
        self.line(text, "", None, None)
    }

    /// A piece of what the model thinks first.
    pub(crate) fn thinking(&self, text: &str) -> String {
        self.line("", text, None, None)
    }

    /// A call of a tool.
    pub(crate) fn tool_call(&self) -> String {
        let call = json!([{"id": "call_ab12cd34", "function": {"index": 0, "name": "get_x", "arguments": {"a": 1}}}]);
        self.line("", "", Some(call), None)
    }

    /// The last line, or the only one; `text` is usually empty.
    pub(crate) fn done(&self, text: &str, reason: &str, metrics: Metrics) -> String {
        self.line(text, "", None, Some((reason, metrics)))
    }

    fn line(
        &self,
        text: &str,
        thinking: &str,
        tool_calls: Option<Value>,
        done: Option<(&str, Metrics)>,
    ) -> String {
        let (reason, metrics) =
            done.map_or((None, Metrics::default()), |(reason, metrics)| (Some(reason), metrics));
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let line = Line {
            model: &self.model,
            created_at: &self.now,
            message: self.chat.then_some(Message { role: "assistant", content: text, thinking, tool_calls }),
            response: (!self.chat).then_some(text),
            thinking: (!self.chat && !thinking.is_empty()).then_some(thinking),
            done: done.is_some(),
            done_reason: reason,
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

/// Entries of `/api/tags`; those of `/api/ps` hold the same and more.
pub(crate) fn model(name: &str) -> Value {
    json!({
        "name": name,
        "model": name,
        "modified_at": "2026-08-21T10:00:00.123456789Z",
        "size": 3_400_000_000_u64,
        "digest": "2af3b81862c6be03c769683af18efdadb2c33f60ff32ab6f83e42c043d6c7816",
        "details": details(),
    })
}

pub(crate) fn details() -> Value {
    json!({
        "parent_model": "",
        "format": "gguf",
        "family": "qwen35",
        "families": ["qwen35"],
        "parameter_size": "4.7B",
        "quantization_level": "Q4_K_M"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_ollamas_to_the_byte() {
        let voice = |chat| Voice { model: "m".into(), now: "2026-08-21T10:00:00.123456Z".into(), chat };
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
            voice(true).done("", "stop", metrics),
            r#"{"model":"m","created_at":"2026-08-21T10:00:00.123456Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":10,"load_duration":6,"prompt_eval_count":26,"prompt_eval_duration":2,"eval_count":259,"eval_duration":4}"#,
        );
        check(
            voice(true).done("", "load", Metrics::default()),
            r#"{"model":"m","created_at":"2026-08-21T10:00:00.123456Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"load"}"#,
        );
        check(
            voice(false).piece("<b>&\u{2028}"),
            r#"{"model":"m","created_at":"2026-08-21T10:00:00.123456Z","response":"\u003cb\u003e\u0026\u2028","done":false}"#,
        );
        check(error("model 'x' not found"), r#"{"error":"model 'x' not found"}"#);
    }
}
