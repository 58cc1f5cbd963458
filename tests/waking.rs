//! A node that must load its model first is given the time for it, and its reader is told. In virtual time.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use homefire_core::health;
use homefire_core::platform::Platform;
use homefire_core::reply::Body;
use homefire_core::service::{self, Service};
use homefire_sim::scenario::{MODELS, nodes_variable};
use homefire_sim::{InProcess, Node, Pace};
use http::Request;
use tokio::time::Instant;

struct House {
    platform: InProcess,
    service: Service,
}

impl House {
    fn new() -> Self {
        let nodes = nodes_variable("http://mini", "http://cloud");
        let read = |name: &str| match name {
            "HOMEFIRE_NODES" => Some(nodes.clone()),
            "HEDGE_BUDGET" => Some("0".to_owned()),
            "GITHUB_API_URL" | "GITLAB_API_URL" => Some("http://nowhere".to_owned()),
            _ => None,
        };
        let service = Service::from_reader(read).expect("the settings are sound");
        let nodes = ["mini", "cloud"].map(|host| (host.to_owned(), Node::new(&MODELS, Pace::QUICK)));
        let platform = InProcess::new(nodes, service.config.deadlines.connect);
        Self { platform, service }
    }

    async fn round(&self) {
        health::round(&self.platform, &self.service).await.expect("memory does not fail");
        self.platform.sleep(Duration::from_secs(300)).await;
        health::round(&self.platform, &self.service).await.expect("memory does not fail");
    }

    /// Asks while `mini` takes so long to its first word: who answers, after how many seconds, and what the reader heard.
    async fn ask(&self, seconds: u64) -> (String, u64, String) {
        let slow = format!("say,first={}", seconds * 1000);
        self.platform.node(0).queue(slow.parse().expect("a script"));
        let body = stream::iter([Ok::<_, String>(Bytes::from(r#"{"query":"What do you build?"}"#))]);
        let request = Request::post("/api/terminal").header("content-type", "application/json");
        let request = request.body(Box::pin(body)).expect("the request is well formed");
        let began = Instant::now();
        let reply = service::handle(&self.platform, &self.service, request).await;
        let Body::Events(events) = reply.into_body() else { panic!("no stream") };
        let bytes: Vec<Bytes> = events.collect().await;
        let text = String::from_utf8(bytes.concat()).expect("text");
        let took = began.elapsed().as_secs();
        let node = if text.contains(r#""type":"done","node":"mini""#) { "mini" } else { "cloud" };
        (node.to_owned(), took, text)
    }
}

const WAKING: &str = r#"data: {"type":"status","state":"waking"}"#;

#[tokio::test(start_paused = true)]
async fn a_cold_node_is_waited_for_and_the_reader_is_told() {
    let house = House::new();
    // Nobody has looked: the usual time, and nothing to tell.
    let (node, took, text) = house.ask(20).await;
    assert_eq!((&*node, took, text.matches(WAKING).count()), ("cloud", 15, 0), "{text}");
    house.platform.node(0).reset();
    house.round().await;
    let (node, took, text) = house.ask(20).await;
    assert_eq!((&*node, took, text.matches(WAKING).count()), ("mini", 20, 1), "{text}");
    // It has spoken: it is warm, whatever was seen before.
    let (node, took, text) = house.ask(20).await;
    assert_eq!((&*node, took, text.matches(WAKING).count()), ("cloud", 15, 0), "{text}");
    house.round().await;
    let (node, _, text) = house.ask(20).await;
    assert_eq!((&*node, text.matches(WAKING).count()), ("cloud", 0), "the monitor has seen it warm: {text}");
}
