//! A request has an id, and whatever is done for it carries it. In virtual time.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use homefire_core::config::Faults;
use homefire_core::platform::{Event, Platform};
use homefire_core::reply::Body;
use homefire_core::service::{self, Service};
use homefire_sim::scenario::{MODELS, nodes_variable};
use homefire_sim::{InProcess, Node, Pace, Reach};
use http::{HeaderMap, Request};

const ID: &str = "x-request-id";

struct House {
    platform: InProcess,
    service: Service,
}

impl House {
    fn new() -> Self {
        let nodes = nodes_variable("http://mini", "http://cloud");
        let read = |name: &str| match name {
            "HOMEFIRE_NODES" => Some(nodes.clone()),
            "ALLOWED_ORIGINS" => Some("https://example.com".to_owned()),
            _ => None,
        };
        let service = Service::from_reader(read).expect("the settings are sound");
        let nodes = ["mini", "cloud"].map(|host| (host.to_owned(), Node::new(&MODELS, Pace::QUICK)));
        Self { platform: InProcess::new(nodes, service.config.deadlines.connect), service }
    }

    /// Asks as the line says, with these headers, and reads the reply to its end. The reply's headers.
    async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &'static str) -> HeaderMap {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = stream::iter([Ok::<_, String>(Bytes::from(body))]);
        let request = request.body(Box::pin(body)).expect("the request is well formed");
        let (head, body) = service::handle(&self.platform, &self.service, request).await.into_parts();
        if let Body::Events(events) = body {
            events.collect::<Vec<Bytes>>().await;
        }
        // What is done behind the reply is done.
        self.platform.sleep(Duration::from_secs(10)).await;
        head.headers
    }

    async fn question(&self, headers: &[(&str, &str)]) -> HeaderMap {
        let json = ("content-type", "application/json");
        let headers: Vec<_> = headers.iter().copied().chain([json]).collect();
        self.ask("POST /api/terminal", &headers, r#"{"query":"What do you build?"}"#).await
    }
}

fn id(headers: &HeaderMap) -> &str {
    headers.get(ID).expect("every reply has an id").to_str().expect("an id is a text")
}

/// A version 7 UUID, as they are written.
fn is_made(id: &str) -> bool {
    id.len() == 36 && id.as_bytes()[14] == b'7' && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

#[tokio::test(start_paused = true)]
async fn an_id_is_kept_where_it_is_well_formed() {
    let house = House::new();
    for good in ["a", "Root_1.2-3", &"x".repeat(64)] {
        assert_eq!(id(&house.question(&[(ID, good)]).await), good);
    }
    let mut made = Vec::new();
    for bad in ["", "two words", "a,b", "\"", &"x".repeat(65)] {
        made.push(id(&house.question(&[(ID, bad)]).await).to_owned());
    }
    made.push(id(&house.question(&[]).await).to_owned());
    assert!(made.iter().all(|id| is_made(id)), "{made:?}");
    let mut different = made.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), made.len(), "{made:?}");
}

#[tokio::test(start_paused = true)]
async fn every_reply_has_its_id() {
    let house = House::new();
    let json = ("content-type", "application/json");
    let check = async |line: &str, headers: &[(&str, &str)], body: &'static str| {
        let given: Vec<_> = headers.iter().copied().chain([(ID, "given")]).collect();
        assert_eq!(id(&house.ask(line, &given, body).await), "given", "{line}");
        assert!(is_made(id(&house.ask(line, headers, body).await)), "{line}");
    };
    check("POST /api/terminal", &[json], r#"{"query":"help"}"#).await;
    check("POST /api/terminal", &[json], "{").await;
    check("POST /api/terminal", &[], "{}").await;
    check("POST /api/terminal", &[json, ("content-length", "9999999")], "{}").await;
    check("OPTIONS /api/terminal", &[("origin", "https://example.com")], "").await;
    check("GET /api/terminal", &[], "").await;
    check("GET /api/nothing", &[], "").await;
    check("OPTIONS /api/nothing", &[], "").await;
    check("POST /api/draft", &[json], "{}").await;
    check("GET /api/status", &[], "").await;
    house.platform.set(0, Reach::Down);
    house.platform.set(1, Reach::Down);
    check("POST /api/terminal", &[json], r#"{"query":"What do you build?"}"#).await;
}

#[tokio::test(start_paused = true)]
async fn a_page_of_the_owners_may_read_it() {
    let house = House::new();
    let headers = house.question(&[("origin", "https://example.com")]).await;
    let exposed = headers["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.split(", ").any(|name| name == ID), "{exposed}");
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_to_a_request_is_logged_with_its_id() {
    let house = House::new();
    house.platform.node(0).queue("reset@5".parse().expect("a script"));
    house.question(&[(ID, "one")]).await;
    house.platform.set(0, Reach::Down);
    house.question(&[(ID, "two")]).await;
    let lines = house.platform.take_lines();
    let told = |id: &str| -> Vec<&Event> {
        lines.iter().filter(|(request, _)| request.as_deref() == Some(id)).map(|(_, event)| event).collect()
    };
    assert!(
        matches!(
            told("one")[..],
            [Event::Word { .. }, Event::Word { .. }, Event::Resumed { .. }, Event::Answered { .. }]
        ),
        "{lines:?}"
    );
    assert!(
        matches!(told("two")[..], [Event::Failed { .. }, Event::Word { .. }, Event::Answered { .. }]),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 7, "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn a_line_is_one_object() {
    let house = House::new();
    house.question(&[(ID, "one")]).await;
    let lines = house.platform.take_lines();
    let (request, event) = lines.last().expect("it was answered");
    let line = homefire_core::platform::Line { event, request: request.as_deref() };
    let line = serde_json::to_value(line).expect("lines serialize");
    assert_eq!(
        (&line["event"], &line["request"], &line["node"]),
        (&"answered".into(), &"one".into(), &"mini".into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_node_is_told_the_id() {
    let house = House::new();
    house.platform.node(0).queue("500".parse().expect("a script"));
    house.question(&[(ID, "one")]).await;
    for nth in [0, 1] {
        let received = house.platform.node(nth).received();
        let chat = received.iter().find(|request| request.path == "/api/chat").expect("both were asked");
        assert_eq!(id(&chat.headers), "one", "node {nth}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_round_has_an_id_of_its_own() {
    let house = House::new();
    service::round(&house.platform, &house.service).await;
    let lines = house.platform.take_lines();
    let ids: Vec<_> = lines.iter().map(|(request, _)| request.clone().expect("a round has an id")).collect();
    assert!(matches!(lines.last(), Some((_, Event::Round { .. }))), "{lines:?}");
    assert!(is_made(&ids[0]) && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(id(&house.platform.node(0).received()[0].headers), ids[0]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_configuration_is_told_with_the_id() {
    let house = House::new();
    let faults = Faults(vec!["X: is wrong".to_owned()]);
    let asked = Request::get("/").header(ID, "one").body(()).expect("a request");
    let reply = service::misconfigured(&house.platform, asked.headers(), &faults);
    assert_eq!((id(reply.headers()), reply.status().as_u16()), ("one", 500));
    let lines = house.platform.take_lines();
    assert!(matches!(&lines[..], [(Some(id), Event::Misconfigured { .. })] if id == "one"), "{lines:?}");
}
