//! From a program's start to its first answer, which needs no node.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use homefire::process::Group;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::ways::{Site, Way};
use crate::bench::lanes::order;
use crate::bench::line::Line;
use crate::bench::listening::free_address;
use crate::bench::machine::now;
use crate::bench::stats::Range;
use crate::bench::table::{line, millis, table};

/// Fresh processes of each lane.
const STARTS: usize = 9;

const PATIENCE: Duration = Duration::from_secs(60);

/// Times of one lane in nanoseconds.
pub(super) struct Startup {
    pub(super) name: &'static str,
    /// From the start of the process until it takes a connection.
    listens: Range,
    /// From there to the end of the answer to its first question.
    first: Range,
    /// The same of its second.
    second: Range,
}

/// Starts every lane that has answers of its own again and again, each in turn.
pub(super) async fn measure(ways: &[&Way], site: &Site<'_>) -> Result<Vec<Startup>> {
    let ways: Vec<&Way> = ways.iter().copied().filter(|way| way.answers_alone()).collect();
    let mut times: Vec<[Vec<u64>; 3]> = ways.iter().map(|_| Default::default()).collect();
    for round in 0..STARTS {
        for nth in order(round, ways.len()) {
            let started = timeout(PATIENCE, start(ways[nth], site)).await.map_err(Into::into).flatten();
            let started = started.with_context(|| format!("the start of {}", ways[nth].name))?;
            times[nth].iter_mut().zip(started).for_each(|(times, time)| times.push(time));
        }
    }
    let startups = ways.iter().zip(times).map(|(way, times)| {
        let [listens, first, second] = times.map(|times| Range::of(times).expect("it was started"));
        Startup { name: way.name, listens, first, second }
    });
    Ok(startups.collect())
}

async fn start(way: &Way, site: &Site<'_>) -> Result<[u64; 3]> {
    let address = free_address().await?;
    let mut command = way.command(site, site.node, address.port())?.context("it has an answer of its own")?;
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let began = now();
    let mut group = Group::spawn(command)?;
    while TcpStream::connect(address).await.is_err() {
        ensure!(group.child().try_wait()?.is_none(), "the program has ended");
        sleep(Duration::from_millis(1)).await;
    }
    let listens = now();
    let mut line = Line::open(address).await?;
    line.help().await?;
    let first = now();
    line.help().await?;
    Ok([listens - began, first - listens, now() - first])
}

impl Startup {
    fn cells(&self) -> Vec<String> {
        let ranges = [self.listens, self.first, self.second];
        ranges.iter().flat_map(|range| [millis(range.middle), range.apart(millis)]).collect()
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "listens_ns": self.listens.json(),
            "first_answer_ns": self.first.json(),
            "second_answer_ns": self.second.json(),
        })
    }
}

const HEAD: [&str; 7] =
    ["", "listens, ms", "min – max", "first answer, ms", "min – max", "second, ms", "min – max"];

pub(super) fn told(startups: &[Startup]) -> String {
    let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
    rows.extend(startups.iter().map(|startup| line(startup.name, &startup.cells())));
    table(&rows)
}
