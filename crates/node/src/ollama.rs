//! Ollama, as it is asked.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Uri};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use tokio::time::timeout;

use crate::wires::{Asking, Question, Reply, Wires};

/// What Ollama is told of the client. Tokens, cookies, origins and whatever a proxy has added stay here.
const PASSED_ON: [HeaderName; 3] = [CONTENT_TYPE, ACCEPT, USER_AGENT];

/// For a list. One that a load keeps waiting says nothing.
pub(crate) const LIST: Duration = Duration::from_secs(5);

/// Bytes of a list.
const LONGEST_LIST: usize = 1024 * 1024;

/// Of a client's headers those that Ollama is told.
pub(crate) fn passed_on(headers: &HeaderMap) -> impl Iterator<Item = (HeaderName, &HeaderValue)> {
    PASSED_ON.into_iter().filter_map(|name| headers.get(&name).map(|value| (name, value)))
}

/// What is guarded.
#[derive(Debug)]
pub(crate) struct Ollama {
    wires: Wires,
    /// Its own address, as a request names it.
    host: HeaderValue,
}

impl Ollama {
    pub(crate) fn new(base: Uri, connect: Duration) -> Self {
        let (host, port) = (base.host().unwrap_or_default(), base.port_u16());
        let named = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let named = named.parse().expect("a URL's authority is visible ASCII");
        Self { wires: Wires::new(host, port.unwrap_or(80), connect), host: named }
    }

    /// A request to it, with these headers and a Host of its own address.
    pub(crate) fn question<'a>(
        &'a self,
        method: &Method,
        path: &'static str,
        headers: impl IntoIterator<Item = (HeaderName, &'a HeaderValue)>,
        body: &[u8],
    ) -> Question {
        Question::new(method, path, [(HOST, &self.host)].into_iter().chain(headers), body)
    }

    pub(crate) fn send(&self, question: Question) -> Asking {
        self.wires.send(question)
    }

    /// What it says at `path`, if that is JSON, short, and there in time.
    pub(crate) async fn json(&self, path: &'static str, patience: Duration) -> Option<Value> {
        let ask = async {
            let Reply { head, body } = self.send(self.question(&Method::GET, path, [], b"")).await.ok()?;
            let body = Limited::new(body, LONGEST_LIST).collect().await.ok()?.to_bytes();
            if head.status.is_success() { serde_json::from_slice(&body).ok() } else { None }
        };
        timeout(patience, ask).await.ok()?
    }
}
