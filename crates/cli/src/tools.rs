//! Where the tools are that are not Cargo's, and which versions are used.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Drives libFuzzer.
pub const CARGO_FUZZ: &str = "0.13.2";

/// The official client from PyPI that the simulator is held against.
pub const OLLAMA_PYPI: &str = "0.6.3";

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the repository is where it was built")
}

/// Where Cargo keeps what it fetched.
pub fn cargo_home() -> Result<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "this is the tool's own environment, not the service's")]
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let home = variable("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&variable("HOME")?).join(".cargo")));
    home.context("neither CARGO_HOME nor HOME is set")
}

/// Tools that are compiled once, outside the tree: `$CARGO_HOME/homefire`.
pub fn cache() -> Result<PathBuf> {
    Ok(cargo_home()?.join("homefire"))
}

/// A program of `cargo install`, at its version.
pub fn cargo_tool(package: &str, program: &str, version: &str) -> Result<PathBuf> {
    Ok(cache()?.join(format!("{package}-{version}")).join("bin").join(program))
}

/// A program that npm brought.
pub fn npm_tool(program: &str) -> PathBuf {
    root().join("tools/node_modules/.bin").join(program)
}

/// Python with the official client.
pub fn python() -> Result<PathBuf> {
    Ok(cache()?.join(format!("python-ollama-{OLLAMA_PYPI}")).join("bin/python"))
}

/// The version of wasm-bindgen that the Worker is linked with: the tool's must be the same.
pub fn wasm_bindgen() -> Result<String> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).context("Cargo.lock")?;
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"wasm-bindgen\"");
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    Ok(version.context("Cargo.lock does not name wasm-bindgen")?.to_owned())
}
