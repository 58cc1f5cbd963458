//! A node that must load its model first is given the time for it, and its reader is told. In virtual time.

use std::time::Duration;

use futures_util::stream::StreamExt;
use homefire_core::health;
use homefire_core::platform::Platform;
use homefire_sim::house::{self, House};
use http::Request;
use tokio::time::Instant;

/// Two rounds of the monitor.
async fn rounds(house: &House) {
    for _ in 0..2 {
        house.platform.sleep(Duration::from_secs(300)).await;
        health::round(&house.platform, &house.service).await.expect("memory does not fail");
    }
}

/// Asks while `mini` takes so long to its first word: who answers, after how many seconds, and what the reader heard.
async fn ask(house: &House, seconds: u64) -> (&'static str, u64, String) {
    house.script(0, &format!("say,first={}", seconds * 1000));
    let began = Instant::now();
    let text = house::read(house.ask().await).await;
    let node = if text.contains(r#""type":"done","node":"mini""#) { "mini" } else { "cloud" };
    (node, began.elapsed().as_secs(), text)
}

const WAKING: &str = r#"data: {"type":"status","state":"waking"}"#;

#[tokio::test(start_paused = true)]
async fn a_cold_node_is_waited_for_and_the_reader_is_told() {
    let house = House::new(&[("HEDGE_BUDGET", "0")]);
    // Nobody has looked: the usual time, and nothing to tell.
    let (node, took, text) = ask(&house, 20).await;
    assert_eq!((node, took, text.matches(WAKING).count()), ("cloud", 15, 0), "{text}");
    house.platform.node(0).reset();
    rounds(&house).await;
    let (node, took, text) = ask(&house, 20).await;
    assert_eq!((node, took, text.matches(WAKING).count()), ("mini", 20, 1), "{text}");
    // It has spoken: it is warm, whatever was seen before.
    let (node, took, text) = ask(&house, 20).await;
    assert_eq!((node, took, text.matches(WAKING).count()), ("cloud", 15, 0), "{text}");
    rounds(&house).await;
    let (node, _, text) = ask(&house, 20).await;
    assert_eq!((node, text.matches(WAKING).count()), ("cloud", 0), "the monitor has seen it warm: {text}");
}

#[tokio::test(start_paused = true)]
async fn a_cold_node_leaves_time_for_another_one() {
    let house = House::new(&[("HEDGE_BUDGET", "0"), ("ANSWER_MS", "30000")]);
    rounds(&house).await;
    let (node, took, text) = ask(&house, 100).await;
    assert_eq!((node, took, text.matches(WAKING).count()), ("cloud", 15, 1), "{text}");
}

/// Another context length would have it loaded anew, which takes as long as when it is cold.
#[tokio::test(start_paused = true)]
async fn a_model_is_loaded_once_whatever_is_asked_of_it() {
    let house = House::new(&[("DRAFT_KEY", "the-key-of-the-drafts")]);
    let draft = async |accept: &str| {
        let request = Request::post("/api/draft")
            .header("content-type", "application/json")
            .header("authorization", "Bearer the-key-of-the-drafts")
            .header("accept", accept)
            .body(r#"{"daysOverdue":9,"sender":{"name":"Ada Example"}}"#.into())
            .expect("the request is well formed");
        let reply = house::answer(&house.platform, &house.service, request).await;
        assert_eq!(reply.status(), 200);
        reply.into_body().count().await
    };
    house::read(house.ask().await).await;
    draft("application/json").await;
    draft("text/event-stream").await;
    for _ in 0..3 {
        rounds(&house).await;
    }
    house::read(house.ask_behind("I build small").await).await;
    let asked = [0, 1].map(|nth| {
        let mut asked = house.platform.node(nth).received();
        asked.retain(|request| request.path == "/api/chat");
        asked
    });
    let of_the_monitor =
        asked[0].iter().filter(|request| String::from_utf8_lossy(&request.body).contains("Say ok."));
    assert!(of_the_monitor.count() > 1, "the node was asked for a word");
    let loads = asked[0].iter().map(|request| request.loads);
    assert!(loads.eq((0..asked[0].len()).map(|nth| nth == 0)), "{:?}", asked[0]);
    assert!(asked[1].is_empty(), "what is cold is not asked for a word: {:?}", asked[1]);
}
