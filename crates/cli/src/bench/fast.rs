//! The fast node as a process of its own, and what it says that it said.

use std::net::SocketAddr;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use homefire::process::Group;
use homefire::tools;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::heard::Heard;
use super::line::Line;
use super::wire::{Answer, Wire};

pub(crate) struct FastNode {
    pub(crate) id: u32,
    pub(crate) address: SocketAddr,
    _group: Group,
}

impl FastNode {
    /// This program once more, as the node.
    pub(crate) async fn start() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "serve"]).stdout(Stdio::piped()).current_dir(tools::root());
        let mut group = Group::spawn(command)?;
        let id = group.child().id().context("the node ended at once")?;
        let output = group.child().stdout.take().context("its output is piped")?;
        let line =
            BufReader::new(output).lines().next_line().await?.context("the node does not say its port")?;
        Ok(Self { id, address: ([127, 0, 0, 1], line.parse()?).into(), _group: group })
    }
}

/// Asks the node itself what it said.
pub(crate) struct Auditor {
    line: Line,
    /// Questions until now; each has its number.
    pub(crate) asked: u64,
}

impl Auditor {
    pub(crate) async fn of(node: &FastNode) -> Result<Self> {
        Ok(Self { line: Line::open(node.address).await?, asked: 0 })
    }

    /// Where the node is asked in one form and the reader answered in another, the text and its end must be the same;
    /// else every byte.
    pub(crate) async fn check(&mut self, heard: &Heard, [node, reader]: [Wire; 2]) -> Result<()> {
        let said = self.line.fetch(&format!("/said/{}", heard.id)).await?;
        let is_same = if node == reader {
            said == heard.bytes
        } else {
            Answer::read(&said, node)? == Answer::read(&heard.bytes, reader)?
        };
        ensure!(is_same, "what arrived of answer {} is not what the node said", heard.id);
        Ok(())
    }
}
