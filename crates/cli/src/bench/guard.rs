//! The guard as a program in front of the node.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};
use homefire::process::Group;
use tokio::process::Command;

use super::line::TOKEN;
use super::wire::MODEL;

/// Starts the guard `program`, listening at `address`; its control socket goes to `folder`.
pub(crate) async fn start(
    program: &Path,
    address: SocketAddr,
    node: SocketAddr,
    streams: usize,
    folder: &Path,
) -> Result<(Group, Vec<u32>)> {
    let mut command = Command::new(program);
    command.arg("serve").env_clear().stdout(Stdio::null()).stderr(Stdio::null());
    command.env("HOMEFIRE_NODE_LISTEN", address.to_string());
    command.env("HOMEFIRE_NODE_SOCKET", folder.join("control.sock"));
    command.env("OLLAMA_URL", format!("http://{node}")).env("NODE_TOKENS", TOKEN).env("MODELS", MODEL);
    command.env("IN_FLIGHT", streams.to_string());
    let mut group = Group::spawn(command)?;
    let id = group.child().id().context("the guard ended at once")?;
    super::listening::until_open(address, &mut group).await?;
    Ok((group, vec![id]))
}
