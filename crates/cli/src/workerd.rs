//! A Worker in workerd itself, without the proxies that `wrangler dev` has before it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::tools;

/// A Worker's files.
#[derive(Clone, Debug)]
pub struct Script {
    /// The module that handles requests.
    pub main: PathBuf,
    /// What it imports, as WebAssembly.
    pub wasm: Option<PathBuf>,
}

impl Script {
    /// The Worker as it was built last.
    pub fn built() -> Result<Self> {
        let folder = tools::root().join("crates/worker/build");
        let (main, wasm) = (folder.join("index.js"), folder.join("index_bg.wasm"));
        ensure!(wasm.exists(), "the Worker is not built: run `cargo homefire build worker`");
        Ok(Self { main, wasm: Some(wasm) })
    }
}

/// A command that serves `script` at 127.0.0.1:`port`, configured by `variables`. Its files go to `folder`.
///
/// It has what `wrangler.toml` gives to the Worker, but for static files and Cloudflare's rate limiter, which workerd
/// alone does not have.
pub fn serve(port: u16, script: &Script, variables: &[(String, String)], folder: &Path) -> Result<Command> {
    let folder = folder.join(port.to_string());
    let main = copy(&script.main, &folder)?;
    let wasm = script.wasm.as_deref().map(|wasm| copy(wasm, &folder)).transpose()?;
    command(&config(port, &main, wasm.as_deref(), variables)?, &folder)
}

/// A command that serves `main` likewise, with `LOADER`, by which it starts Workers in isolates of their own.
pub fn loader(port: u16, main: &Path, folder: &Path) -> Result<Command> {
    let folder = folder.join(port.to_string());
    let main = copy(main, &folder)?;
    let bound = [r#"(name = "LOADER", workerLoader = (id = "isolates"))"#.to_owned()];
    let mut command = command(&worker(port, &module(&main), &bound, "")?, &folder)?;
    command.arg("--experimental");
    Ok(command)
}

/// Copies a file, and tells its name.
fn copy(from: &Path, folder: &Path) -> Result<String> {
    std::fs::create_dir_all(folder)?;
    let name = from.file_name().context("a script is a file")?;
    std::fs::copy(from, folder.join(name)).with_context(|| from.display().to_string())?;
    Ok(name.to_string_lossy().into_owned())
}

fn command(config: &str, folder: &Path) -> Result<Command> {
    let program = tools::npm_tool("workerd");
    ensure!(program.exists(), "workerd is not installed: run `cargo homefire setup`");
    std::fs::create_dir_all(folder.join("disk"))?;
    let path = folder.join("config.capnp");
    std::fs::write(&path, config)?;
    let mut command = Command::new(program);
    command.arg("serve").arg(&path).current_dir(folder);
    Ok(command)
}

/// The date and the flags that workerd's ways are fixed by, as `wrangler.toml` names them.
pub fn compatibility() -> Result<(String, Vec<String>)> {
    let text = std::fs::read_to_string(tools::root().join("wrangler.toml")).context("wrangler.toml")?;
    let wrangler: toml::Table = text.parse().context("wrangler.toml")?;
    let date = wrangler.get("compatibility_date").and_then(toml::Value::as_str);
    let flags = wrangler.get("compatibility_flags").and_then(toml::Value::as_array);
    let flags = flags.into_iter().flatten().filter_map(toml::Value::as_str).map(str::to_owned).collect();
    Ok((date.context("wrangler.toml names no date")?.to_owned(), flags))
}

fn config(port: u16, main: &str, wasm: Option<&str>, variables: &[(String, String)]) -> Result<String> {
    let mut bound = Vec::new();
    for (name, value) in variables {
        bound.push(format!("(name = {name:?}, text = {})", quoted(value)?));
    }
    let Some(wasm) = wasm else { return worker(port, &module(main), &bound, "") };
    bound.push(r#"(name = "RECORDS", durableObjectNamespace = "Records")"#.to_owned());
    worker(port, &format!("{}, (name = {wasm:?}, wasm = embed {wasm:?})", module(main)), &bound, RECORDS)
}

const RECORDS: &str = r#"
  durableObjectNamespaces = [(className = "Records", uniqueKey = "records", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),"#;

fn module(main: &str) -> String {
    format!("(name = {main:?}, esModule = embed {main:?})")
}

fn worker(port: u16, modules: &str, bound: &[String], more: &str) -> Result<String> {
    let (date, flags) = compatibility()?;
    let bound: String = bound.iter().map(|binding| format!("    {binding},\n")).collect();
    Ok(format!(
        r#"using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    # The nodes of a test are at this machine.
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
    # workerd keeps no database in memory.
    (name = "disk", disk = (path = "disk", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")],
);

const main :Workerd.Worker = (
  modules = [{modules}],
  compatibilityDate = {date:?},
  compatibilityFlags = {flags:?},{more}
  bindings = [
{bound}  ],
);
"#
    ))
}

/// Cap'n Proto's text reads escapes as C does, JSON's among them but for `\u`.
fn quoted(value: &str) -> Result<String> {
    let quoted = serde_json::to_string(value)?;
    ensure!(!quoted.contains("\\u"), "a variable holds a control character: {quoted}");
    Ok(quoted)
}
