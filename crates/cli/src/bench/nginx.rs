//! nginx as the same pass-through: what it is given is sent on as it comes.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};
use homefire::process::Group;
use tokio::process::Command;

use super::machine;

/// Whether it writes a line a request, as it does where nobody says otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Log {
    Off,
    On,
}

/// Starts nginx, listening at `address`; all its files go to `folder`.
pub(crate) async fn start(
    program: &str,
    address: SocketAddr,
    node: SocketAddr,
    connections: usize,
    log: Log,
    folder: &Path,
) -> Result<(Group, Vec<u32>)> {
    fs::create_dir_all(folder)?;
    let path = folder.join("nginx.conf");
    fs::write(&path, config(address, node, connections, log))?;
    let mut command = Command::new(program);
    command.arg("-p").arg(folder).arg("-c").arg(&path).args(["-e", "stderr"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut group = Group::spawn(command)?;
    let master = group.child().id().context("nginx ended at once")?;
    super::listening::until_open(address, &mut group).await?;
    // Its workers are there once it listens and one of them has answered.
    super::line::Line::open(address).await?.touch().await?;
    Ok((group, machine::family(master)?))
}

fn config(address: SocketAddr, node: SocketAddr, connections: usize, log: Log) -> String {
    // A connection that streams has another one to the node.
    let room = (connections * 2 + 64).max(4096);
    let log = match log {
        Log::Off => "off",
        Log::On => "access.log",
    };
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let folders = folders.map(|name| format!("  {name}_temp_path {name};\n")).concat();
    format!(
        "daemon off;
worker_processes 1;
worker_rlimit_nofile {room};
error_log stderr;
pid nginx.pid;
events {{ worker_connections {room}; }}
http {{
  access_log {log};
{folders}  keepalive_timeout 3600s;
  keepalive_requests 1000000000;
  upstream node {{ server {node}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen {address};
    location / {{
      proxy_pass http://node;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_buffering off;
    }}
  }}
}}
"
    )
}
