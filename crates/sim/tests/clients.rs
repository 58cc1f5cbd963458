//! The official clients of Ollama talk to a simulated node: what they take for Ollama is Ollama enough.

use std::path::{Path, PathBuf};
use std::time::Duration;

use homefire_sim::scenario::MODELS;
use homefire_sim::{Node, Pace, Server};
use tokio::process::Command;
use tokio::time::timeout;

/// Longer than a client may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn javascript() {
    assert!(root().join("tools/node_modules/ollama").exists(), "the ollama package is missing: {SETUP}");
    talk("node".into(), "chat.mjs").await;
}

#[tokio::test]
async fn python() {
    #[expect(clippy::disallowed_methods, reason = "this is the test's own environment, not the service's")]
    let python = std::env::var("HOMEFIRE_PYTHON");
    let python = python.unwrap_or_else(|_| panic!("HOMEFIRE_PYTHON names no interpreter: {SETUP}"));
    assert!(Path::new(&python).exists(), "{python} is missing: {SETUP}");
    talk(python.into(), "chat.py").await;
}

const SETUP: &str = "`cargo homefire setup` installs it, `cargo homefire test` knows where";

async fn talk(program: PathBuf, script: &str) {
    let server = Server::start(Node::new(&MODELS, Pace::QUICK), 0, true).await.expect("a port is free");
    let mut command = Command::new(&program);
    command.arg(root().join("tests/clients").join(script)).arg(server.url());
    command.env_remove("OLLAMA_HOST").env_remove("OLLAMA_API_KEY").env("NO_PROXY", "127.0.0.1");
    let output = timeout(PATIENCE, command.kill_on_drop(true).output()).await;
    let output = output.unwrap_or_else(|_| panic!("{script} did not end within {PATIENCE:?}"));
    let output = output.unwrap_or_else(|error| panic!("{}: {error}; {SETUP}", program.display()));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{script}\n{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(server.node().in_flight(), 0, "nothing is left under way");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
