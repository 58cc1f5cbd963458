//! A node that must load its model first is given the time for it, and its reader is told. In virtual time.

use std::time::Duration;

use homefire_core::health;
use homefire_core::platform::Platform;
use homefire_sim::house::{self, House};
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
