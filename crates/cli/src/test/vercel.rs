//! What Vercel would make of an upload: the functions that it finds and builds, the files that it publishes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use homefire::process::run;
use homefire::tools;

use crate::setup;

/// Builds a copy, for `vercel build` leaves its output beside the sources.
pub(super) fn build() -> Result<()> {
    setup::upload()?;
    let root = tools::root();
    let copy = root.join("target/vercel");
    let _ = std::fs::remove_dir_all(&copy);
    upload(&root, &copy)?;
    std::fs::create_dir_all(copy.join(".vercel"))?;
    // What `vercel link` writes; with it no account is asked for.
    let project = r#"{"projectId":"local","orgId":"local","settings":{}}"#;
    std::fs::write(copy.join(".vercel/project.json"), project)?;
    let mut command = Command::new(tools::npm_tool("vercel"));
    command.args(["build", "--yes"]).current_dir(&copy);
    // Says that this is Vercel's own machine: then the builder uses the cargo that is here, and no cross compiler.
    command.env("VERCEL_BUILD_IMAGE", "1").env("VERCEL_TELEMETRY_DISABLED", "1");
    command.env("CARGO_TARGET_DIR", root.join("target/vercel-build"));
    run(&mut command)?;
    check(&root, &copy.join(".vercel/output"))
}

/// Copies what `vercel deploy` would send: all that git would check in, less `.vercelignore`.
fn upload(root: &Path, copy: &Path) -> Result<()> {
    let all = git_files(root, &["--exclude-standard"])?;
    let ignored = git_files(root, &["--ignored", "--exclude-from=.vercelignore"])?;
    for name in all.difference(&ignored) {
        let (from, to) = (root.join(name), copy.join(name));
        // Still known to git, and gone.
        if !from.exists() {
            continue;
        }
        std::fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
        std::fs::copy(&from, &to).with_context(|| from.display().to_string())?;
    }
    Ok(())
}

fn git_files(root: &Path, which: &[&str]) -> Result<BTreeSet<String>> {
    let list = ["ls-files", "-z", "--cached", "--others"];
    let output = Command::new("git").args(list).args(which).current_dir(root).output()?;
    ensure!(output.status.success(), "git: {}", String::from_utf8_lossy(&output.stderr).trim());
    let names = String::from_utf8(output.stdout).context("the names of files are UTF-8")?;
    Ok(names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn check(root: &Path, output: &Path) -> Result<()> {
    let functions = output.join("functions");
    let expected: BTreeSet<PathBuf> = files(&root.join("api"), "api")?
        .into_iter()
        .filter(|name| name.extension().is_some_and(|ending| ending == "rs"))
        .map(|name| name.with_extension("func").join(".vc-config.json"))
        .collect();
    ensure!(!expected.is_empty(), "no functions below api/");
    for name in &expected {
        ensure!(functions.join(name).exists(), "the function {} was not built", name.display());
        tell!("function {}", name.parent().unwrap_or(name).display());
    }
    let published = files(&output.join("static"), "")?;
    let meant = files(&root.join("public"), "")?;
    let stray: Vec<_> = published.difference(&meant).collect();
    ensure!(stray.is_empty(), "these would be published, and are not in public/: {stray:?}");
    let missing: Vec<_> = meant.difference(&published).collect();
    ensure!(missing.is_empty(), "these are in public/, and would not be published: {missing:?}");
    tell!("published {} from public/", published.len());
    Ok(())
}

/// Every file below `folder`, as a path below `name`.
fn files(folder: &Path, name: &str) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut open = vec![(folder.to_owned(), PathBuf::from(name))];
    while let Some((folder, name)) = open.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let (path, name) = entry.map(|entry| (entry.path(), name.join(entry.file_name())))?;
            if path.is_dir() {
                open.push((path, name));
            } else {
                found.insert(name);
            }
        }
    }
    Ok(found)
}
