//! The lanes of each runtime.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use homefire::tools;
use homefire::workerd::{self, Script};
use serde_json::json;
use tokio::process::Command;

use crate::bench::lanes::Lane;
use crate::bench::line::TOKEN;
use crate::bench::listening::free_address;
use crate::bench::wire::{MODEL, Wire};
use crate::bench::{guard, nginx, release};
use crate::edge::{self, On};
use crate::{Refused, setup};

/// A lane, and how the node is asked by it: the reader is always told events.
pub(super) struct Way {
    pub(super) name: &'static str,
    node: Wire,
    program: Program,
}

enum Program {
    /// A Worker of `tests/peers`.
    Script(&'static str),
    /// A program for Node.js of the same folder.
    Node(&'static str),
    Nginx,
    Pass,
    Ours,
    /// Ours, with the guard before the node: it reads the node's lines, and ours takes frames.
    Express,
}

/// The longest answer of ours: what Vercel's functions have to end in.
pub(super) const ANSWER: Duration = Duration::from_secs(270);

const OURS: Way = Way { name: "ours", node: Wire::Lines, program: Program::Ours };
const EXPRESS: Way = Way { name: "express", node: Wire::Lines, program: Program::Express };

const SERVER: &[Way] = &[
    Way { name: "js", node: Wire::Lines, program: Program::Node("serve.mjs") },
    Way { name: "bare", node: Wire::Lines, program: Program::Node("bare.mjs") },
    Way { name: "nginx", node: Wire::Events, program: Program::Nginx },
    Way { name: "pass", node: Wire::Events, program: Program::Pass },
    OURS,
    EXPRESS,
];

const WORKERD: &[Way] = &[
    Way { name: "js", node: Wire::Lines, program: Program::Script("relay.mjs") },
    Way { name: "pass", node: Wire::Events, program: Program::Script("pass.mjs") },
    OURS,
    EXPRESS,
];

/// All of a runtime, or those that are named.
pub(super) fn on(on: On, names: &[String]) -> Result<Vec<&'static Way>> {
    let all = match on {
        On::Native | On::Vercel => SERVER,
        On::Workerd => WORKERD,
    };
    let is_lane = |name: &String| all.iter().any(|way| way.name == name);
    if let Some(name) = names.iter().find(|name| !is_lane(name)) {
        return Err(Refused(format!("{on:?} has no lane {name:?}")).into());
    }
    let is_asked = |way: &&Way| names.is_empty() || names.iter().any(|name| name == way.name);
    Ok(all.iter().filter(is_asked).collect())
}

/// Where all lanes lead, and what they need for it.
pub(super) struct Site<'a> {
    pub(super) on: On,
    pub(super) node: SocketAddr,
    pub(super) streams: usize,
    /// For files that end with the bench.
    pub(super) folder: &'a Path,
}

impl Way {
    /// Starts what stands between, and waits until it serves.
    pub(super) async fn open(&self, site: &Site<'_>) -> Result<Lane> {
        let address = free_address().await?;
        let mut between = Vec::new();
        let mut node = site.node;
        if matches!(self.program, Program::Express) {
            let program = release::build("homefire-node", "homefire-node", "guard")?;
            node = free_address().await?;
            let (guard, _) = guard::start(&program, node, site.node, site.streams, site.folder).await?;
            // It stands at the node's side, and is not what is measured.
            between.push((guard, Vec::new()));
        }
        between.push(match self.command(site, node, address.port())? {
            Some(command) => {
                let mut group = edge::start(command, address.port()).await?;
                let processes = edge::processes(&mut group)?;
                (group, processes)
            }
            None => {
                let (program, log) = (setup::nginx()?, nginx::Log::Off);
                nginx::start(program, address, site.node, site.streams, log, site.folder).await?
            }
        });
        Ok(Lane::new(self.name, address, [self.node, Wire::Events], between))
    }

    /// Whether it did what it is measured for: who counts the requests is what its log tells of it.
    pub(super) fn check(&self, on: On, lane: &Lane) -> Result<()> {
        let counted = match self.program {
            Program::Express => r#""counted":"guard""#,
            Program::Ours if on == On::Workerd => r#""counted":"fleet""#,
            Program::Ours | Program::Script(_) | Program::Node(_) | Program::Nginx | Program::Pass => {
                return Ok(());
            }
        };
        let log = std::fs::read_to_string(edge::log(lane.address.port()))?;
        ensure!(log.contains(counted), "{}: its log never says {counted}", self.name);
        Ok(())
    }

    /// Whoever reads what it relays has answers of its own, too.
    pub(super) fn answers_alone(&self) -> bool {
        self.node == Wire::Lines && !matches!(self.program, Program::Express)
    }

    /// The Worker that it is; none of what is more than that.
    pub(super) fn script(&self) -> Result<Option<Script>> {
        Ok(match self.program {
            Program::Script(file) => Some(Script { main: peer(file), wasm: None }),
            Program::Ours => Some(Script::built()?),
            Program::Node(_) | Program::Nginx | Program::Pass | Program::Express => None,
        })
    }

    /// What it is told.
    pub(super) fn variables(&self, node: SocketAddr) -> Vec<(String, String)> {
        let url = format!("http://{node}");
        match self.program {
            Program::Ours | Program::Express => variables(&url),
            Program::Script(_) | Program::Node(_) | Program::Nginx | Program::Pass => {
                vec![("NODE_URL".to_owned(), url)]
            }
        }
    }

    /// None of nginx, which is started as the other bench does it.
    pub(super) fn command(&self, site: &Site<'_>, node: SocketAddr, port: u16) -> Result<Option<Command>> {
        let told = self.variables(node);
        Ok(Some(match self.program {
            Program::Nginx => return Ok(None),
            Program::Script(file) => {
                let script = Script { main: peer(file), wasm: None };
                workerd::serve(port, &script, &told, site.folder)?
            }
            Program::Node(file) => {
                let mut command = Command::new("node");
                command.arg(peer(file)).arg(port.to_string()).envs(told);
                command
            }
            Program::Pass => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["bench", "pass", "--node", &node.to_string()]);
                match site.on {
                    On::Vercel => command.env(edge::VERCEL_PORT, port.to_string()),
                    On::Native | On::Workerd => command.args(["--port", &port.to_string()]),
                };
                command
            }
            Program::Ours | Program::Express => edge::command(site.on, "terminal", port, &told, site.folder)?,
        }))
    }
}

pub(super) fn peer(file: &str) -> PathBuf {
    tools::root().join("tests/peers").join(file)
}

/// One node, as many readers as there are, and answers as long as they are.
fn variables(node: &str) -> Vec<(String, String)> {
    // Two models, as is usual: which of them is asked depends on how many ask.
    let models = [MODEL, "lighter"];
    let nodes = json!([{"name": MODEL, "url": node, "models": models, "token": TOKEN}]).to_string();
    let variables = [
        ("HOMEFIRE_NODES", &*nodes),
        ("ANSWER_MS", &*ANSWER.as_millis().to_string()),
        ("RATE_LIMIT", "0"),
        ("STREAMS_PER_ADDRESS", "10000"),
        ("MOST_STREAMS", "10000"),
    ];
    variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_named() {
        let check = |on_which: On, names: &[&str], expect: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            let names = on(on_which, &names).map(|ways| ways.iter().map(|way| way.name).collect::<Vec<_>>());
            assert_eq!(names.unwrap_or_default(), expect);
        };
        check(On::Workerd, &[], &["js", "pass", "ours", "express"]);
        check(On::Native, &["ours", "bare"], &["bare", "ours"]);
        check(On::Workerd, &["nginx"], &[]);
    }
}
