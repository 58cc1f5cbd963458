//! The built Worker in `wrangler dev`.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::tools;

/// A command that serves the built Worker at 127.0.0.1:`port`, configured by `variables`. Its files go to `folder`.
///
/// The configuration is the repository's `wrangler.toml`, but for the build, which is done, and what is asked for here.
pub fn dev(port: u16, inspector: u16, variables: &[(String, String)], folder: &Path) -> Result<Command> {
    let root = tools::root();
    let text = std::fs::read_to_string(root.join("wrangler.toml")).context("wrangler.toml")?;
    let mut config: toml::Table = text.parse().context("wrangler.toml")?;
    let main = root.join("crates/worker/build/index.js");
    ensure!(main.exists(), "the Worker is not built: run `cargo homefire build worker`");
    let wrangler = tools::npm_tool("wrangler");
    ensure!(wrangler.exists(), "wrangler is not installed: run `cargo homefire setup`");

    config.remove("build");
    config.insert("main".to_owned(), main.display().to_string().into());
    if let Some(assets) = config.get_mut("assets").and_then(toml::Value::as_table_mut) {
        assets.insert("directory".to_owned(), root.join("public").display().to_string().into());
    }
    let variables = variables.iter().map(|(name, value)| (name.clone(), value.clone().into()));
    config.insert("vars".to_owned(), toml::Value::Table(variables.collect()));
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("wrangler-{port}.toml"));
    // The owner's secrets are among the variables.
    let _ = std::fs::remove_file(&path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(config.to_string().as_bytes())?;

    // What a Durable Object keeps is one run's alone.
    let state = folder.join(format!("state-{port}"));
    let _ = std::fs::remove_dir_all(&state);

    let mut command = Command::new(wrangler);
    command
        .arg("dev")
        .arg("--config")
        .arg(&path)
        .args(["--ip", "127.0.0.1", "--port", &port.to_string(), "--inspector-port", &inspector.to_string()])
        // The cron trigger answers at /__scheduled.
        .arg("--test-scheduled")
        .arg("--persist-to")
        .arg(&state)
        .args(["--show-interactive-dev-session=false", "--log-level", "log"])
        .env("WRANGLER_SEND_METRICS", "false")
        .env("NO_UPDATE_NOTIFIER", "1")
        .current_dir(folder);
    Ok(command)
}
