//! Installs what Cargo alone does not bring. What is there already costs nothing.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use homefire::process::run;
use homefire::tools::{self, CARGO_FUZZ, OLLAMA_PYPI};

/// Everything.
pub(crate) fn everything() -> Result<()> {
    worker()?;
    fuzz()?;
    python()?;
    redis()?;
    systemd()
}

/// What the Worker is built and run with.
pub(crate) fn worker() -> Result<()> {
    wasm_target()?;
    cargo_tool("wasm-bindgen-cli", "wasm-bindgen", &tools::wasm_bindgen()?)?;
    npm()
}

/// What the functions are built and run with.
pub(crate) fn vercel() -> Result<()> {
    npm()
}

/// What searches for answers that break the drafts.
pub(crate) fn fuzz() -> Result<()> {
    need("c++", "A C++ compiler is needed: `apt-get install g++` or `xcode-select --install`")?;
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
    tell!("Adding Rust's target {TARGET} …");
    run(Command::new("rustup").args(["target", "add", TARGET]).current_dir(tools::root()))
}

fn cargo_tool(package: &str, program: &str, version: &str) -> Result<()> {
    let path = tools::cargo_tool(package, program, version)?;
    if path.exists() {
        return Ok(());
    }
    tell!("Compiling {package} {version}, once: two to five minutes …");
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
        tell!("Its lock file cannot be met here; trying without …");
        install(false)
    })
}

fn npm() -> Result<()> {
    need_node()?;
    need("npm", NODE)?;
    let folder = tools::root().join("tools");
    let lock = std::fs::read(folder.join("package-lock.json")).context("tools/package-lock.json")?;
    once(&folder.join("node_modules/.homefire"), &lock, || {
        tell!("Installing wrangler, vercel and what they need from npm, once: about a minute …");
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder))
    })
}

fn python() -> Result<()> {
    need("python3", "Python 3.8 or newer with venv is needed: https://python.org")?;
    let folder = tools::cache()?.join(format!("python-ollama-{OLLAMA_PYPI}"));
    once(&folder.join(".homefire"), OLLAMA_PYPI.as_bytes(), || {
        tell!("Installing the ollama package {OLLAMA_PYPI} from PyPI …");
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let package = format!("ollama=={OLLAMA_PYPI}");
        run(Command::new(tools::python()?).args(["-m", "pip", "install", "--quiet", &package]))
    })
}

/// The store behind the tests. It is started by them, on a socket of their own, and ended by them.
fn redis() -> Result<()> {
    const ADVICE: &str =
        "The tests need redis-server: `brew install redis` or `apt-get install redis-server`";
    need("redis-server", ADVICE).or_else(|_| debian("redis-server", ADVICE))?;
    need("redis-server", ADVICE)
}

/// What reads the units of `homefire-node install`. Where there is no systemd there are none.
fn systemd() -> Result<()> {
    const ADVICE: &str = "The tests need systemd-analyze: `apt-get install systemd`";
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    need("systemd-analyze", ADVICE).or_else(|_| debian("systemd", ADVICE))?;
    need("systemd-analyze", ADVICE)
}

/// The proxy that the guard is measured against. It is no part of `everything`: only the bench runs it.
pub(crate) fn nginx() -> Result<&'static str> {
    const ADVICE: &str = "The bench needs nginx: `apt-get install nginx-light`";
    // Where Debian puts it a user's PATH does not lead.
    let find = || ["nginx", "/usr/sbin/nginx"].into_iter().find(|name| answers(name, "-v"));
    if let Some(program) = find() {
        return Ok(program);
    }
    debian("nginx-light", ADVICE)?;
    find().context(ADVICE)
}

/// Installs a package, where this is root on a machine with apt-get.
fn debian(package: &str, advice: &'static str) -> Result<()> {
    ensure!(is_root() && need("apt-get", advice).is_ok(), advice);
    tell!("Installing {package} with apt-get, once; its service is not started …");
    let _quiet = NoServices::declare(Path::new("/usr/sbin/policy-rc.d"))?;
    let apt = |arguments: &[&str]| {
        run(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive")).context(advice)
    };
    apt(&["update", "-qq"])?;
    apt(&["install", "-y", "-qq", "--no-install-recommends", package])
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Tells Debian's packages to start no service, for as long as this lives. A policy that is there already stays. One that
/// outlives this process, which may be ended on the way, is no policy, and goes when it is asked first.
struct NoServices<'a>(Option<&'a Path>);

impl<'a> NoServices<'a> {
    fn declare(path: &'a Path) -> Result<Self> {
        if path.exists() {
            return Ok(Self(None));
        }
        let declared = Self(Some(path));
        let policy = format!(
            "#!/bin/sh\nkill -0 {} 2>/dev/null && exit 101\nrm -f \"$0\"\nexit 0\n",
            std::process::id()
        );
        std::fs::write(path, policy).with_context(|| path.display().to_string())?;
        std::fs::set_permissions(path, Permissions::from_mode(0o755))?;
        Ok(declared)
    }
}

impl Drop for NoServices<'_> {
    fn drop(&mut self) {
        if let Some(path) = self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Says `advice` if `program` is not there.
fn need(program: &str, advice: &'static str) -> Result<()> {
    ensure!(answers(program, "--version"), advice);
    Ok(())
}

const NODE: &str = "Node.js 20 or newer with npm is needed: https://nodejs.org";

/// What was installed with it once may outlive it, or go back to an older one.
fn need_node() -> Result<()> {
    let asked = Command::new("node").arg("--version").output().context(NODE)?;
    let version = String::from_utf8_lossy(&asked.stdout);
    ensure!(is_new_enough(&version), "{NODE}; here is {:?}", version.trim());
    Ok(())
}

fn is_new_enough(node: &str) -> bool {
    let major = node.trim().strip_prefix('v').and_then(|version| version.split('.').next());
    major.and_then(|major| major.parse().ok()).is_some_and(|major: u32| major >= 20)
}

fn answers(program: &str, question: &str) -> bool {
    Command::new(program).arg(question).output().is_ok_and(|output| output.status.success())
}

/// Does `work` unless `marker` says that it was done for the same `what`.
fn once(marker: &Path, what: &[u8], work: impl FnOnce() -> Result<()>) -> Result<()> {
    if std::fs::read(marker).is_ok_and(|done| done == what) {
        return Ok(());
    }
    work()?;
    std::fs::write(marker, what).with_context(|| marker.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node() {
        let check = |version: &str, expect| assert_eq!(is_new_enough(version), expect, "{version:?}");
        check("v20.0.0\n", true);
        check("v24.1.2\n", true);
        check("v100.0.0", true);
        check("v18.20.4\n", false);
        check("v9.0.0", false);
        check("", false);
        check("20", false);
    }

    #[test]
    fn services_rest_for_a_while() {
        let path = std::env::temp_dir().join(format!("homefire-policy-{}", std::process::id()));
        let denied = || Command::new(&path).status().unwrap().code() == Some(101);
        let quiet = NoServices::declare(&path).unwrap();
        assert!(denied());
        drop(NoServices::declare(&path).unwrap());
        assert!(denied(), "a policy that was there before stays");
        drop(quiet);
        assert!(!path.exists());
    }
}
