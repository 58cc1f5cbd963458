//! Installs what Cargo alone does not bring. What is there already costs nothing.

mod needed;

use std::ffi::OsStr;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use homefire::process::run;
use homefire::tools::{self, CARGO_FUZZ, OLLAMA_PYPI};
use needed::have;

/// Everything.
pub(crate) fn everything() -> Result<()> {
    let systemd = cfg!(target_os = "linux").then_some(needed::SYSTEMD);
    let all = [needed::RUSTUP, needed::NODE, needed::NPM, needed::COMPILER, needed::PYTHON];
    have(all.into_iter().chain([needed::GIT, needed::REDIS]).chain(systemd))?;
    wasm_target()?;
    wasm_bindgen()?;
    npm()?;
    cargo_fuzz()?;
    python()
}

/// What the Worker is built and run with.
pub(crate) fn worker() -> Result<()> {
    have([needed::RUSTUP, needed::NODE, needed::NPM])?;
    wasm_target()?;
    wasm_bindgen()?;
    npm()
}

/// What the functions are built and run with.
pub(crate) fn vercel() -> Result<()> {
    have([needed::NODE, needed::NPM])?;
    npm()
}

/// The same, and what tells which files are uploaded.
pub(crate) fn upload() -> Result<()> {
    have([needed::NODE, needed::NPM, needed::GIT])?;
    npm()
}

/// What searches for answers that break the drafts.
pub(crate) fn fuzz() -> Result<()> {
    have([needed::COMPILER])?;
    cargo_fuzz()
}

fn wasm_target() -> Result<()> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let installed =
        Command::new("rustup").args(["target", "list", "--installed"]).current_dir(tools::root()).output();
    let installed = installed.context("rustup")?;
    if String::from_utf8_lossy(&installed.stdout).lines().any(|line| line == TARGET) {
        return Ok(());
    }
    tell!("Adding Rust's target {TARGET} …");
    run(Command::new("rustup").args(["target", "add", TARGET]).current_dir(tools::root()))
}

fn wasm_bindgen() -> Result<()> {
    cargo_tool("wasm-bindgen-cli", "wasm-bindgen", &tools::wasm_bindgen()?)
}

fn cargo_fuzz() -> Result<()> {
    cargo_tool("cargo-fuzz", "cargo-fuzz", CARGO_FUZZ)
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
    install(true).or_else(|first| {
        tell!("It could not be installed with its lock file; trying without …");
        install(false).with_context(|| {
            format!("{package} could not be installed with its lock file ({first:#}), nor without")
        })
    })
}

fn npm() -> Result<()> {
    let folder = tools::root().join("tools");
    let lock = std::fs::read(folder.join("package-lock.json")).context("tools/package-lock.json")?;
    once(&folder.join("node_modules/.homefire"), &lock, || {
        tell!("Installing wrangler, vercel and what they need from npm, once: about a minute …");
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder))
    })
}

fn python() -> Result<()> {
    let folder = tools::cache()?.join(format!("python-ollama-{OLLAMA_PYPI}"));
    let (marker, python) = (folder.join(".homefire"), tools::python()?);
    // It is the system's Python behind a link, which may be gone by now, or another version.
    if marker.exists() && !answers(&python, &["-c", "import ollama"]) {
        std::fs::remove_file(&marker).with_context(|| marker.display().to_string())?;
    }
    once(&marker, OLLAMA_PYPI.as_bytes(), || {
        tell!("Installing the ollama package {OLLAMA_PYPI} from PyPI …");
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let package = format!("ollama=={OLLAMA_PYPI}");
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", &package]))
    })
}

/// The proxy that the guard is measured against. It is no part of `everything`: only the bench runs it.
pub(crate) fn nginx() -> Result<&'static str> {
    const ADVICE: &str = "The bench needs nginx: `apt-get install nginx-light`";
    // Where Debian puts it a user's PATH does not lead.
    let find = || ["nginx", "/usr/sbin/nginx"].into_iter().find(|name| answers(name, &["-v"]));
    if let Some(program) = find() {
        return Ok(program);
    }
    debian("nginx-light", ADVICE)?;
    find().context(ADVICE)
}

/// Installs a package, where this is root on a machine with apt-get.
fn debian(package: &str, advice: &'static str) -> Result<()> {
    ensure!(may_install(), advice);
    tell!("Installing {package} with apt-get, once; its service is not started …");
    let _quiet = NoServices::declare(Path::new("/usr/sbin/policy-rc.d"))?;
    let apt = |arguments: &[&str]| {
        run(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive")).context(advice)
    };
    apt(&["update", "-qq"])?;
    apt(&["install", "-y", "-qq", "--no-install-recommends", package])
}

fn may_install() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0") && answers("apt-get", &["--version"])
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

fn answers(program: impl AsRef<OsStr>, question: &[&str]) -> bool {
    Command::new(program).args(question).output().is_ok_and(|output| output.status.success())
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
