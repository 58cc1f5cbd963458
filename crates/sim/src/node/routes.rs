//! Ollama's routes, and what each answers.

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};

use super::{Node, Play, Received};
use crate::act::{self, Act, JSON_UTF8};
use crate::ollama::{self, Metrics, Voice};
use crate::script::{Fault, Say, Script, Text};
use crate::text;
use bytes::Bytes;

/// A model of this name and a script behind it asks for that script.
const SCRIPTED: &str = "sim:";

/// What a route answers: to this path, with this body.
type Reply = fn(&Node, &str, &[u8]) -> Vec<Act>;

impl Node {
    /// Begins to answer.
    pub(crate) fn answer(&self, request: Request<Bytes>) -> Play {
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        let acts = self.acts(&head.method, &path, &head.headers, &body);
        let mut state = self.state();
        let nth = state.received.len();
        state.received.push(Received {
            method: head.method,
            path,
            headers: head.headers,
            body,
            said: String::new(),
            end: None,
        });
        drop(state);
        Play::new(self.clone(), nth, acts)
    }

    fn acts(&self, method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Vec<Act> {
        const PLAIN: &str = "text/plain; charset=utf-8";
        let reads: &[&Method] = &[&Method::GET, &Method::HEAD];
        let (methods, reply): (_, Reply) = match path {
            "/" => (reads, |_, _, _| act::whole(StatusCode::OK, PLAIN, "Ollama is running")),
            "/api/version" => (reads, |_, _, _| json_reply(&json!({"version": "0.32.15"}))),
            "/api/tags" => (reads, |node, _, _| node.tags()),
            "/api/ps" => (&[&Method::GET], |node, _, _| node.ps()),
            "/api/show" => (&[&Method::POST], |node, _, body| node.show(body)),
            "/api/chat" | "/api/generate" => (&[&Method::POST], Self::speak),
            _ => return act::whole(StatusCode::NOT_FOUND, "text/plain", "404 page not found"),
        };
        if self.refuses(headers) {
            return vec![Act::Head(StatusCode::FORBIDDEN, Vec::new())];
        }
        if !methods.contains(&method) {
            return act::whole(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "405 method not allowed");
        }
        reply(self, path, body)
    }

    fn refuses(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let local = |host: &str| {
            let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
            host == "localhost"
                || host == "127.0.0.1"
                || host.ends_with(".localhost")
                || host.ends_with(".local")
        };
        let origin = |origin: &str| origin.split_once("://").is_some_and(|(_, host)| local(host));
        let strict = self.inner.strict_host.load(std::sync::atomic::Ordering::Relaxed);
        strict && (!text(HOST).is_none_or(local) || !text(ORIGIN).is_none_or(origin))
    }

    fn tags(&self) -> Vec<Act> {
        let models: Vec<Value> = self.inner.models.iter().map(|name| ollama::model(name)).collect();
        json_reply(&json!({ "models": models }))
    }

    fn ps(&self) -> Vec<Act> {
        let loaded = self.state().loaded.clone();
        let models: Vec<Value> = loaded
            .iter()
            .map(|(name, _)| {
                let mut model = ollama::model(name);
                let fields = model.as_object_mut().expect("a model is an object");
                fields.remove("modified_at");
                fields.insert("expires_at".to_owned(), json!("2318-12-03T09:47:16Z"));
                fields.insert("size_vram".to_owned(), json!(3_400_000_000_u64));
                fields.insert("context_length".to_owned(), json!(8192));
                model
            })
            .collect();
        json_reply(&json!({ "models": models }))
    }

    fn show(&self, body: &[u8]) -> Vec<Act> {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(name) = request["model"].as_str().filter(|name| !name.is_empty()) else {
            return failure(StatusCode::BAD_REQUEST, "model is required");
        };
        if !self.has(name) {
            return failure(StatusCode::NOT_FOUND, &format!("model '{name}' not found"));
        }
        json_reply(&json!({
            "license": "Apache-2.0",
            "modelfile": format!("FROM {name}"),
            "parameters": "",
            "template": "{{ .Prompt }}",
            "renderer": "qwen3.5",
            "parser": "qwen3.5",
            "details": ollama::details(),
            "model_info": {"general.architecture": "qwen35"},
            "capabilities": ["completion", "vision", "tools", "thinking"],
            "modified_at": "2026-08-21T10:00:00.123456789Z",
        }))
    }

    fn has(&self, name: &str) -> bool {
        name.starts_with(SCRIPTED) || self.inner.models.iter().any(|model| model == name)
    }

    /// `/api/chat` and `/api/generate`.
    fn speak(&self, path: &str, body: &[u8]) -> Vec<Act> {
        if body.trim_ascii().is_empty() {
            return failure(StatusCode::BAD_REQUEST, "missing request body");
        }
        let request: Value = match serde_json::from_slice(body) {
            Ok(request) => request,
            Err(_) => return failure(StatusCode::BAD_REQUEST, "invalid character in the request body"),
        };
        let Some(model) = request["model"].as_str().filter(|name| !name.is_empty()) else {
            return failure(StatusCode::BAD_REQUEST, "model is required");
        };
        let stream = request["stream"].as_bool() != Some(false);
        let script = match model.strip_prefix(SCRIPTED) {
            Some(text) => match text.parse::<Script>() {
                Ok(script) => script,
                Err(unknown) => return failure(StatusCode::BAD_REQUEST, &unknown.to_string()),
            },
            None => self.state().scripts.pop_front().unwrap_or_default(),
        };
        if !self.has(model) {
            return act::error(crate::script::OllamaError::NoModel, model, stream);
        }
        let say = match script {
            Script::Say(say) => say,
            Script::Hang => return vec![Act::Queue, Act::Stall],
            Script::HangAfterHead => {
                return vec![Act::Queue, act::head(StatusCode::OK, act::NDJSON), Act::Stall];
            }
            Script::Wedge => return vec![Act::Queue, Act::Leak, Act::Stall],
            Script::Error(error) => return act::error(error, model, stream),
            Script::Edge(page) => return act::edge(page),
        };
        let load = self.load(model, &request["options"]);
        let mut acts = vec![Act::Queue, Act::Wait(load)];
        let voice = Voice { model: model.to_owned(), now: self.now(), chat: path == "/api/chat" };
        match Talk::read(&request, voice.chat) {
            None => {
                let reason = if request["keep_alive"] == json!(0) { "unload" } else { "load" };
                let body = voice.done("", reason, Metrics::default());
                acts.extend(act::whole(StatusCode::OK, JSON_UTF8, body));
            }
            Some(talk) => acts.extend(self.reply(&say, &voice, &talk, stream)),
        }
        acts
    }

    fn reply(&self, say: &Say, voice: &Voice, talk: &Talk, stream: bool) -> Vec<Act> {
        let text = match (&talk.schema, &talk.said) {
            (Some(schema), _) if say.text == Text::Answer => text::conforming(schema, &talk.question),
            (_, Some(said)) => text::rest(&text::answer(say.text, &talk.question), said, say.no_lead),
            _ => text::answer(say.text, &talk.question),
        };
        let mut pieces = text::pieces(&text);
        if say.length {
            pieces.truncate(pieces.len().div_ceil(2));
        }
        let (first, pace) =
            (say.first.unwrap_or(self.inner.pace.first), say.pace.unwrap_or(self.inner.pace.between));
        let speaking = pace * u32::try_from(pieces.len()).unwrap_or(u32::MAX);
        let metrics = Metrics {
            total: first + speaking,
            load: first,
            prompt_tokens: talk.question.split_whitespace().count() + 20,
            tokens: pieces.len(),
            speaking,
        };
        if stream {
            return act::say(say, voice, &pieces, first, pace, metrics);
        }
        // Until everything is there nothing is sent, so whatever goes wrong half-way is an error of its own.
        let mut acts = vec![Act::Wait(first + speaking)];
        match say.fault {
            None => {
                let reason = if say.length { "length" } else { "stop" };
                let body = voice.done(&pieces.concat(), reason, metrics);
                acts.extend([
                    act::head(StatusCode::OK, JSON_UTF8),
                    Act::Bytes { bytes: body.into(), said: pieces.concat() },
                ]);
            }
            Some((_, Fault::Stall)) => acts.push(Act::Stall),
            Some((_, Fault::Reset)) => acts.push(Act::Reset),
            Some((_, Fault::End | Fault::ErrorLine | Fault::Garbage | Fault::LongLine)) => {
                acts.extend(act::error(crate::script::OllamaError::Crash, &voice.model, false));
            }
        }
        acts
    }

    /// How long the model takes to be ready: nothing if it is, with the same options.
    fn load(&self, model: &str, options: &Value) -> std::time::Duration {
        let wanted = (model.to_owned(), options.clone());
        let mut state = self.state();
        let ready = state.loaded.as_ref() == Some(&wanted);
        state.loaded = Some(wanted);
        if ready { std::time::Duration::ZERO } else { self.inner.pace.load }
    }
}

/// What a request wants to be said.
struct Talk {
    question: String,
    /// What the model has said already: it goes on from there.
    said: Option<String>,
    schema: Option<Value>,
}

impl Talk {
    /// `None` where nothing is asked: the model is only to be loaded or unloaded.
    fn read(request: &Value, chat: bool) -> Option<Self> {
        let schema = request["format"].is_object().then(|| request["format"].clone());
        if !chat {
            let question = request["prompt"].as_str().filter(|prompt| !prompt.is_empty())?.to_owned();
            return Some(Self { question, said: None, schema });
        }
        let messages = request["messages"].as_array()?;
        let of = |role: &str| messages.iter().rev().find(|message| message["role"] == role);
        let last = messages.last()?;
        let said =
            (last["role"] == "assistant").then(|| last["content"].as_str().unwrap_or_default().to_owned());
        let question =
            of("user").and_then(|message| message["content"].as_str()).unwrap_or_default().to_owned();
        Some(Self { question, said, schema })
    }
}

fn json_reply(value: &Value) -> Vec<Act> {
    act::whole(StatusCode::OK, JSON_UTF8, ollama::go_escape(&value.to_string()))
}

fn failure(status: StatusCode, text: &str) -> Vec<Act> {
    act::whole(status, JSON_UTF8, ollama::error(text))
}
