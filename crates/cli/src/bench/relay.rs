//! `homefire bench relay`: what it costs to turn a node's lines into events, on each runtime.

mod isolates;
mod plot;
mod report;
mod startup;
mod ways;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::fast::{Auditor, FastNode};
use super::lanes::Lane;
use super::rounds::{self, Cast, Plan, Turn};
use super::turn::{Course, turn};
use super::wire::Wire;
use super::{machine, release};
use crate::Refused;
use crate::edge::{self, On};
use report::{Measured, Report};
use ways::Site;

#[derive(Args)]
pub(crate) struct Options {
    /// Where the relay runs.
    #[arg(long, value_enum, default_value_t = On::Native)]
    on: On,
    /// Rounds that count; in each of them every lane has its turn.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Readers at once.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=4000))]
    streams: u16,
    /// Tokens of an answer. Each is a chunk of its own.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(2..=50_000))]
    tokens: u64,
    /// Milliseconds between two of them. As a rule so many that all readers together are told 2,400 a second at most.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pace: Option<u64>,
    /// Only these lanes.
    #[arg(long, value_delimiter = ',')]
    lanes: Vec<String>,
    /// Write the result to this file as JSON, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the CPU time of a token into this file as SVG, too.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Count rounds in which the machine was busy with something else, too.
    #[arg(long)]
    anyway: bool,
}

impl Options {
    /// What each reader asks in a turn.
    fn course(&self) -> Course {
        let pace = self.pace.unwrap_or_else(|| (u64::from(self.streams) * 10).div_ceil(24).max(10));
        Course { answers: 1, words: self.tokens, pace }
    }
}

impl Course {
    /// Answers that are cut are no measure.
    fn fits(&self) -> Result<()> {
        if self.lasts() < ways::ANSWER {
            return Ok(());
        }
        let (lasts, most) = (self.lasts().as_secs(), ways::ANSWER.as_secs());
        Err(Refused(format!(
            "an answer of {} tokens every {} ms lasts {lasts} s, and ends at {most} s: take fewer tokens, or a smaller --pace",
            self.words, self.pace
        ))
        .into())
    }
}

/// Two words on each connection: they, and those that lead on from them, stand when the turn begins.
const WARM: Course = Course { answers: 1, words: 2, pace: 10 };

/// As fast as the node says it, to a few readers.
const UNPACED: Course = Course { answers: 1, words: 20_000, pace: 0 };
const FEW: usize = 4;

pub(crate) async fn run(options: Options) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Err(Refused(machine::ONLY_LINUX.to_owned()).into());
    }
    let ways = ways::on(options.on, &options.lanes)?;
    options.course().fits()?;
    if cfg!(debug_assertions) {
        return release::again();
    }
    edge::prepare(options.on)?;
    // Each connection of this process ends in another, which is told its limit by this one.
    const ADVICE: &str = "raise the hard limit, or ask for fewer --streams";
    machine::allow_files(4 * u64::from(options.streams) + 256, ADVICE)?;
    let (streams, course) = (usize::from(options.streams), options.course());
    let folder = tempfile::tempdir()?;
    let node = FastNode::start().await?;
    let mut auditor = Auditor::of(&node).await?;
    let site = Site { on: options.on, node: node.address, streams, folder: folder.path() };

    let mut direct = Lane::new("direct", node.address, [Wire::Lines; 2], Vec::new());
    direct.processes.push(node.id);
    let unpaced = warm_turn(&mut direct, FEW, UNPACED, &mut auditor).await?;
    let paced = warm_turn(&mut direct, streams, course, &mut auditor).await?;
    tell!("{}", report::of_node(&unpaced, &paced));

    let (mut lanes, mut at_rest) = (Vec::new(), Vec::new());
    for way in &ways {
        let lane = way.open(&site).await?;
        at_rest.push(machine::resident(&lane.processes)?);
        lanes.push(lane);
    }
    let plan = Plan { rounds: options.rounds.into(), anyway: options.anyway };
    let mut cast = Cast { node, auditor, lanes };
    let played = rounds::play(plan, &mut cast, async |lane: &mut Lane, auditor: &mut Auditor| {
        warm_turn(lane, streams, course, auditor).await
    })
    .await?;
    for (way, lane) in ways.iter().zip(&cast.lanes) {
        way.check(options.on, lane)?;
    }
    cast.lanes.clear();
    let report = Report::of(&Measured {
        on: options.on,
        streams,
        course,
        node: [unpaced, paced],
        plan,
        names: ways.iter().map(|way| way.name).collect(),
        at_rest,
        played,
        startups: startup::measure(&ways, &site).await?,
    })?;
    tell!("\n{report}");
    let files = [(options.json, report.json().to_string() + "\n"), (options.svg, report.svg())];
    for (path, text) in files {
        if let Some(path) = path {
            std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

async fn warm_turn(lane: &mut Lane, streams: usize, course: Course, auditor: &mut Auditor) -> Result<Turn> {
    lane.connect(streams).await?;
    turn(lane, WARM, auditor).await?;
    let played = turn(lane, course, auditor).await;
    // Nobody closes them while others have their turns.
    lane.streams.clear();
    played
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_answer_is_cut() {
        let check = |words: u64, pace: u64, expect: bool| {
            assert_eq!(Course { answers: 1, words, pace }.fits().is_ok(), expect, "{words} every {pace} ms");
        };
        check(200, 10, true);
        check(26_999, 10, true);
        check(27_000, 10, false);
        check(50_000, 10_000, false);
        check(200, 1667, false);
    }
}
