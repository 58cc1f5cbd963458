//! The lanes of each runtime.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Result;
use homefire::tools;
use homefire::workerd::{self, Script};
use serde_json::json;
use tokio::process::Command;

use crate::bench::lanes::{Between, Lane};
use crate::bench::nginx;
use crate::bench::wire::{MODEL, Wire};
use crate::edge::{self, On};
use crate::setup;

/// A lane, and how the node is asked by it: the reader is always told events.
pub(super) struct Way {
    pub(super) name: &'static str,
    node: Wire,
    program: Program,
}

enum Program {
    /// A Worker of `tests/peers`.
    Script(&'static str),
    /// The same folder's programs for Node.js.
    Node(&'static str),
    Nginx,
    Ours,
}

const JS: &str = "js";
const OURS: Way = Way { name: "ours", node: Wire::Lines, program: Program::Ours };
const NGINX: Way = Way { name: "nginx", node: Wire::Events, program: Program::Nginx };
const SERVER: &[Way] = &[
    Way { name: JS, node: Wire::Lines, program: Program::Node("serve.mjs") },
    Way { name: "bare", node: Wire::Lines, program: Program::Node("bare.mjs") },
    NGINX,
    OURS,
];
const WORKERD: &[Way] = &[
    Way { name: JS, node: Wire::Lines, program: Program::Script("relay.mjs") },
    Way { name: "pass", node: Wire::Events, program: Program::Script("pass.mjs") },
    OURS,
];

pub(super) fn on(on: On) -> &'static [Way] {
    match on {
        On::Native | On::Vercel => SERVER,
        On::Workerd => WORKERD,
    }
}

impl Way {
    pub(super) async fn open(&self, on: On, node: SocketAddr, streams: usize, folder: &Path) -> Result<Lane> {
        let port = edge::free_port().await?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let url = format!("http://{node}");
        let told = [("NODE_URL".to_owned(), url.clone())];
        let command = match self.program {
            Program::Nginx => {
                let nginx = nginx::start(setup::nginx()?, address, node, streams, folder).await?;
                return Ok(self.lane(address, nginx));
            }
            Program::Script(file) => {
                let script = Script { main: peer(file), wasm: None };
                workerd::serve(port, &script, &told, &edge::workerd_folder())?
            }
            Program::Node(file) => {
                let mut command = Command::new("node");
                command.arg(peer(file)).arg(port.to_string()).envs(told);
                command
            }
            Program::Ours => edge::command(on, "terminal", port, &variables(&url))?,
        };
        let mut group = edge::start(command, port).await?;
        let processes = edge::processes(&mut group)?;
        Ok(self.lane(address, (group, processes)))
    }

    fn lane(&self, address: SocketAddr, between: Between) -> Lane {
        Lane::new(self.name, address, [self.node, Wire::Events], Some(between))
    }
}

fn peer(file: &str) -> PathBuf {
    tools::root().join("tests/peers").join(file)
}

/// One node, as many readers as there are, and answers as long as they are.
fn variables(node: &str) -> Vec<(String, String)> {
    let nodes = json!([{"name": MODEL, "url": node, "models": [MODEL]}]).to_string();
    let variables = [
        ("HOMEFIRE_NODES", &*nodes),
        ("ANSWER_MS", "600000"),
        ("RATE_LIMIT", "0"),
        ("STREAMS_PER_ADDRESS", "10000"),
        ("MOST_STREAMS", "10000"),
    ];
    variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
