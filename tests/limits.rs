//! Whoever asks too much is told when to come again, and nobody else notices. In virtual time.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use homefire_core::limits::Address;
use homefire_core::platform::{Event, Platform};
use homefire_core::reply::{Body, Reply};
use homefire_core::service::{self, Service};
use homefire_sim::redis::{Fault, Slate, Upstash};
use homefire_sim::scenario::{MODELS, nodes_variable};
use homefire_sim::{InProcess, Node, Pace};
use http::Request;
use tokio::time::Instant;

const QUESTION: &str = r#"{"query":"What do you build?"}"#;
const COMMAND: &str = r#"{"query":"help"}"#;

/// Two instances of the service, one store if there is one, and the nodes of both.
struct House {
    platform: InProcess,
    instances: [Service; 2],
    store: Upstash<Slate>,
}

impl House {
    fn new(settings: &[(&str, &str)]) -> Self {
        let nodes = nodes_variable("http://mini", "http://cloud");
        let read = |name: &str| match name {
            "HOMEFIRE_NODES" => Some(nodes.clone()),
            _ => settings.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        };
        let instance = || Service::from_reader(read).expect("the settings are sound");
        let instances = [instance(), instance()];
        let nodes = ["mini", "cloud"].map(|host| (host.to_owned(), Node::new(&MODELS, Pace::QUICK)));
        let platform = InProcess::new(nodes, instances[0].config.deadlines.connect);
        let store = Upstash::new(Slate::default(), "store-token");
        platform.add("store", store.clone());
        Self { platform, instances, store }
    }

    fn with_store(settings: &[(&str, &str)]) -> Self {
        let store = [("UPSTASH_REDIS_REST_URL", "http://store"), ("UPSTASH_REDIS_REST_TOKEN", "store-token")];
        Self::new(&[settings, &store].concat())
    }

    async fn send(&self, instance: usize, address: &str, body: &'static str) -> Reply {
        let body = stream::iter([Ok::<_, String>(Bytes::from_static(body.as_bytes()))]);
        let mut request = Request::post("/api/terminal").header("content-type", "application/json");
        if !address.is_empty() {
            request = request.extension(Address(address.to_owned()));
        }
        let request = request.body(Box::pin(body)).expect("the request is well formed");
        service::handle(&self.platform, &self.instances[instance], request).await
    }

    /// Asks, reads to the end, and expects this.
    async fn check(&self, instance: usize, address: &str, expect: &str) {
        let told = told(self.send(instance, address, QUESTION).await).await;
        assert_eq!(told, expect, "{address} asks {instance}");
    }

    async fn sleep(&self, seconds: u64) {
        self.platform.sleep(Duration::from_secs(seconds)).await;
    }

    /// Why questions were refused since the last call.
    fn refused(&self) -> Vec<&'static str> {
        let events = self.platform.take_events().into_iter();
        let reasons = events.filter_map(|event| {
            let Event::Limited { reason } = event else { return None };
            Some(reason)
        });
        reasons.collect()
    }
}

/// `answered`, or the error's code and when to ask again.
async fn told(reply: Reply) -> String {
    let (head, body) = reply.into_parts();
    let after = head.headers.get("retry-after").map_or("", |seconds| seconds.to_str().expect("a number"));
    match body {
        Body::Events(events) => {
            let text = events.collect::<Vec<Bytes>>().await.concat();
            assert!(String::from_utf8_lossy(&text).contains("\"done\""));
            "answered".to_owned()
        }
        Body::Whole(bytes) => {
            let body: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
            match body["error"]["code"].as_str() {
                Some(code) => format!("{} {code} {after}", head.status.as_u16()),
                None => "answered".to_owned(),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn so_many_questions_within_a_minute() {
    for house in [House::new(&[("RATE_LIMIT", "2")]), House::with_store(&[("RATE_LIMIT", "2")])] {
        house.check(0, "192.0.2.1", "answered").await;
        house.sleep(20).await;
        house.check(0, "192.0.2.1", "answered").await;
        house.check(0, "192.0.2.1", "429 too_many_requests 40").await;
        assert_eq!(house.refused(), ["rate"]);
        let help = told(house.send(0, "192.0.2.1", COMMAND).await).await;
        assert_eq!(help, "answered", "commands are answered always");
        house.check(0, "192.0.2.2", "answered").await;
        house.check(0, "2001:db8::1", "answered").await;
        house.check(0, "2001:db8::2", "answered").await;
        house.check(0, "2001:db8::3", "429 too_many_requests 60").await;
        let refused = told(house.send(0, "192.0.2.1", QUESTION).await).await;
        let seconds: Option<u64> = refused.rsplit(' ').next().and_then(|seconds| seconds.parse().ok());
        house.sleep(seconds.expect("it says when") - 1).await;
        house.check(0, "192.0.2.1", "429 too_many_requests 1").await;
        house.sleep(1).await;
        house.check(0, "192.0.2.1", "answered").await;
        let refused = told(house.send(0, "192.0.2.1", QUESTION).await).await;
        assert!(refused.starts_with("429 too_many_requests 2"), "the second still counts: {refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn commands_and_what_is_no_question_count_for_nothing() {
    let house = House::new(&[("RATE_LIMIT", "1"), ("STREAMS_PER_ADDRESS", "1"), ("MOST_STREAMS", "1")]);
    for body in [COMMAND, "{", r#"{"query":""}"#, COMMAND] {
        house.send(0, "192.0.2.1", body).await;
    }
    house.check(0, "192.0.2.1", "answered").await;
}

#[tokio::test(start_paused = true)]
async fn twenty_a_minute_unless_it_is_said_otherwise() {
    let house = House::new(&[]);
    for _ in 0..20 {
        house.check(0, "192.0.2.1", "answered").await;
    }
    let told = told(house.send(0, "192.0.2.1", QUESTION).await).await;
    assert!(told.starts_with("429 too_many_requests "), "{told}");
    let house = House::new(&[("RATE_LIMIT", "0")]);
    for _ in 0..50 {
        house.check(0, "192.0.2.1", "answered").await;
    }
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_address_nobody_is_counted() {
    let house = House::new(&[("RATE_LIMIT", "1"), ("STREAMS_PER_ADDRESS", "1")]);
    let first = house.send(0, "", QUESTION).await;
    house.check(0, "", "answered").await;
    assert_eq!(told(first).await, "answered");
}

#[tokio::test(start_paused = true)]
async fn instances_share_the_count_through_the_store() {
    let house = House::with_store(&[("RATE_LIMIT", "2")]);
    house.check(0, "192.0.2.1", "answered").await;
    house.sleep(10).await;
    house.check(1, "192.0.2.1", "answered").await;
    house.check(0, "192.0.2.1", "429 too_many_requests 50").await;
    house.check(1, "192.0.2.1", "429 too_many_requests 50").await;
    house.sleep(50).await;
    // What was refused there did not count here.
    house.check(0, "192.0.2.1", "answered").await;
    let alone = House::new(&[("RATE_LIMIT", "1")]);
    alone.check(0, "192.0.2.1", "answered").await;
    alone.check(1, "192.0.2.1", "answered").await;
}

#[tokio::test(start_paused = true)]
async fn no_address_is_in_the_store_or_in_the_log() {
    let house = House::with_store(&[("RATE_LIMIT", "1")]);
    house.check(0, "192.0.2.1", "answered").await;
    house.check(0, "192.0.2.1", "429 too_many_requests 60").await;
    let key = Address("192.0.2.1".to_owned()).key();
    assert_eq!(house.store.engine().members(&format!("homefire:visits:{key}")), 1);
    let (store, log) = (format!("{:?}", house.store.engine()), format!("{:?}", house.platform.take_lines()));
    assert!(!store.contains("192.0.2.1") && !log.contains("192.0.2.1"), "{store} {log}");
    house.sleep(60).await;
    assert_eq!(house.store.engine().members(&format!("homefire:visits:{key}")), 0, "its time is over");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_refused_because_the_store_is_away_and_nobody_waits_for_it() {
    let check = async |fault: Fault, waits: u64| {
        let house = House::with_store(&[("RATE_LIMIT", "1")]);
        let calm = House::with_store(&[("RATE_LIMIT", "1")]);
        let took = async |house: &House| {
            let began = Instant::now();
            house.check(0, "192.0.2.1", "answered").await;
            began.elapsed()
        };
        house.store.queue(fault);
        let (took, usual) = (took(&house).await, took(&calm).await);
        assert_eq!(took.saturating_sub(usual).as_millis(), u128::from(waits), "{fault:?}");
        let refused = told(house.send(0, "192.0.2.1", QUESTION).await).await;
        assert!(refused.starts_with("429"), "its own count holds: {fault:?} {refused}");
    };
    check(Fault::Unavailable, 0).await;
    check(Fault::Garbage, 0).await;
    check(Fault::Unauthorized, 0).await;
    check(Fault::Quota, 0).await;
    check(Fault::WrongType, 0).await;
    check(Fault::Slow(Duration::from_millis(40)), 40).await;
    check(Fault::Slow(Duration::from_millis(400)), 50).await;
    check(Fault::Hang, 50).await;
}

#[tokio::test(start_paused = true)]
async fn a_count_of_addresses_that_fails_is_told_now_and_then() {
    let told = async |fault: Fault| {
        let house = House::with_store(&[]);
        for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
            house.store.queue(fault);
            house.check(0, address, "answered").await;
        }
        house.sleep(15).await;
        house.store.queue(fault);
        house.check(0, "192.0.2.1", "answered").await;
        let events = house.platform.take_events().into_iter();
        let reasons = events.filter_map(|event| {
            let Event::StoreFailed { reason } = event else { return None };
            Some(reason)
        });
        reasons.collect::<Vec<_>>()
    };
    assert_eq!(told(Fault::Unavailable).await, ["away"; 2]);
    assert_eq!(told(Fault::Quota).await, ["away"; 2]);
    assert_eq!(told(Fault::Slow(Duration::from_millis(400))).await, [""; 0]);
    assert_eq!(told(Fault::Unauthorized).await, ["unauthorized"; 2]);
    assert_eq!(told(Fault::WrongType).await, ["garbage"; 2]);
}

#[tokio::test(start_paused = true)]
async fn so_many_answers_of_an_address_at_once() {
    let house = House::new(&[("STREAMS_PER_ADDRESS", "1")]);
    let first = house.send(0, "192.0.2.1", QUESTION).await;
    house.check(0, "192.0.2.1", "429 too_many_requests 5").await;
    assert_eq!(house.refused(), ["streams"]);
    house.check(0, "192.0.2.2", "answered").await;
    assert_eq!(told(house.send(0, "192.0.2.1", COMMAND).await).await, "answered");
    assert_eq!(told(first).await, "answered");
    let second = house.send(0, "192.0.2.1", QUESTION).await;
    house.check(0, "192.0.2.1", "429 too_many_requests 5").await;
    // Its reader leaves.
    drop(second);
    house.check(0, "192.0.2.1", "answered").await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_leaves_before_there_is_a_head_frees_his_place() {
    let house = House::new(&[("STREAMS_PER_ADDRESS", "1")]);
    house.platform.node(0).queue("hang".parse().expect("a script"));
    let asking = house.send(0, "192.0.2.1", QUESTION);
    let left = tokio::time::timeout(Duration::from_secs(1), asking).await;
    assert!(left.is_err(), "the node hangs");
    house.check(0, "192.0.2.1", "answered").await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_neither_reads_nor_leaves_frees_his_place() {
    let house = House::new(&[("STREAMS_PER_ADDRESS", "1"), ("ANSWER_MS", "15001")]);
    let _held = house.send(0, "192.0.2.1", QUESTION).await;
    house.check(0, "192.0.2.1", "429 too_many_requests 5").await;
    house.sleep(17).await;
    house.check(0, "192.0.2.1", "answered").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_for_the_instance_is_refused_at_once() {
    let house = House::new(&[("MOST_STREAMS", "2")]);
    let held = [house.send(0, "192.0.2.1", QUESTION).await, house.send(0, "", QUESTION).await];
    let began = Instant::now();
    house.check(0, "192.0.2.3", "503 overloaded 5").await;
    house.check(0, "", "503 overloaded 5").await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(house.refused(), ["overload", "overload"]);
    assert_eq!(told(house.send(0, "192.0.2.3", COMMAND).await).await, "answered");
    drop(held);
    house.check(0, "192.0.2.3", "answered").await;
}

/// A platform that ends a request for what it takes drops nothing.
#[tokio::test(start_paused = true)]
async fn who_is_ended_without_a_word_is_out_when_his_time_is_over() {
    let house = House::new(&[("STREAMS_PER_ADDRESS", "1"), ("RATE_LIMIT", "0"), ("ANSWER_MS", "60000")]);
    std::mem::forget(house.send(0, "192.0.2.1", QUESTION).await);
    house.check(0, "192.0.2.1", "429 too_many_requests 5").await;
    house.sleep(121).await;
    house.check(0, "192.0.2.1", "answered").await;
    assert_eq!(house.instances[0].memory.in_flight(house.platform.now()), 0);
}
