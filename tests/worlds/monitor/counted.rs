//! Who counts the requests in flight: the store for all instances, an instance for itself, or the guard of the node.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::StreamExt;
use homefire_sim::scenario::{Chunks, World};
use http::Request;
use serde_json::Value;

use super::{Story, sleep};

/// A store that is slow on a busy machine is not waited for: then the count is the instance's own, and says nothing.
const TRIES: usize = 20;

/// So many of them must be as expected.
const ENOUGH: usize = 3;

/// Alone, then a second one while the first still streams, then alone again: each is given back. Whoever is not alone here
/// does not ask who else there is.
pub(super) async fn play(story: &mut Story, counted: &str) -> Result<(), String> {
    let second = if counted == "fleet" { "instance" } else { counted };
    let expect = [(1, counted), (2, second), (1, counted)].map(|(count, by)| (count, by.to_owned()));
    // A node has one place. A guard counts what is at its node, so the second must still be there when the first is done.
    let script = if counted == "guard" { "say,pace=8" } else { "say,pace=40" };
    let (mut seen, mut good) = (Vec::new(), 0);
    for _ in 0..TRIES {
        story.world.rest().await?;
        story.world.take_log();
        story.world.node(0).queue(script.parse().expect("a script"));
        let mut first = ask(story).await?;
        first.next().await.ok_or("the first answer is empty")??;
        let (second, _) = tokio::join!(async { read(ask(story).await?).await }, read(first));
        second?;
        sleep(Duration::from_millis(500)).await;
        read(ask(story).await?).await?;
        sleep(Duration::from_millis(300)).await;
        seen = words(&story.world.take_log());
        good += usize::from(seen == expect);
        if good == ENOUGH {
            return Ok(());
        }
    }
    Err(format!(
        "requests in flight: expected {expect:?} {ENOUGH} times, saw it {good} times, and last {seen:?}"
    ))
}

async fn ask(story: &Story) -> Result<Chunks, String> {
    let request = Request::post("/api/terminal").header("content-type", "application/json");
    let request = request.body(Bytes::from(r#"{"query":"What do you build?"}"#)).expect("a request");
    Ok(story.world.send("/api/terminal", request).await?.into_body())
}

async fn read(mut body: Chunks) -> Result<(), String> {
    while let Some(chunk) = body.next().await {
        chunk?;
    }
    Ok(())
}

/// What was logged of each first word. Whoever prints the lines may put something before them.
fn words(log: &str) -> Vec<(u64, String)> {
    let lines = log.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(&line[line.find('{')?..]).ok()?;
        (line["event"] == "word").then(|| {
            let counted = line["counted"].as_str().unwrap_or_default().to_owned();
            (line["in_flight"].as_u64().unwrap_or_default(), counted)
        })
    });
    lines.collect()
}
