//! The service on one of its runtimes, in processes of its own.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use homefire::process::Group;
use homefire::tools;
use homefire::workerd::{self, Script};
use homefire_core::service::Service;
use homefire_native::Native;
use tokio::net::TcpListener;
use tokio::process::Command;

use super::On;
use crate::Refused;
use crate::bench::{machine, release};

/// Until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// Programs that serve, each at the paths that begin with its place.
pub(super) struct Edge {
    programs: Vec<(&'static str, u16, Group)>,
    ids: Vec<u32>,
}

impl Edge {
    pub(super) async fn start(on: On, variables: &[(String, String)]) -> Result<Self> {
        let mut programs = Vec::new();
        match on {
            On::Native => {
                let port = free_port().await?;
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["chaos", "--serve", &port.to_string()]).envs(variables.iter().cloned());
                programs.push(("/", port, start(command, port).await?));
            }
            On::Vercel => {
                for (place, binary) in [("/api/cron/health", "health"), ("/", "terminal")] {
                    let port = free_port().await?;
                    let mut command = Command::new(release::build("homefire-functions", binary, "release")?);
                    command.env("VERCEL_DEV_PORT", port.to_string()).envs(variables.iter().cloned());
                    programs.push((place, port, start(command, port).await?));
                }
            }
            On::Workerd => {
                let (port, folder) = (free_port().await?, tools::root().join("target/workerd"));
                let command = workerd::serve(port, &Script::built()?, variables, &folder)?;
                programs.push(("/", port, start(command, port).await?));
            }
        }
        let mut ids = Vec::new();
        for (_, _, group) in &mut programs {
            let family = machine::family(group.child().id().context("it has just been started")?)?;
            ids.extend(family.into_iter().filter(|id| on != On::Workerd || is_workerd(*id)));
        }
        Ok(Self { programs, ids })
    }

    /// Where a path is answered.
    pub(super) fn url(&self, path: &str) -> String {
        let found = self.programs.iter().find(|(place, ..)| path.starts_with(place));
        let (_, port, _) = found.expect("somebody answers at every path");
        format!("http://127.0.0.1:{port}{path}")
    }

    /// Bytes that all of it holds.
    pub(super) fn memory(&self) -> Option<u64> {
        machine::resident(&self.ids).ok().map(|kib| kib << 10)
    }
}

/// What wrangler itself holds is not the service's.
fn is_workerd(id: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.trim() == "workerd")
}

async fn start(mut command: Command, port: u16) -> Result<Group> {
    let folder = tools::root().join("target/chaos");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{port}.log"));
    println!("what it writes is in {}", path.display());
    let log = File::create(path)?;
    command.stdout(log.try_clone()?).stderr(log);
    let mut group = Group::spawn(command)?;
    group.ready(port, PATIENCE).await?;
    Ok(group)
}

async fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port())
}

/// Is the native server, until it is ended.
pub(super) async fn serve(port: u16) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "this is the service's own process")]
    let service = Service::from_reader(|name| std::env::var(name).ok());
    let service = service.map_err(|faults| Refused(faults.to_string()))?;
    let platform = Native::with_log(&service.config.deadlines, |event| {
        let line = serde_json::to_string(event).expect("events have string keys and serialize");
        let _ = writeln!(std::io::stderr(), "{line}");
    });
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let public = tools::root().join("public");
    homefire_native::serve(listener, platform, Arc::new(service), public, std::future::pending()).await;
    Ok(())
}
