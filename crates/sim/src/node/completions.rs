//! `/v1/chat/completions`: Ollama's translation of it to a chat, and of the chat's answer back.

use std::time::SystemTime;

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::Node;
use super::routes::read;
use crate::act::{self, Act, NDJSON};
use crate::ollama::go_escape;

const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";

impl Node {
    pub(super) fn complete(&self, _: &str, body: &[u8]) -> Vec<Act> {
        let request = match read(body) {
            Ok(request) => request,
            Err(acts) => return whole(acts, refused),
        };
        if request["messages"].as_array().is_none_or(Vec::is_empty) {
            return refused(StatusCode::BAD_REQUEST, &json!({"error": "[] is too short - 'messages'"}));
        }
        let chat = json!({
            "model": request["model"],
            "messages": request["messages"],
            "stream": request["stream"] == true,
            "think": if request["reasoning_effort"] == "none" { json!(false) } else { Value::Null },
            "options": {"num_predict": request["max_tokens"]},
        });
        let created = self.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let voice = Voice {
            id: format!("chatcmpl-{}", self.received().len() % 999),
            created,
            usage: request["stream_options"]["include_usage"] == true,
        };
        let acts = self.speak("/api/chat", chat.to_string().as_bytes());
        let streams = acts.iter().any(|act| is_head(act, NDJSON));
        if streams { voice.stream(acts) } else { whole(acts, |status, said| voice.whole(status, said)) }
    }
}

/// What stays the same from the first event to the last.
struct Voice {
    id: String,
    created: u64,
    usage: bool,
}

/// How far a stream has come.
#[derive(Default)]
struct Progress {
    is_begun: bool,
    calls_tools: bool,
}

impl Voice {
    fn stream(&self, acts: Vec<Act>) -> Vec<Act> {
        let (mut rest, mut told, mut progress) = (Vec::new(), String::new(), Progress::default());
        let mut translated = Vec::new();
        for act in acts {
            match act {
                act @ Act::Head(..) if is_head(&act, NDJSON) => {
                    translated.push(act::head(StatusCode::OK, EVENTS))
                }
                // An event a line, however the chat would have been cut.
                Act::Bytes { bytes, said } => {
                    rest.extend_from_slice(&bytes);
                    told.push_str(&said);
                    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                        let line: Vec<u8> = rest.drain(..=end).collect();
                        translated.push(Act::Bytes {
                            bytes: self.events(&line, &mut progress).into(),
                            said: std::mem::take(&mut told),
                        });
                    }
                }
                act @ (Act::Queue
                | Act::Leak
                | Act::Load(_)
                | Act::Wait(_)
                | Act::Head(..)
                | Act::Flood
                | Act::Stall
                | Act::Reset) => translated.push(act),
            }
        }
        if !rest.is_empty() {
            translated.push(Act::Bytes { bytes: self.events(&rest, &mut progress).into(), said: told });
        }
        translated
    }

    /// An error in the middle of a stream becomes an event that says nothing: so does Ollama.
    fn events(&self, line: &[u8], progress: &mut Progress) -> String {
        let Ok(line) = serde_json::from_slice::<Value>(line) else {
            return String::from_utf8_lossy(line).into();
        };
        let message = &line["message"];
        let model = &line["model"];
        let mut delta = json!({});
        if !std::mem::replace(&mut progress.is_begun, true) {
            delta["role"] = "assistant".into();
        }
        for (field, name) in [("content", "content"), ("thinking", "reasoning")] {
            if message[field].as_str().is_some_and(|text| !text.is_empty()) {
                delta[name] = message[field].clone();
            }
        }
        if let Some(calls) = tool_calls(message) {
            progress.calls_tools = true;
            delta["tool_calls"] = calls;
        }
        let reason = line["done"].as_bool().unwrap_or_default().then(|| reason(&line, progress.calls_tools));
        let is_last = reason.is_some();
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        let mut events = self.event(model, &json!([choice]), None);
        if is_last && self.usage {
            events += &self.event(model, &json!([]), Some(usage(&line)));
        }
        if is_last {
            events += "data: [DONE]\n\n";
        }
        events
    }

    fn event(&self, model: &Value, choices: &Value, usage: Option<Value>) -> String {
        let mut event = self.object("chat.completion.chunk", model, choices);
        if let Some(usage) = usage {
            event["usage"] = usage;
        }
        format!("data: {}\n\n", go_escape(&event.to_string()))
    }

    fn whole(&self, status: StatusCode, said: &Value) -> Vec<Act> {
        if said["error"].is_string() {
            return refused(status, said);
        }
        let message = &said["message"];
        let mut given = json!({"role": "assistant", "content": message["content"]});
        if message["thinking"].is_string() {
            given["reasoning"] = message["thinking"].clone();
        }
        let calls = tool_calls(message);
        let reason = reason(said, calls.is_some());
        if let Some(calls) = calls {
            given["tool_calls"] = calls;
        }
        let choice = json!({"index": 0, "message": given, "finish_reason": reason});
        let mut object = self.object("chat.completion", &said["model"], &json!([choice]));
        object["usage"] = usage(said);
        act::whole(StatusCode::OK, JSON, go_escape(&object.to_string()))
    }

    fn object(&self, kind: &str, model: &Value, choices: &Value) -> Value {
        json!({
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": model.as_str().unwrap_or_default(),
            "system_fingerprint": "fp_ollama",
            "choices": choices,
        })
    }
}

fn reason(line: &Value, calls_tools: bool) -> Value {
    if calls_tools { "tool_calls".into() } else { line["done_reason"].clone() }
}

/// Arguments are an object to Ollama, and a text of it to OpenAI.
fn tool_calls(message: &Value) -> Option<Value> {
    let calls = message["tool_calls"].as_array()?.iter().map(|call| {
        let function = &call["function"];
        json!({
            "id": call["id"],
            "index": function["index"],
            "type": "function",
            "function": {"name": function["name"], "arguments": function["arguments"].to_string()},
        })
    });
    Some(calls.collect())
}

fn usage(line: &Value) -> Value {
    let figure = |name: &str| line[name].as_u64().unwrap_or_default();
    let (asked, said) = (figure("prompt_eval_count"), figure("eval_count"));
    json!({"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said})
}

/// An error in OpenAI's shape.
fn refused(status: StatusCode, said: &Value) -> Vec<Act> {
    let kind = match status {
        StatusCode::BAD_REQUEST => "invalid_request_error",
        StatusCode::NOT_FOUND => "not_found_error",
        _ => "api_error",
    };
    let error = json!({"error": {"message": said["error"], "type": kind, "param": null, "code": null}});
    act::whole(status, JSON, go_escape(&error.to_string()) + "\n")
}

/// Translates a reply of one JSON object. A page of somebody else's is left as it is.
fn whole(mut acts: Vec<Act>, translate: impl Fn(StatusCode, &Value) -> Vec<Act>) -> Vec<Act> {
    let Some([Act::Head(status, _), Act::Bytes { bytes, said }]) = acts.last_chunk() else { return acts };
    let object = serde_json::from_slice::<Value>(bytes).ok();
    let Some(object) = object.filter(|object| object["error"].is_string() || object["message"].is_object())
    else {
        return acts;
    };
    let mut translated = translate(*status, &object);
    if let Some(Act::Bytes { said: told, .. }) = translated.last_mut() {
        told.clone_from(said);
    }
    acts.truncate(acts.len() - 2);
    acts.extend(translated);
    acts
}

fn is_head(act: &Act, kind: &str) -> bool {
    let Act::Head(_, headers) = act else { return false };
    headers.iter().any(|(name, value)| *name == CONTENT_TYPE.as_str() && value == kind)
}
