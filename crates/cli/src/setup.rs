//! Installs what Cargo alone does not bring. What is there already costs nothing.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use homefire::process::run;
use homefire::tools::{self, CARGO_FUZZ, OLLAMA_PYPI, WORKER_BUILD};

/// Everything.
pub(crate) fn everything() -> Result<()> {
    worker()?;
    fuzz()?;
    python()
}

/// What the Worker is built and run with.
pub(crate) fn worker() -> Result<()> {
    wasm_target()?;
    cargo_tool("worker-build", "worker-build", WORKER_BUILD)?;
    cargo_tool("wasm-bindgen-cli", "wasm-bindgen", &tools::wasm_bindgen()?)?;
    npm()
}

/// What the functions are built and run with.
pub(crate) fn vercel() -> Result<()> {
    npm()
}

/// What searches for answers that break the drafts.
pub(crate) fn fuzz() -> Result<()> {
    cargo_tool("cargo-fuzz", "cargo-fuzz", CARGO_FUZZ)
}

fn wasm_target() -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let installed =
        Command::new("rustup").args(["target", "list", "--installed"]).current_dir(tools::root()).output();
    let installed = installed.context("rustup is needed: https://rustup.rs")?;
    if String::from_utf8_lossy(&installed.stdout).lines().any(|line| line == TARGET) {
        return Ok(());
    }
    println!("Adding Rust's target {TARGET} …");
    run(Command::new("rustup").args(["target", "add", TARGET]).current_dir(tools::root()))
}

fn cargo_tool(package: &str, program: &str, version: &str) -> Result<()> {
    let path = tools::cargo_tool(package, program, version)?;
    if path.exists() {
        return Ok(());
    }
    println!("Compiling {package} {version}, once: two to five minutes …");
    let install = |locked: bool| {
        let mut cargo = Command::new("cargo");
        cargo.args(["install", package, "--version", version, "--root"]);
        cargo.arg(tools::cache()?.join(format!("{package}-{version}")));
        cargo.env("CARGO_TARGET_DIR", tools::cache()?.join("build"));
        if locked {
            cargo.arg("--locked");
        }
        run(&mut cargo)
    };
    // A registry that lacks one release of a locked dependency may have the next.
    install(true).or_else(|_| {
        println!("Its lock file cannot be met here; trying without …");
        install(false)
    })
}

fn npm() -> Result<()> {
    let folder = tools::root().join("tools");
    let lock = std::fs::read(folder.join("package-lock.json")).context("tools/package-lock.json")?;
    once(&folder.join("node_modules/.homefire"), &lock, || {
        println!("Installing wrangler, vercel and what they need from npm, once: about a minute …");
        need("npm", "Node.js 20 or newer with npm is needed: https://nodejs.org")?;
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder))
    })
}

fn python() -> Result<()> {
    let folder = tools::cache()?.join(format!("python-ollama-{OLLAMA_PYPI}"));
    once(&folder.join(".homefire"), OLLAMA_PYPI.as_bytes(), || {
        println!("Installing the ollama package {OLLAMA_PYPI} from PyPI …");
        need("python3", "Python 3.8 or newer with venv is needed: https://python.org")?;
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let package = format!("ollama=={OLLAMA_PYPI}");
        run(Command::new(tools::python()?).args(["-m", "pip", "install", "--quiet", &package]))
    })
}

/// Says `advice` if `program` is not there.
fn need(program: &str, advice: &'static str) -> Result<()> {
    let version = Command::new(program).arg("--version").output().context(advice)?;
    ensure!(version.status.success(), advice);
    Ok(())
}

/// Does `work` unless `marker` says that it was done for the same `what`.
fn once(marker: &Path, what: &[u8], work: impl FnOnce() -> Result<()>) -> Result<()> {
    if std::fs::read(marker).is_ok_and(|done| done == what) {
        return Ok(());
    }
    work()?;
    std::fs::write(marker, what).with_context(|| marker.display().to_string())
}
