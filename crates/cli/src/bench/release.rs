//! Programs as they are shipped, built when they are measured.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use homefire::{process, tools};
use serde_json::Value;

/// What was built until now.
static BUILT: Mutex<Vec<([String; 3], PathBuf)>> = Mutex::new(Vec::new());

/// A package's binary, built as `profile` says: once, so that it stays the same while it is measured.
pub(crate) fn build(package: &str, binary: &str, profile: &str) -> Result<PathBuf> {
    let key = [package, binary, profile].map(str::to_owned);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, path)) = built.iter().find(|(known, _)| *known == key) {
        return Ok(path.clone());
    }
    let path = build_now(package, binary, profile)?;
    built.push((key, path.clone()));
    Ok(path)
}

fn build_now(package: &str, binary: &str, profile: &str) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args([
        "build",
        "--profile",
        profile,
        "--package",
        package,
        "--bin",
        binary,
        "--message-format=json-render-diagnostics",
    ]);
    // `cargo run` tells its child what package it is of, and some build scripts would begin anew for that.
    let told = std::env::vars_os().map(|(name, _)| name);
    for name in told.filter(|name| is_of_a_package(&name.to_string_lossy())) {
        cargo.env_remove(name);
    }
    let output = cargo
        .current_dir(tools::root())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo could not be started")?;
    ensure!(output.status.success(), "{binary} could not be built");
    let path = executable(&String::from_utf8_lossy(&output.stdout), binary);
    path.with_context(|| format!("cargo does not say where {binary} is"))
}

/// Runs this command once more, from the release build.
pub(crate) fn again() -> Result<()> {
    let mut again = Command::new(build("homefire", "homefire", "release")?);
    process::run(again.args(std::env::args_os().skip(1)))
}

fn is_of_a_package(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|beginning| variable.starts_with(beginning))
}

/// Where cargo's messages say that a binary is.
fn executable(messages: &str, binary: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut binaries = messages.filter(|message| message["target"]["name"] == binary);
    binaries.find_map(|message| Some(message["executable"].as_str()?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_cargo_builds_is_not_forgotten() {
        assert!(is_of_a_package("CARGO_MANIFEST_DIR") && is_of_a_package("CARGO_PKG_NAME"));
        assert!(!is_of_a_package("CARGO_TARGET_DIR") && !is_of_a_package("CARGO_HOME"));
    }

    #[test]
    fn a_binary_is_found_among_libraries() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"a"},"executable":"/t/a"}
{"reason":"compiler-artifact","target":{"name":"b"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"b"},"executable":"/t/b"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "b"), Some("/t/b".into()));
        assert_eq!(executable(messages, "c"), None);
    }
}
