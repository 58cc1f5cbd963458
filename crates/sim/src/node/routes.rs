//! Ollama's routes, and what each answers.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};

use super::{Node, Play, Received};
use crate::act::{self, Act, JSON_UTF8, early_error};
use crate::catalog::{self, SCRIPTED};
use crate::ollama;

/// What a route answers: to this path, with this body.
type Reply = fn(&Node, &str, &[u8]) -> Vec<Act>;

impl Node {
    /// Begins to answer.
    pub(crate) fn answer(&self, request: Request<Bytes>) -> Play {
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        let mut acts = self.acts(&head.method, &path, &head.headers, &body);
        if head.method == Method::HEAD {
            acts.retain(|act| matches!(act, Act::Head(..)));
        }
        let record = Received {
            method: head.method,
            path,
            headers: head.headers,
            body,
            loads: false,
            said: String::new(),
            end: None,
        };
        let record = Arc::new(Mutex::new(record));
        self.state().received.push(Arc::clone(&record));
        Play::new(self.clone(), record, acts)
    }

    fn acts(&self, method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Vec<Act> {
        const PLAIN: &str = "text/plain; charset=utf-8";
        if self.inner.strict_host.load(Ordering::Relaxed) && !is_local(headers) {
            return act::nothing(StatusCode::FORBIDDEN);
        }
        let reads: &[&Method] = &[&Method::GET, &Method::HEAD];
        let (methods, reply): (_, Reply) = match path {
            "/" => (reads, |_, _, _| act::whole(StatusCode::OK, PLAIN, "Ollama is running")),
            "/api/version" => (reads, |_, _, _| json_reply(&json!({"version": "0.32.15"}))),
            "/api/tags" => (reads, |node, _, _| node.tags()),
            "/api/ps" => (&[&Method::GET], |node, _, _| json_reply(&json!({ "models": node.in_memory() }))),
            "/api/show" => (&[&Method::POST], |node, _, body| node.show(body)),
            "/api/chat" | "/api/generate" => (&[&Method::POST], Self::speak),
            "/api/embed" => (&[&Method::POST], Self::embed),
            "/v1/chat/completions" => (&[&Method::POST], Self::complete),
            _ => return act::whole(StatusCode::NOT_FOUND, "text/plain", "404 page not found"),
        };
        if !methods.contains(&method) {
            return act::whole(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "405 method not allowed");
        }
        reply(self, path, body)
    }

    fn tags(&self) -> Vec<Act> {
        let models: Vec<Value> = self.inner.models.iter().map(|name| catalog::on_disk(name)).collect();
        json_reply(&json!({ "models": models }))
    }

    fn show(&self, body: &[u8]) -> Vec<Act> {
        let request = match read(body) {
            Ok(request) => request,
            Err(acts) => return acts,
        };
        let named = |field: &str| request[field].as_str().filter(|name| !name.is_empty());
        match named("model").or(named("name")) {
            None => early_error(StatusCode::BAD_REQUEST, "model is required"),
            Some(name) if self.has(name) => json_reply(&catalog::shown(name)),
            Some(name) => early_error(StatusCode::NOT_FOUND, &format!("model '{name}' not found")),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        name.starts_with(SCRIPTED) || self.inner.models.iter().any(|model| model == name)
    }
}

/// A request's body; the error is Ollama's answer to one that is none.
pub(super) fn read(body: &[u8]) -> Result<Value, Vec<Act>> {
    if body.trim_ascii().is_empty() {
        return Err(early_error(StatusCode::BAD_REQUEST, "missing request body"));
    }
    // Go names the character and what it looked for; here it is enough that this is an error.
    serde_json::from_slice(body)
        .map_err(|_| early_error(StatusCode::BAD_REQUEST, "invalid character looking for beginning of value"))
}

pub(super) fn json_reply(value: &Value) -> Vec<Act> {
    act::whole(StatusCode::OK, JSON_UTF8, ollama::go_escape(&value.to_string()))
}

/// What Ollama checks when it is bound to loopback: a page of the web shall not reach it by a name of its own.
fn is_local(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    text(HOST).is_none_or(is_local_host) && text(ORIGIN).is_none_or(is_local_origin)
}

fn is_local_host(host: &str) -> bool {
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(addr)) => addr.is_loopback() || addr.is_private() || addr.is_unspecified(),
        Ok(IpAddr::V6(addr)) => addr.is_loopback() || addr.is_unique_local() || addr.is_unspecified(),
        Err(_) => {
            let ends = [".localhost", ".local", ".internal"];
            host.is_empty() || host == "localhost" || ends.iter().any(|end| host.ends_with(end))
        }
    }
}

fn is_local_origin(origin: &str) -> bool {
    let Some((scheme, host)) = origin.split_once("://") else { return false };
    match scheme {
        "app" | "file" | "tauri" | "vscode-webview" | "vscode-file" => true,
        "http" | "https" => {
            let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
            ["localhost", "127.0.0.1", "0.0.0.0"].contains(&host)
        }
        _ => false,
    }
}
