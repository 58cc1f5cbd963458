//! workerd with the built Worker, and what it says over a connection.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use homefire::process::Group;
use homefire::workerd::{self, Script};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A Worker that is served, with an object of its own.
pub(crate) struct Served {
    pub(crate) port: u16,
    folder: TempDir,
    workerd: Group,
}

impl Served {
    /// With these variables, as `wrangler.toml` would bind them.
    pub(crate) async fn start(variables: &[(&str, Value)]) -> Result<Self> {
        Self::start_with(variables, |config| config).await
    }

    /// The same, with a configuration that `mend` has made.
    pub(crate) async fn start_with(
        variables: &[(&str, Value)],
        mend: impl FnOnce(String) -> String,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        serve(folder, port, variables, mend).await
    }

    /// The program is killed, and another one served in its place, with what it has left on disk.
    pub(crate) async fn restart(self, variables: &[(&str, Value)]) -> Result<Self> {
        let Self { port, folder, workerd } = self;
        drop(workerd);
        until_listening(port, false).await?;
        serve(folder, port, variables, |config| config).await
    }

    /// What it has written since it was started.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).expect("a log")
    }
}

async fn serve(
    folder: TempDir,
    port: u16,
    variables: &[(&str, Value)],
    mend: impl FnOnce(String) -> String,
) -> Result<Served> {
    let told: Vec<_> = variables.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
    let mut command = workerd::serve(port, &Script::built()?, &told, folder.path())?;
    let config: PathBuf = folder.path().join(format!("{port}/config.capnp"));
    let mut bound = fs::read_to_string(&config)?;
    for (name, _) in variables.iter().filter(|(_, value)| !value.is_string()) {
        let binding = format!("(name = {name:?}, ");
        assert!(bound.contains(&binding), "{bound}");
        bound = bound.replace(&format!("{binding}text"), &format!("{binding}json"));
    }
    fs::write(config, mend(bound))?;
    let log = File::create(folder.path().join("log"))?;
    command.stdout(log.try_clone()?).stderr(log);
    let workerd = Group::spawn(command)?;
    until_listening(port, true).await?;
    Ok(Served { port, folder, workerd })
}

async fn until_listening(port: u16, expect: bool) -> Result<()> {
    let waiting = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_ok() != expect {
            sleep(Duration::from_millis(20)).await;
        }
    };
    Ok(timeout(PATIENCE, waiting).await?)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A question, as it goes over the wire.
pub(crate) fn ask(query: &str) -> String {
    ask_from(None, query)
}

/// One of somebody at `address`, as Cloudflare would tell it.
pub(crate) fn ask_from(address: Option<&str>, query: &str) -> String {
    let body = json!({"query": query}).to_string();
    let length = body.len();
    let head = "POST /api/terminal HTTP/1.1\r\nhost: homefire\r\ncontent-type: application/json\r\nconnection: close";
    let address = address.map(|address| format!("\r\ncf-connecting-ip: {address}")).unwrap_or_default();
    format!("{head}{address}\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// All that is said to these bytes. workerd closes a connection only some seconds later.
pub(crate) async fn hear(port: u16, request: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(request).await?;
    let mut reply = Vec::new();
    while !is_whole(&String::from_utf8_lossy(&reply)) && stream.read_buf(&mut reply).await? > 0 {}
    Ok(String::from_utf8(reply)?)
}

fn is_whole(reply: &str) -> bool {
    let Some((head, body)) = reply.split_once("\r\n\r\n") else { return false };
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    length.map_or(body.ends_with("\r\n0\r\n\r\n"), |length: usize| body.len() >= length)
}
