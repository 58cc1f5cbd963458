//! A node that failed several times in a row is asked last, until one request has tried it. In virtual time.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use homefire_core::health;
use homefire_core::platform::Platform;
use homefire_core::reply::Body;
use homefire_core::service::{self, Service};
use homefire_sim::scenario::{MODELS, nodes_variable};
use homefire_sim::{InProcess, Node, Pace, Reach};
use http::Request;

struct House {
    platform: InProcess,
    service: Service,
}

impl House {
    fn new() -> Self {
        let nodes = nodes_variable("http://mini", "http://cloud");
        let read = |name: &str| match name {
            "HOMEFIRE_NODES" => Some(nodes.clone()),
            "GITHUB_API_URL" | "GITLAB_API_URL" => Some("http://nowhere".to_owned()),
            _ => None,
        };
        let service = Service::from_reader(read).expect("the settings are sound");
        let nodes = ["mini", "cloud"].map(|host| (host.to_owned(), Node::new(&MODELS, Pace::QUICK)));
        let platform = InProcess::new(nodes, service.config.deadlines.connect);
        Self { platform, service }
    }

    /// Who was asked, in `Server-Timing`.
    async fn ask(&self) -> String {
        let body = stream::iter([Ok::<_, String>(Bytes::from(r#"{"query":"What do you build?"}"#))]);
        let request = Request::post("/api/terminal").header("content-type", "application/json");
        let request = request.body(Box::pin(body)).expect("the request is well formed");
        let (head, body) = service::handle(&self.platform, &self.service, request).await.into_parts();
        if let Body::Events(events) = body {
            events.for_each(|_| async {}).await;
        }
        let timing = head.headers.get("server-timing").and_then(|value| value.to_str().ok());
        let nodes = timing.unwrap_or_default().split(", ").filter_map(|attempt| attempt.split(';').next());
        nodes.collect::<Vec<_>>().join(" ")
    }

    async fn check(&self, expect: &str, what: &str) {
        assert_eq!(self.ask().await, expect, "{what}");
    }

    async fn wait(&self, seconds: u64) {
        self.platform.sleep(Duration::from_secs(seconds)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn it_opens_and_closes() {
    let house = House::new();
    house.platform.set(0, Reach::Down);
    for nth in 1..=3 {
        house.check("mini cloud", &format!("failure {nth}")).await;
    }
    house.check("cloud", "it is left alone").await;
    house.wait(11).await;
    house.check("mini cloud", "one request tries it").await;
    house.check("cloud", "and failed").await;
    house.wait(11).await;
    house.check("cloud", "the rest is twice as long").await;
    house.wait(11).await;
    house.platform.set(0, Reach::Up);
    house.check("mini", "it is tried, and well").await;
    house.check("mini", "and stays the first").await;
}

#[tokio::test(start_paused = true)]
async fn one_request_at_a_time_tries_it() {
    let house = House::new();
    house.platform.set(0, Reach::Silent);
    for _ in 0..3 {
        house.ask().await;
    }
    house.wait(11).await;
    let mut asked = join_all((0..5).map(|_| house.ask())).await;
    asked.sort();
    assert_eq!(asked, ["cloud", "cloud", "cloud", "cloud", "mini cloud"]);
}

#[tokio::test(start_paused = true)]
async fn who_is_busy_is_not_broken() {
    let house = House::new();
    for _ in 0..6 {
        house.platform.node(0).queue("429".parse().expect("a script"));
        house.check("mini cloud", "busy").await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_monitors_look_shortens_the_rest() {
    let house = House::new();
    health::round(&house.platform, &house.service).await.expect("memory does not fail");
    house.wait(300).await;
    // Down for so short a time that the monitor never saw it.
    house.platform.set(0, Reach::Down);
    for _ in 0..3 {
        house.ask().await;
    }
    house.platform.set(0, Reach::Up);
    house.check("cloud", "it is left alone").await;
    house.wait(1).await;
    health::round(&house.platform, &house.service).await.expect("memory does not fail");
    house.check("mini", "it was seen well").await;
}
