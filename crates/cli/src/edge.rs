//! The service on one of its runtimes, in processes of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use homefire::process::{Group, Program, configure};
use homefire::tools;
use homefire::workerd::{self, Script};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::bench::{machine, release};
use crate::worker;

/// What the service runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum On {
    /// The release build of the native server.
    Native,
    /// The release builds of Vercel's functions.
    Vercel,
    /// The Worker in workerd.
    Workerd,
}

/// By which a function of Vercel's is told where it listens.
pub(crate) const VERCEL_PORT: &str = "VERCEL_DEV_PORT";

/// Until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// Builds the Worker, where it is the Worker that serves. The others are built when they are first started.
pub(crate) fn prepare(on: On) -> Result<()> {
    match on {
        On::Workerd => worker::build(),
        On::Native | On::Vercel => Ok(()),
    }
}

/// Programs that serve, each at the paths that begin with its place.
pub(crate) struct Edge {
    programs: Vec<(&'static str, u16, Group)>,
    ids: Vec<u32>,
}

impl Edge {
    pub(crate) async fn start(on: On, variables: &[(String, String)]) -> Result<Self> {
        let places: &[_] = match on {
            On::Vercel => &[("/api/cron/health", "health"), ("/", "terminal")],
            On::Native | On::Workerd => &[("/", "terminal")],
        };
        let (mut programs, mut ids) = (Vec::new(), Vec::new());
        for (place, function) in places {
            let port = free_port().await?;
            let folder = tempfile::tempdir()?;
            let command = command(on, function, port, variables, folder.path())?;
            let mut group = start(Program { command, folder: Some(folder) }, port).await?;
            // Only Linux tells what they hold.
            if cfg!(target_os = "linux") {
                ids.extend(processes(&mut group)?);
            }
            programs.push((*place, port, group));
        }
        Ok(Self { programs, ids })
    }

    /// Where a path is answered.
    pub(crate) fn url(&self, path: &str) -> String {
        let found = self.programs.iter().find(|(place, ..)| path.starts_with(place));
        let (_, port, _) = found.expect("somebody answers at every path");
        format!("http://127.0.0.1:{port}{path}")
    }

    /// What all of it has written.
    pub(crate) fn log(&self) -> Result<String> {
        self.programs.iter().map(|(_, port, _)| Ok(std::fs::read_to_string(log(*port))?)).collect()
    }

    /// Bytes that all of it holds, where that can be seen.
    pub(crate) fn memory(&self) -> Option<u64> {
        if self.ids.is_empty() {
            return None;
        }
        machine::resident(&self.ids).ok().map(|kib| kib << 10)
    }
}

/// A command that serves at 127.0.0.1:`port`: one of the functions on Vercel, all routes elsewhere. A Worker's files go to
/// `folder`.
pub(crate) fn command(
    on: On,
    function: &str,
    port: u16,
    variables: &[(String, String)],
    folder: &Path,
) -> Result<Command> {
    let mut command = match on {
        On::Native => {
            let mut command = Command::new(release::build("homefire-native", "homefire-server", "release")?);
            command.arg(format!("127.0.0.1:{port}")).current_dir(tools::root());
            command
        }
        On::Vercel => {
            let mut command = Command::new(release::build("homefire-functions", function, "release")?);
            command.env(VERCEL_PORT, port.to_string());
            command
        }
        On::Workerd => return workerd::serve(port, &Script::built()?, variables, folder),
    };
    configure(&mut command, variables.iter().cloned());
    Ok(command)
}

/// Starts what serves at `port`, and waits until it does.
pub(crate) async fn start(program: impl Into<Program>, port: u16) -> Result<Group> {
    let mut program = program.into();
    let path = log(port);
    path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    tell!("what it writes is in {}", path.display());
    let log = File::create(path)?;
    program.command.stdout(log.try_clone()?).stderr(log);
    let mut group = Group::spawn(program)?;
    group.ready(port, PATIENCE).await?;
    Ok(group)
}

/// Where the program that serves at `port` writes.
pub(crate) fn log(port: u16) -> PathBuf {
    tools::root().join(format!("target/edge/{port}.log"))
}

/// All processes of a program that has been started.
pub(crate) fn processes(group: &mut Group) -> Result<Vec<u32>> {
    machine::family(group.child().id().context("the program ended at once")?)
}

pub(crate) async fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port())
}
