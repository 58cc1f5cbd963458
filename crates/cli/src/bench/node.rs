//! `homefire bench node`: what the guard adds in front of Ollama.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::fast::{Auditor, FastNode};
use super::lanes::Lane;
use super::listening::free_address;
use super::nginx::Log;
use super::report::{Measured, Report};
use super::rounds::{self, Cast, Plan};
use super::turn::{Course, turn};
use super::wire::Wire;
use super::{guard, machine, nginx, release};
use crate::{Refused, setup};

#[derive(Args)]
pub(crate) struct Options {
    /// Rounds that count; in each of them every lane has its turn.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Connections to each lane. Ten of them stream, the others are kept alive and say nothing.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(10..=4000))]
    connections: u16,
    /// Write the result to this file as JSON, too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Count rounds in which the machine was busy with something else, too.
    #[arg(long)]
    anyway: bool,
}

/// Connections that stream at once.
const STREAMS: usize = 10;

/// What each of them asks in a turn.
const COURSE: Course = Course { answers: 4, words: 50, pace: 10 };

pub(crate) async fn run(options: Options) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Err(Refused(machine::ONLY_LINUX.to_owned()).into());
    }
    if cfg!(debug_assertions) {
        return release::again();
    }
    let connections = usize::from(options.connections);
    // Each connection of this process ends in another, which is told its limit by this one.
    const ADVICE: &str = "raise the hard limit, or ask for fewer --connections";
    machine::allow_files(4 * u64::from(options.connections) + 256, ADVICE)?;
    let nginx_program = setup::nginx()?;
    let guard_program = release::build("homefire-node", "homefire-node", "guard")?;
    let folder = tempfile::tempdir()?;
    let plan = Plan { rounds: options.rounds.into(), anyway: options.anyway };
    let played = rounds::play_anew(
        plan,
        async || begin(nginx_program, &guard_program, connections, folder.path()).await,
        async |lane: &mut Lane, auditor: &mut Auditor| {
            touch(lane).await?;
            turn(lane, COURSE, auditor).await
        },
    )
    .await?;
    let measured = Measured {
        connections,
        streams: STREAMS,
        size: std::fs::metadata(&guard_program)?.len(),
        rounds: plan.rounds,
        played,
    };
    let report = Report::of(&measured)?;
    tell!("\n{report}");
    if let Some(path) = options.json {
        std::fs::write(&path, report.json().to_string() + "\n")
            .with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// All programs of a round, with all their connections.
async fn begin(nginx: &str, guard: &Path, connections: usize, folder: &Path) -> Result<Cast> {
    let node = FastNode::start().await?;
    let (at_nginx, at_logging) = (free_address().await?, free_address().await?);
    let at_guard = free_address().await?;
    let start = async |address, log, name| {
        nginx::start(nginx, address, node.address, connections, log, &folder.join(name)).await
    };
    let silent = start(at_nginx, Log::Off, "silent").await?;
    let logging = start(at_logging, Log::On, "logging").await?;
    let guard = guard::start(guard, at_guard, node.address, STREAMS, folder).await?;
    let wires = [Wire::Lines; 2];
    let mut lanes = vec![
        Lane::new("direct", node.address, wires, Vec::new()),
        Lane::new("nginx", at_nginx, wires, vec![silent]),
        Lane::new("nginx, logging", at_logging, wires, vec![logging]),
        Lane::new("guard", at_guard, wires, vec![guard]),
    ];
    for lane in &mut lanes {
        lane.connect(STREAMS).await?;
        lane.connect_idle(connections - STREAMS).await?;
    }
    Ok(Cast { auditor: Auditor::of(&node).await?, node, lanes })
}

async fn touch(lane: &mut Lane) -> Result<()> {
    for line in &mut lane.idle {
        line.touch().await.with_context(|| format!("{}: an idle connection", lane.name))?;
    }
    Ok(())
}
