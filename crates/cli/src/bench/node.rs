//! `homefire bench node`: what the guard adds in front of Ollama.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use futures_util::future::{try_join, try_join_all};
use homefire::process::{self, Group};
use homefire::tools;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::heard::Heard;
use super::lanes::Lane;
use super::line::Line;
use super::report::{Measured, Report};
use super::rounds::{self, Plan, Turn};
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

/// Answers to each of them in a turn, one after the other.
const ANSWERS: u64 = 4;

/// Words of an answer.
const WORDS: u64 = 50;

/// Between two words of an answer.
const PACE: Duration = Duration::from_millis(10);

/// For what the idle connections did to be over.
const SETTLE: Duration = Duration::from_millis(200);

/// For a program to listen, and for the answers of a turn.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn run(options: Options) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Err(Refused(machine::ONLY_LINUX.to_owned()).into());
    }
    if cfg!(debug_assertions) {
        let mut again = Command::new(release::build("homefire", "homefire", "release")?);
        return process::run(again.args(std::env::args_os().skip(1)));
    }
    let connections = usize::from(options.connections);
    // Each connection of this process ends in another, which is told its limit by this one.
    machine::allow_files(4 * u64::from(options.connections) + 256)?;
    let nginx_program = setup::nginx()?;
    let guard_program = release::build("homefire-node", "homefire-node", "guard")?;
    let folder = tempfile::tempdir()?;

    let (node_group, node) = serve().await?;
    let mut programs = vec![std::process::id(), node_group.id];
    let (at_nginx, at_guard) = (free_address().await?, free_address().await?);
    let nginx = nginx::start(nginx_program, at_nginx, node, connections, folder.path()).await?;
    let guard = guard::start(&guard_program, at_guard, node, STREAMS, folder.path()).await?;
    programs.extend(nginx.1.iter().chain(&guard.1));
    let mut lanes = [
        Lane::open("direct", node, None, connections, STREAMS).await?,
        Lane::open("nginx", at_nginx, Some(nginx), connections, STREAMS).await?,
        Lane::open("guard", at_guard, Some(guard), connections, STREAMS).await?,
    ];

    let mut auditor = Auditor { line: Line::open(node).await?, asked: 0 };
    let plan = Plan { rounds: options.rounds.into(), anyway: options.anyway };
    let played =
        rounds::play(plan, &mut lanes, &programs, async |lane: &mut Lane| turn(lane, &mut auditor).await)
            .await?;
    let measured = Measured {
        connections,
        streams: STREAMS,
        answers: auditor.asked,
        size: std::fs::metadata(&guard_program)?.len(),
        rounds: plan.rounds,
        played,
    };
    let report = Report::of(&measured)?;
    println!("\n{report}");
    if let Some(path) = options.json {
        std::fs::write(&path, report.json().to_string() + "\n")
            .with_context(|| path.display().to_string())?;
    }
    Ok(())
}

struct Node {
    id: u32,
    _group: Group,
}

/// This program once more, as the node.
async fn serve() -> Result<(Node, SocketAddr)> {
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    command.args(["bench", "serve", "--words", &WORDS.to_string(), "--pace", &PACE.as_millis().to_string()]);
    let mut group = Group::spawn({
        command.stdout(Stdio::piped()).current_dir(tools::root());
        command
    })?;
    let id = group.child().id().context("the node ended at once")?;
    let output = group.child().stdout.take().context("its output is piped")?;
    let line = BufReader::new(output).lines().next_line().await?.context("the node does not say its port")?;
    Ok((Node { id, _group: group }, SocketAddr::from(([127, 0, 0, 1], line.parse()?))))
}

/// Asks the node itself what it said.
struct Auditor {
    line: Line,
    /// Questions until now; each has its number.
    asked: u64,
}

impl Auditor {
    async fn check(&mut self, lane: &str, heard: &Heard) -> Result<()> {
        let said = self.line.fetch(&format!("/said/{}", heard.id)).await?;
        ensure!(said == heard.bytes, "{lane}: what arrived of answer {} is not what the node said", heard.id);
        Ok(())
    }
}

async fn turn(lane: &mut Lane, auditor: &mut Auditor) -> Result<Turn> {
    let Lane { name, idle, streams, processes, .. } = lane;
    for line in idle {
        line.touch().await.with_context(|| format!("{name}: an idle connection"))?;
    }
    sleep(SETTLE).await;
    let before = machine::ticks(processes)?;
    let first = auditor.asked;
    let each = (0..).zip(streams.iter_mut());
    let listen = try_join_all(each.map(|(nth, line)| listen(line, nth, first + u64::from(nth) * ANSWERS)));
    let look = async {
        sleep(PACE * (WORDS * ANSWERS / 2) as u32).await;
        machine::resident(processes)
    };
    let (heard, resident) = timeout(PATIENCE, try_join(listen, look))
        .await
        .map_err(Into::into)
        .flatten()
        .with_context(|| (*name).to_owned())?;
    let mut turn = Turn { ticks: machine::ticks(processes)? - before, resident, ..Turn::default() };
    for heard in heard.into_iter().flatten() {
        auditor.check(name, &heard).await?;
        auditor.asked += 1;
        turn.first.push(heard.first);
        turn.chunks.extend(heard.chunks);
    }
    Ok(turn)
}

/// A few answers on one connection. They do not all begin at once.
async fn listen(line: &mut Line, nth: u32, first: u64) -> Result<Vec<Heard>> {
    sleep(PACE * nth / STREAMS as u32).await;
    let mut heard = Vec::new();
    for id in first..first + ANSWERS {
        heard.push(line.ask(id).await?);
    }
    Ok(heard)
}

/// An address that was free a moment ago.
async fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?)
}

/// Waits until a program listens.
pub(crate) async fn until_open(address: SocketAddr, program: &mut Group) -> Result<()> {
    let open = async {
        while TcpStream::connect(address).await.is_err() {
            ensure!(program.child().try_wait()?.is_none(), "what should listen at {address} has ended");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    };
    timeout(PATIENCE, open).await.with_context(|| format!("nobody listens at {address}"))?
}
