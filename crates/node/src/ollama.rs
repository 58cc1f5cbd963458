//! Ollama, as it is asked.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use tokio::time::timeout;

use crate::wires::{Asking, Wires};

/// What Ollama is told of the client. Tokens, cookies, origins and whatever a proxy has added stay here.
const PASSED_ON: [HeaderName; 3] = [CONTENT_TYPE, ACCEPT, USER_AGENT];

/// Bytes of a list.
const LONGEST_LIST: usize = 1024 * 1024;

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

    /// A request to it, with a Host of its own address. There is room for two headers more.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &'static str,
        from: &HeaderMap,
        body: Bytes,
    ) -> Request<Bytes> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = Uri::from_static(path);
        let headers = request.headers_mut();
        headers.reserve(PASSED_ON.len() + 2);
        headers.insert(HOST, self.host.clone());
        for name in PASSED_ON {
            if let Some(value) = from.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        request
    }

    pub(crate) fn send(&self, request: Request<Bytes>) -> Asking {
        self.wires.send(request)
    }

    /// What it says at `path`, if that is JSON, short, and there in time.
    pub(crate) async fn json(&self, path: &'static str, patience: Duration) -> Option<Value> {
        let ask = async {
            let reply =
                self.send(self.request(Method::GET, path, &HeaderMap::new(), Bytes::new())).await.ok()?;
            let is_good = reply.status().is_success();
            let body = Limited::new(reply.into_body(), LONGEST_LIST).collect().await.ok()?.to_bytes();
            if is_good { serde_json::from_slice(&body).ok() } else { None }
        };
        timeout(patience, ask).await.ok()?
    }
}
