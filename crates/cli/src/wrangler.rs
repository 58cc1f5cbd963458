//! The built Worker in `wrangler dev`.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result, ensure};
use tempfile::Builder;
use tokio::process::Command;

use crate::process::Program;
use crate::tools;

/// A program that serves the built Worker at 127.0.0.1:`port`, configured by `variables`. All its files are in its folder,
/// and with them what a Durable Object keeps.
///
/// The configuration is the repository's `wrangler.toml`, but for the build, which is done, and what is asked for here.
pub fn dev(port: u16, inspector: u16, variables: &[(String, String)]) -> Result<Program> {
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
    // The owner's secrets are among the variables.
    let folder = Builder::new().permissions(Permissions::from_mode(0o700)).tempdir()?;
    let path = folder.path().join("wrangler.toml");
    std::fs::write(&path, config.to_string())?;

    let mut command = Command::new(wrangler);
    command
        .arg("dev")
        .arg("--config")
        .arg(&path)
        .args(["--ip", "127.0.0.1", "--port", &port.to_string(), "--inspector-port", &inspector.to_string()])
        // The cron trigger answers at /__scheduled.
        .arg("--test-scheduled")
        .arg("--persist-to")
        .arg(folder.path().join("state"))
        .args(["--show-interactive-dev-session=false", "--log-level", "log"])
        .env("WRANGLER_SEND_METRICS", "false")
        .env("NO_UPDATE_NOTIFIER", "1")
        // What it lists of the variables is known by its words, which colours would stand between.
        .env("FORCE_COLOR", "0")
        .env("NO_COLOR", "1")
        // Its log has the beginnings of the variables' values.
        .env("WRANGLER_LOG_PATH", folder.path().join("logs"))
        .env("WRANGLER_REGISTRY_PATH", folder.path().join("registry"))
        .env("TMPDIR", folder.path())
        .current_dir(folder.path());
    Ok(Program { command, folder: Some(folder) })
}
