//! Builds the Cloudflare Worker.

mod size;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use homefire::process::run;
use homefire::tools;

use crate::setup;
use size::Size;

/// What makes it small once it is compressed, which the smallest module is not: large functions that are inlined into
/// their only caller lose their likeness to others, and those whose names are alike are alike, and do best side by side.
/// The small ones are inlined all the same: a fresh isolate compiles each that is called, and a third of them were
/// hardly more than another call. The lowest KB of the memory is the last of the stack, where no address that is worked out
/// leads. Nobody reads what tools say of themselves.
const SHRINK: [&str; 8] = [
    "-Oz",
    "--converge",
    "--low-memory-unused",
    "--one-caller-inline-max-function-size=40",
    "--always-inline-max-function-size=5",
    "--reorder-functions-by-name",
    "--strip-producers",
    "--strip-target-features",
];

/// What wasm-bindgen adds without saying so in the module; the compiler says what else is in it.
const FEATURE: &str = "--enable-exception-handling";

/// The Worker's code as the compiler leaves it, for wasm-bindgen.
const LIBRARY: &str = "wasm32-unknown-unknown/wasm/homefire_worker.wasm";

/// What calls it.
const ENTRY: &str = "crates/worker/entry.js";

/// The Worker as it is deployed.
pub(crate) fn build() -> Result<()> {
    if let Some(warning) = built()?.warning(&tools::root().join("content"))? {
        tell!("{warning}");
    }
    Ok(())
}

/// The Worker as the project proves it: no larger than it is promised to be.
pub(crate) fn prove() -> Result<()> {
    built()?.hold()
}

/// Builds it, where that is not done already, and tells its size.
fn built() -> Result<Size> {
    setup::worker()?;
    let root = tools::root();
    let built = root.join("crates/worker/build");
    run(Command::new("cargo")
        .args(["build", "--lib", "--package", "homefire-worker"])
        .args(["--profile", "wasm", "--target", "wasm32-unknown-unknown"])
        .args(["--config", &nameless()?])
        .current_dir(&root))?;
    let library = target(&root)?.join(LIBRARY);
    let files = ["index.js", "index_bg.wasm"].map(|file| built.join(file));
    let [script, module] = files.clone();
    let tools = root.join("tools/package-lock.json");
    // Cargo has looked at the sources; the rest takes longer than Cargo does.
    unless_done(
        &built.join(".homefire"),
        &[library.clone(), root.join(ENTRY), tools, script, module],
        || finish(&root, &library, &built),
    )?;
    let size = Size::of(&files)?;
    tell!("The Worker is {size}.");
    Ok(size)
}

/// Does `work` unless each of `files`, of which it makes some, is as it was when this was done last, by the same program.
fn unless_done(marker: &Path, files: &[PathBuf], work: impl FnOnce() -> Result<()>) -> Result<()> {
    let state = || {
        let mut state = DefaultHasher::new();
        include_str!("worker.rs").hash(&mut state);
        files.iter().for_each(|path| std::fs::read(path).ok().hash(&mut state));
        state.finish().to_string()
    };
    if std::fs::read_to_string(marker).is_ok_and(|done| done == state()) {
        return Ok(());
    }
    work()?;
    std::fs::write(marker, state()).with_context(|| marker.display().to_string())
}

fn finish(root: &Path, library: &Path, built: &Path) -> Result<()> {
    // What a panic leaves of an instance is given up; the next call makes another.
    run(Command::new(tools::cargo_tool("wasm-bindgen-cli", "wasm-bindgen", &tools::wasm_bindgen()?)?)
        .arg(library)
        .args(["--target", "module", "--no-typescript", "--no-demangle", "--out-name", "index"])
        .args(["--experimental-reset-state-function", "--force-enable-abort-handler"])
        .arg("--out-dir")
        .arg(built))?;
    bundle(root, built)?;
    let module = built.join("index_bg.wasm");
    run(Command::new(tools::npm_tool("wasm-opt"))
        .arg(FEATURE)
        .args(SHRINK)
        .arg(&module)
        .arg("-o")
        .arg(&module))?;
    number(built)
}

/// A panic tells its place in the sources, and not whose machine they were built on, nor where that got them from.
fn nameless() -> Result<String> {
    // None where everything comes from elsewhere.
    let registries = std::fs::read_dir(tools::cargo_home()?.join("registry/src")).into_iter().flatten();
    let mut remapped: Vec<_> = registries
        .flatten()
        .map(|registry| format!("--remap-path-prefix={}/=", registry.path().display()))
        .collect();
    remapped.sort();
    Ok(format!("target.wasm32-unknown-unknown.rustflags = {remapped:?}"))
}

/// Makes one file of `entry.js` and what wasm-bindgen wrote.
fn bundle(root: &Path, built: &Path) -> Result<()> {
    let (entry, index) = (built.join("entry.js"), built.join("index.js"));
    std::fs::copy(root.join(ENTRY), &entry).context("entry.js")?;
    run(Command::new(tools::npm_tool("esbuild"))
        .args(["entry.js", "--bundle", "--minify", "--format=esm", "--external:./index_bg.wasm"])
        .args(["--outfile=index.js", "--allow-overwrite", "--log-level=warning"])
        .current_dir(built))?;
    std::fs::remove_file(entry)?;
    // A proposal of JavaScript for what workerd does with every import of a module.
    let script = std::fs::read_to_string(&index)?.replace("import source ", "import ");
    Ok(std::fs::write(index, script)?)
}

/// Numbers what wasm-bindgen tells apart by hashes, in both files: nothing compresses a hash, and there are two for each of
/// a hundred functions. A number is as long as the hash was, so that nothing else moves.
fn number(built: &Path) -> Result<()> {
    let paths = ["index.js", "index_bg.wasm"].map(|file| built.join(file));
    let mut script = std::fs::read_to_string(&paths[0]).context("index.js")?;
    let mut module = std::fs::read(&paths[1]).context("index_bg.wasm")?;
    for (nth, hash) in hashes(&script).into_iter().enumerate() {
        let number = format!("{nth:0HASH$}");
        script = script.replace(&hash, &number);
        while let Some(at) = module.windows(HASH).position(|window| window == hash.as_bytes()) {
            module[at..at + HASH].copy_from_slice(number.as_bytes());
        }
    }
    std::fs::write(&paths[0], &script)?;
    Ok(std::fs::write(&paths[1], &module)?)
}

/// Digits of a hash in a name.
const HASH: usize = 16;

/// Those at the end of the names of imports, and those in names of the compiler's.
fn hashes(script: &str) -> BTreeSet<String> {
    let is_hash = |word: &&str| {
        word.len() == HASH && word.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let names = script.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let hash = |name: &str| {
        let import = name.strip_prefix("__wbg_").and_then(|name| name.rsplit('_').next());
        let mangled = name.strip_prefix("_ZN").and_then(|name| name.strip_suffix('E')?.rsplit("17h").next());
        import.or(mangled).filter(is_hash).map(str::to_owned)
    };
    names.filter_map(hash).collect()
}

/// Where Cargo puts what it builds.
fn target(root: &Path) -> Result<PathBuf> {
    let metadata = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).context("cargo metadata")?;
    let folder = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    Ok(folder.into())
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn what_is_done_is_not_done_again() {
        let folder = tempfile::tempdir().unwrap();
        let [marker, source, made] = ["marker", "source", "made"].map(|name| folder.path().join(name));
        let check = |expect: bool| {
            let mut is_done = false;
            let work = || {
                is_done = true;
                Ok(std::fs::write(&made, "made")?)
            };
            unless_done(&marker, &[source.clone(), made.clone()], work).unwrap();
            assert_eq!(is_done, expect);
        };
        std::fs::write(&source, "one").unwrap();
        check(true);
        check(false);
        std::fs::write(&source, "two").unwrap();
        check(true);
        std::fs::write(&made, "by somebody else").unwrap();
        check(true);
        std::fs::remove_file(&made).unwrap();
        check(true);
        check(false);
        std::fs::write(&source, "three").unwrap();
        let half = || {
            std::fs::write(&made, "half of it")?;
            bail!("no more of it")
        };
        unless_done(&marker, &[source.clone(), made.clone()], half).unwrap_err();
        std::fs::write(&source, "two").unwrap();
        check(true);
    }

    #[test]
    fn hashes_of_names() {
        let script = "{__wbg_get_556f1c9a5c587e8c:e=>e,__wbg___wbindgen_is_null:0};\
                      c._ZN2js5Value6invoke17h18d1e1dc8c649040E(r);f(abcdefabcdefabcd)";
        assert_eq!(Vec::from_iter(hashes(script)), ["18d1e1dc8c649040", "556f1c9a5c587e8c"]);
    }
}
