//! How long a reader waits for the first word, by what has become of the first node: on each runtime, in one run.
//!
//! `cargo homefire bench first-word` runs it. It measures waits of seconds, not speed: the build's profile does not matter.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

#[allow(dead_code, reason = "the scenario table uses the rest")]
#[path = "../tests/worlds/mod.rs"]
mod worlds;

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::StreamExt;
use homefire_sim::scenario::World;
use homefire_sim::{Reach, Script};
use http::Request;
use tokio::time::Instant;
use worlds::socket::SocketWorld;

const PLATFORMS: [&str; 3] = ["native", "vercel", "workerd"];

/// The deadlines that are deployed, where the table's are shorter.
const DEPLOYED: [(&str, &str); 8] = [
    ("CONNECT_MS", "3000"),
    ("FIRST_WORD_MS", "15000"),
    ("LAST_FIRST_WORD_MS", "60000"),
    ("IDLE_MS", "20000"),
    ("ANSWER_MS", "120000"),
    ("EARLY_HEAD_MS", "10000"),
    ("BREAK_AFTER", "3"),
    ("BREAK_MS", "60000"),
];

/// What has become of the first node.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    reach: Reach,
    hangs: bool,
    samples: usize,
}

const WELL: Case = Case { name: "well", reach: Reach::Up, hangs: false, samples: 9 };
const HANGS: Case = Case { name: "hangs", hangs: true, samples: 1, ..WELL };
const REFUSES: Case = Case { name: "refuses", reach: Reach::Down, samples: 1, ..WELL };
const GONE: Case = Case { name: "gone: no answer to a connection", reach: Reach::Silent, samples: 2, ..WELL };

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("the operating system gives a program its threads");
    println!("| first node | {} |", PLATFORMS.join(" | "));
    println!("| --- |{}", " --: |".repeat(PLATFORMS.len()));
    let mut columns = Vec::new();
    for platform in PLATFORMS {
        columns
            .push(runtime.block_on(measure(platform)).unwrap_or_else(|error| panic!("{platform}: {error}")));
    }
    for nth in 0..columns[0].len() {
        let cells = columns.iter().map(|column| format!("{} ms", column[nth].1.as_millis()));
        println!("| {} | {} |", columns[0][nth].0, cells.collect::<Vec<_>>().join(" | "));
    }
    runtime.shutdown_background();
}

/// Each case, and the median of its samples.
async fn measure(platform: &str) -> Result<Vec<(String, Duration)>, String> {
    let mut rows = Vec::new();
    let mut plain = start(platform, "0").await?;
    for (case, note) in [(WELL, ""), (HANGS, ", not hedged"), (REFUSES, ""), (GONE, "")] {
        rows.push((format!("{}{note}", case.name), median(&mut plain, case).await?));
    }
    // Three failures in a row, and this instance knows.
    rows.push(("known to be gone".to_owned(), median(&mut plain, Case { samples: 9, ..GONE }).await?));
    drop(plain);
    let mut hedged = start(platform, "100").await?;
    for case in [WELL, HANGS] {
        rows.push((format!("{}, hedged", case.name), median(&mut hedged, case).await?));
    }
    Ok(rows)
}

async fn start(platform: &str, hedge_budget: &str) -> Result<SocketWorld, String> {
    let settings = DEPLOYED.into_iter().chain([("HEDGE_BUDGET", hedge_budget)]);
    worlds::start(platform, settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()).await
}

async fn median(world: &mut SocketWorld, case: Case) -> Result<Duration, String> {
    let mut samples = Vec::new();
    // Once for nothing: what is started at the first request is started.
    if case.name == WELL.name {
        world.set(0, Reach::Up).await?;
        first_word(world).await?;
    }
    for _ in 0..case.samples {
        (0..2).for_each(|nth| world.node(nth).reset());
        world.set(0, case.reach).await?;
        if case.hangs {
            world.node(0).queue(Script::Hang);
        }
        samples.push(first_word(world).await?);
    }
    samples.sort();
    Ok(samples[samples.len() / 2])
}

async fn first_word(world: &SocketWorld) -> Result<Duration, String> {
    let request = Request::post("/api/terminal").header("content-type", "application/json");
    let request = request.body(Bytes::from(r#"{"query":"What do you build?"}"#)).expect("a request");
    let began = Instant::now();
    let mut body = world.send("/api/terminal", request).await?.into_body();
    let (mut text, mut word) = (Vec::new(), None);
    while let Some(chunk) = body.next().await {
        text.extend(chunk?);
        if word.is_none() && String::from_utf8_lossy(&text).contains("\"token\"") {
            word = Some(began.elapsed());
        }
    }
    word.ok_or_else(|| format!("no word: {}", String::from_utf8_lossy(&text)))
}
