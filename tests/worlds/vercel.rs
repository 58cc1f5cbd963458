//! The very binary that Vercel would start.

use std::time::Duration;

use tokio::process::Command;

use super::socket::{SocketWorld, free_port, nodes};

pub(crate) async fn start() -> Result<SocketWorld, String> {
    let (nodes, variables) = nodes().await?;
    let port = free_port().await?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_terminal"));
    command.env("VERCEL_DEV_PORT", port.to_string()).envs(variables);
    SocketWorld::spawn(command, port, nodes, Duration::from_secs(20)).await
}
