//! Builds the Cloudflare Worker.

use std::io::Write;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use homefire::process::run;
use homefire::tools::{self, WORKER_BUILD};

use crate::setup;

/// KB of the whole Worker, compressed. What is larger does not pass: every cold start loads and compiles all of it, and
/// what nobody looks at grows.
const LARGEST: usize = 355;

/// What makes it small once it is compressed, which the smallest module is not: functions that are inlined into their
/// only caller lose their likeness to others, and those whose names are alike are alike, and do best side by side.
const SHRINK: [&str; 3] = ["-Oz", "--one-caller-inline-max-function-size=10", "--reorder-functions-by-name"];

/// What wasm-bindgen adds without saying so in the module; the compiler says what else is in it.
const FEATURE: &str = "--enable-exception-handling";

pub(crate) fn build() -> Result<()> {
    setup::worker()?;
    let root = tools::root();
    run(Command::new(tools::cargo_tool("worker-build", "worker-build", WORKER_BUILD)?)
        .args(["--profile", "wasm", "crates/worker"])
        .env(
            "WASM_BINDGEN_BIN",
            tools::cargo_tool("wasm-bindgen-cli", "wasm-bindgen", &tools::wasm_bindgen()?)?,
        )
        .env("ESBUILD_BIN", tools::npm_tool("esbuild"))
        .current_dir(&root))?;
    let built = root.join("crates/worker/build");
    let module = built.join("index_bg.wasm");
    run(Command::new(tools::npm_tool("wasm-opt"))
        .arg(FEATURE)
        .args(SHRINK)
        .arg(&module)
        .arg("-o")
        .arg(&module))?;
    let (mut raw, mut packed) = (0_usize, 0_usize);
    for file in ["index.js", "index_bg.wasm"] {
        let bytes = std::fs::read(built.join(file)).context(file)?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&bytes)?;
        raw += bytes.len();
        packed += gzip.finish()?.len();
    }
    let packed = packed.div_ceil(1000);
    println!("The Worker is {} KB, {packed} KB gzip.", raw.div_ceil(1000));
    ensure!(packed <= LARGEST, "That is more than the {LARGEST} KB gzip that it may be.");
    Ok(())
}
