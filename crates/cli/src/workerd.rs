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
    let program = tools::npm_tool("workerd");
    ensure!(program.exists(), "workerd is not installed: run `cargo homefire setup`");
    let folder = folder.join(port.to_string());
    std::fs::create_dir_all(&folder)?;
    let copy = |from: &Path| {
        let name = from.file_name().context("a script is a file")?;
        std::fs::copy(from, folder.join(name)).with_context(|| from.display().to_string())?;
        Ok::<_, anyhow::Error>(name.to_string_lossy().into_owned())
    };
    let main = copy(&script.main)?;
    let wasm = script.wasm.as_deref().map(copy).transpose()?;
    let path = folder.join("config.capnp");
    std::fs::write(&path, config(port, &main, wasm.as_deref(), variables)?)?;
    let mut command = Command::new(program);
    command.arg("serve").arg(&path).current_dir(&folder);
    Ok(command)
}

const RECORDS: &str = r#"
  durableObjectNamespaces = [(className = "Records", uniqueKey = "records", enableSql = true)],
  durableObjectStorage = (inMemory = void),"#;
const BOUND: &str = r#"
    (name = "RECORDS", durableObjectNamespace = "Records"),"#;

fn config(port: u16, main: &str, wasm: Option<&str>, variables: &[(String, String)]) -> Result<String> {
    let text = std::fs::read_to_string(tools::root().join("wrangler.toml")).context("wrangler.toml")?;
    let wrangler: toml::Table = text.parse().context("wrangler.toml")?;
    let date = wrangler.get("compatibility_date").context("wrangler.toml names no date")?;
    let flags = wrangler.get("compatibility_flags").map_or_else(|| "[]".to_owned(), ToString::to_string);
    let bindings: String = variables
        .iter()
        .map(|(name, value)| Ok(format!("    (name = {name:?}, text = {}),\n", quoted(value)?)))
        .collect::<Result<_>>()?;
    let (module, records, bound) = match wasm {
        Some(name) => (format!(", (name = {name:?}, wasm = embed {name:?})"), RECORDS, BOUND),
        None => (String::new(), "", ""),
    };
    Ok(format!(
        r#"using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    # The nodes of a test are at this machine.
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")],
);

const main :Workerd.Worker = (
  modules = [(name = {main:?}, esModule = embed {main:?}){module}],
  compatibilityDate = {date},
  compatibilityFlags = {flags},{records}
  bindings = [{bound}
{bindings}  ],
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
