//! Everything that proves the project, step by step.

mod vercel;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use homefire::process::run as run_command;
use homefire::tools;

use crate::{Refused, fuzz, setup, worker};

#[derive(Args)]
pub(crate) struct Options {
    /// Run this step alone.
    #[arg(long, value_name = "STEP")]
    only: Option<String>,
    /// Name the steps.
    #[arg(long)]
    list: bool,
}

type Step = (&'static str, &'static str, fn() -> Result<()>);

const STEPS: &[Step] = &[
    ("setup", "what the steps need is installed", setup::everything),
    ("format", "rustfmt has nothing to say", format),
    ("lints", "clippy has nothing to say, natively and on wasm", lints),
    ("worker", "the Worker builds, and is as small as it is promised to be", worker::prove),
    ("tests", "units, properties, official clients, the scenario table in its worlds", tests),
    ("storm", "the Worker in workerd, while its nodes and the mail vanish, for some seconds", storm),
    ("fuzz", "no answer of a model breaks the drafts, for some seconds", fuzz),
    ("wrangler", "what `wrangler deploy` would send", wrangler),
    ("vercel", "what Vercel would build from an upload", vercel::build),
];

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.list {
        STEPS.iter().for_each(|(name, what, _)| tell!("{name:<10}{what}"));
        return Ok(());
    }
    let wanted = |name: &str| options.only.as_deref().is_none_or(|only| only == name);
    let steps: Vec<&Step> = STEPS.iter().filter(|(name, ..)| wanted(name)).collect();
    if steps.is_empty() {
        return Err(Refused("there is no such step; --list names them".to_owned()).into());
    }
    let mut done = Vec::new();
    let mut result = Ok(());
    for (nth, (name, what, step)) in (1..).zip(&steps) {
        tell!("\n=== {nth}/{} {name}: {what}", steps.len());
        let time;
        (result, time) = timed(step);
        let outcome = if result.is_ok() { "ok" } else { "FAILED" };
        tell!("--- {name}: {outcome}, {:.1} s", time.as_secs_f32());
        done.push((name, time, outcome));
        if result.is_err() {
            let alone = format!("the step {name:?} failed (alone: cargo homefire test --only {name})");
            result = result.context(alone);
            break;
        }
    }
    tell!();
    for (name, time, outcome) in &done {
        tell!("{name:<10}{:>7.1} s  {outcome}", time.as_secs_f32());
    }
    for (name, ..) in &steps[done.len()..] {
        tell!("{name:<10}{:>9}  not run", "");
    }
    result
}

fn timed(step: &fn() -> Result<()>) -> (Result<()>, Duration) {
    #[expect(clippy::disallowed_methods, reason = "this tool never runs on wasm")]
    let began = Instant::now();
    (step(), began.elapsed())
}

fn cargo(arguments: &[&str]) -> Result<()> {
    run_command(
        Command::new("cargo")
            .args(arguments)
            .env("HOMEFIRE_PYTHON", tools::python()?)
            .current_dir(tools::root()),
    )
}

fn format() -> Result<()> {
    cargo(&["fmt", "--all", "--check"])
}

fn lints() -> Result<()> {
    setup::worker()?;
    cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    let wasm = ["--package", "homefire-worker", "--target", "wasm32-unknown-unknown"];
    cargo(&[&["clippy", "--quiet"], &wasm[..], &["--", "-D", "warnings"]].concat())
}

fn tests() -> Result<()> {
    setup::everything()?;
    // What workerd runs is what the sources say.
    worker::build()?;
    cargo(&["test", "--workspace"])
}

fn storm() -> Result<()> {
    // The tests may have built this very program anew: then what runs is no file any more.
    let chaos = ["homefire", "chaos", "--on", "workerd", "--keeper", "own", "--slow"];
    cargo(&[&chaos[..], &["--seconds", "15", "--seed", "1"]].concat())
}

fn fuzz() -> Result<()> {
    fuzz::run(&fuzz::Options { seconds: 20 })
}

fn wrangler() -> Result<()> {
    setup::worker()?;
    let folder = tools::root().join("target/wrangler-dry-run");
    // What an earlier run left must not pass for this one's.
    let _ = std::fs::remove_dir_all(&folder);
    let mut command = Command::new(tools::npm_tool("wrangler"));
    command.args(["deploy", "--dry-run", "--outdir"]).arg(&folder);
    command.env("WRANGLER_SEND_METRICS", "false").current_dir(tools::root());
    run_command(&mut command)?;
    let is_wasm = |path: PathBuf| path.extension().is_some_and(|ending| ending == "wasm");
    let found = std::fs::read_dir(&folder)?.flatten().any(|file| is_wasm(file.path()));
    ensure!(found, "no wasm in {}", folder.display());
    Ok(())
}
