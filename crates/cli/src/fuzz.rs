//! `homefire fuzz`: whatever a model could say, for a while.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;
use homefire::process::run as run_command;
use homefire::tools::{self, CARGO_FUZZ};
use toml::Table;

use crate::setup;

#[derive(Args)]
pub(crate) struct Options {
    /// For so long. To the fuzzer 0 would mean for ever.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seconds: u32,
}

/// Bytes of an input: longer ones find nothing that these do not, and take their time.
const LONGEST: u32 = 8192;

pub(crate) fn run(options: &Options) -> Result<()> {
    setup::fuzz()?;
    let seeds = tools::root().join("target/fuzz-seeds");
    plant(&seeds)?;
    let mut command = Command::new(tools::cargo_tool("cargo-fuzz", "cargo-fuzz", CARGO_FUZZ)?);
    // Without a sanitizer the stable compiler will do; there is no unsafe code for one to look at.
    command.args(["fuzz", "run", "draft", "--sanitizer", "none", "--target-dir", "target/fuzz"]);
    command.arg("fuzz/corpus/draft").arg(&seeds).arg("--");
    command.args([&format!("-max_total_time={}", options.seconds), &format!("-max_len={LONGEST}")]);
    command.args(["-timeout=10", "-print_final_stats=1", "-verbosity=0"]);
    fs::create_dir_all(tools::root().join("fuzz/corpus/draft"))?;
    run_command(command.current_dir(tools::root()))
}

/// Every answer of the corpus in a file of its own, as the fuzzer wants them.
fn plant(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut planted = 0;
    for file in fs::read_dir(tools::root().join("crates/core/corpus"))?.flatten() {
        let path = file.path();
        let kind: Table = fs::read_to_string(&path)?.parse().with_context(|| path.display().to_string())?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for case in kind.get("case").and_then(toml::Value::as_array).into_iter().flatten() {
            let text = |name: &str| case.get(name).and_then(toml::Value::as_str).unwrap_or_default();
            fs::write(folder.join(format!("{stem}-{}", text("name"))), text("input"))?;
            planted += 1;
        }
    }
    ensure!(planted > 0, "the corpus is empty");
    tell!("{planted} seeds from the corpus");
    Ok(())
}
