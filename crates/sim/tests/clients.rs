//! The official clients talk to what is simulated: what they take for Ollama, for Upstash and for Resend is enough of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use homefire_sim::mail::Mailroom;
use homefire_sim::redis::{Redis, Upstash};
use homefire_sim::scenario::MODELS;
use homefire_sim::{Node, Pace, Server};
use tokio::process::Command;
use tokio::time::timeout;

/// Longer than a client may take.
const PATIENCE: Duration = Duration::from_secs(60);

const KEY: &str = "a-key-of-nothing";

#[tokio::test]
async fn ollama_javascript() {
    ollama(javascript("ollama"), "chat.mjs").await;
}

#[tokio::test]
async fn ollama_python() {
    #[expect(clippy::disallowed_methods, reason = "this is the test's own environment, not the service's")]
    let python = std::env::var("HOMEFIRE_PYTHON");
    let python = python.unwrap_or_else(|_| panic!("HOMEFIRE_PYTHON names no interpreter: {SETUP}"));
    assert!(Path::new(&python).exists(), "{python} is missing: {SETUP}");
    ollama(python.into(), "chat.py").await;
}

#[tokio::test]
async fn upstash_javascript() {
    let redis = Redis::start().await.unwrap_or_else(|error| panic!("{error}"));
    let server = Server::open(Upstash::new(redis, KEY), 0, true).await.expect("a port is free");
    run(javascript("@upstash/redis"), "redis.mjs", &[&server.url(), KEY]).await;
}

#[tokio::test]
async fn resend_javascript() {
    let room = Mailroom::new(KEY, 20);
    let server = Server::open(room.clone(), 0, true).await.expect("a port is free");
    run(javascript("resend"), "mail.mjs", &[&server.url(), KEY]).await;
    let mails = room.mails();
    let keyed: Vec<_> = mails.iter().filter(|mail| mail.key.as_deref() == Some("mini/1/down")).collect();
    assert_eq!(keyed.len(), 1, "{mails:#?}");
    assert_eq!((&*keyed[0].subject, keyed[0].text.as_deref()), ("mini is down", Some("since 12:00")));
    assert_eq!(mails[1].to, ["a@example.com", "B <b@example.com>"]);
}

const SETUP: &str = "`cargo homefire setup` installs it, `cargo homefire test` knows where";

fn javascript(package: &str) -> PathBuf {
    let folder = root().join("tools/node_modules").join(package);
    assert!(folder.exists(), "the {package} package is missing: {SETUP}");
    "node".into()
}

async fn ollama(program: PathBuf, script: &str) {
    let server = Server::start(Node::new(&MODELS, Pace::QUICK), 0, true).await.expect("a port is free");
    run(program, script, &[&server.url()]).await;
    assert_eq!(server.node().in_flight(), 0, "nothing is left under way");
}

async fn run(program: PathBuf, script: &str, arguments: &[&str]) {
    let mut command = Command::new(&program);
    command.arg(root().join("tests/clients").join(script)).args(arguments);
    command.env_remove("OLLAMA_HOST").env_remove("OLLAMA_API_KEY").env("NO_PROXY", "127.0.0.1");
    let output = timeout(PATIENCE, command.kill_on_drop(true).output()).await;
    let output = output.unwrap_or_else(|_| panic!("{script} did not end within {PATIENCE:?}"));
    let output = output.unwrap_or_else(|error| panic!("{}: {error}; {SETUP}", program.display()));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{script}\n{}{}", text(&output.stdout), text(&output.stderr));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
