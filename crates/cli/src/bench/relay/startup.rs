//! From a program's start to its first answer, which needs no node.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use homefire::process::Group;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::isolates;
use super::ways::{Site, Way};
use crate::bench::lanes::order;
use crate::bench::line::Line;
use crate::bench::listening::free_address;
use crate::bench::machine::now;
use crate::bench::stats::Range;
use crate::bench::table::{line, millis, table};
use crate::edge::On;

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
    /// From the start of a fresh isolate to the end of its first answer.
    isolate: Option<Range>,
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
    let isolates = match site.on {
        On::Workerd => isolates::measure(&ways, site).await?,
        On::Native | On::Vercel => vec![Vec::new(); ways.len()],
    };
    let startups = ways.iter().zip(times).zip(isolates).map(|((way, times), isolates)| {
        let [listens, first, second] = times.map(|times| Range::of(times).expect("it was started"));
        Startup { name: way.name, listens, first, second, isolate: Range::of(isolates) }
    });
    Ok(startups.collect())
}

async fn start(way: &Way, site: &Site<'_>) -> Result<[u64; 3]> {
    let address = free_address().await?;
    let mut command = way.command(site, site.node, address.port())?.context("it has an answer of its own")?;
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let began = now();
    let mut group = Group::spawn(command)?;
    listening(&mut group, address).await?;
    let listens = now();
    let mut line = Line::open(address).await?;
    line.help().await?;
    let first = now();
    line.help().await?;
    Ok([listens - began, first - listens, now() - first])
}

/// Waits until it takes a connection.
pub(super) async fn listening(group: &mut Group, address: SocketAddr) -> Result<()> {
    while TcpStream::connect(address).await.is_err() {
        ensure!(group.child().try_wait()?.is_none(), "the program has ended");
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

impl Startup {
    fn cells(&self) -> Vec<String> {
        let ranges = [self.listens, self.first, self.second].into_iter().chain(self.isolate);
        ranges.flat_map(|range| [millis(range.middle), range.apart(millis)]).collect()
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "listens_ns": self.listens.json(),
            "first_answer_ns": self.first.json(),
            "second_answer_ns": self.second.json(),
            "isolate_ns": self.isolate.map(|isolate| isolate.json()),
        })
    }
}

const HEAD: [&str; 9] = [
    "", "listens, ms", "min – max", "first answer, ms", "min – max", "second, ms", "min – max",
    "isolate, ms", "min – max",
];

pub(super) fn told(startups: &[Startup]) -> String {
    let has_isolates = startups.iter().any(|startup| startup.isolate.is_some());
    let head = if has_isolates { &HEAD[..] } else { &HEAD[..7] };
    let mut rows = vec![head.iter().map(|&name| name.to_owned()).collect()];
    rows.extend(startups.iter().map(|startup| line(startup.name, &startup.cells())));
    table(&rows)
}
