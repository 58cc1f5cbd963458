//! The service in virtual time with two nodes, `mini` and `cloud`, for whoever tells a story of it.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use homefire_core::reply::{Body, Reply};
use homefire_core::service::{self, Service};
use http::{HeaderMap, Request, Response};

use crate::in_process::InProcess;
use crate::node::{Node, Pace};
use crate::scenario::{Chunks, MODELS, nodes_variable};

/// One instance of the service, and the world around it.
#[derive(Debug)]
pub struct House {
    /// The world.
    pub platform: InProcess,
    /// The instance.
    pub service: Service,
}

impl House {
    /// Two nodes, and an instance with these settings; what is not set is as it is deployed, and nobody outside is asked.
    ///
    /// # Panics
    /// The settings are refused.
    pub fn new(settings: &[(&str, &str)]) -> Self {
        let service = instance(settings);
        let nodes = ["mini", "cloud"].map(|host| (host.to_owned(), Node::new(&MODELS, Pace::QUICK)));
        let platform = InProcess::new(nodes, service.config.deadlines.connect);
        Self { platform, service }
    }

    /// The next question to the node meets this script.
    ///
    /// # Panics
    /// It is none.
    pub fn script(&self, node: usize, script: &str) {
        self.platform.node(node).queue(script.parse().unwrap_or_else(|error| panic!("{script}: {error}")));
    }

    /// Asks the terminal a question that a model must answer.
    pub async fn ask(&self) -> Reply {
        ask(&self.platform, &self.service).await
    }

    /// The same by a reader who holds the beginning of the answer.
    pub async fn ask_behind(&self, held: &str) -> Reply {
        let body = serde_json::json!({ "query": QUESTION, "resume": held });
        send(&self.platform, &self.service, body.to_string()).await
    }
}

const QUESTION: &str = "What do you build?";

/// An instance with these settings and the two nodes.
///
/// # Panics
/// The settings are refused.
pub fn instance(settings: &[(&str, &str)]) -> Service {
    let nodes = nodes_variable("http://mini", "http://cloud");
    let usual = [
        ("HOMEFIRE_NODES", &*nodes),
        ("GITHUB_API_URL", "http://nowhere"),
        ("GITLAB_API_URL", "http://nowhere"),
    ];
    let read = |name: &str| {
        let known = settings.iter().chain(&usual).find(|(known, _)| *known == name);
        known.map(|(_, value)| (*value).to_owned())
    };
    Service::from_reader(read).unwrap_or_else(|faults| panic!("{faults}"))
}

/// Asks an instance a question that a model must answer.
///
/// # Panics
/// Never: the request is well formed.
pub async fn ask(platform: &InProcess, service: &Service) -> Reply {
    send(platform, service, serde_json::json!({ "query": QUESTION }).to_string()).await
}

async fn send(platform: &InProcess, service: &Service, body: String) -> Reply {
    let request = Request::post("/api/terminal").header("content-type", "application/json");
    let request = request.body(Bytes::from(body)).expect("the request is well formed");
    handle(platform, service, request).await
}

/// An instance's answer to any request, as a socket would bring it.
pub async fn answer(platform: &InProcess, service: &Service, request: Request<Bytes>) -> Response<Chunks> {
    handle(platform, service, request).await.map(|body| -> Chunks {
        match body {
            Body::Whole(bytes) => Box::pin(stream::once(async { Ok(bytes) })),
            Body::Events(events) => Box::pin(events.map(Ok)),
        }
    })
}

async fn handle(platform: &InProcess, service: &Service, request: Request<Bytes>) -> Reply {
    let request = request.map(|body| Box::pin(stream::once(async { Ok::<_, String>(body) })));
    service::handle(platform, service, request).await
}

/// A reply's whole body.
///
/// # Panics
/// It is no text.
pub async fn read(reply: Reply) -> String {
    let bytes = match reply.into_body() {
        Body::Whole(bytes) => bytes,
        Body::Events(events) => events.collect::<Vec<_>>().await.concat().into(),
    };
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Who was asked, as `Server-Timing` tells.
pub fn asked(headers: &HeaderMap) -> String {
    let timing = headers.get("server-timing").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let nodes = timing.split(", ").filter_map(|attempt| attempt.split(';').next());
    nodes.collect::<Vec<_>>().join(" ")
}
