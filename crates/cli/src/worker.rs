//! Builds the Cloudflare Worker.

use std::io::Write;
use std::process::Command;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use homefire::process::run;
use homefire::tools::{self, WORKER_BUILD};

use crate::setup;

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
        .env("WASM_OPT_BIN", tools::npm_tool("wasm-opt"))
        .current_dir(&root))?;
    let (mut raw, mut packed) = (0, 0);
    for file in ["index.js", "index_bg.wasm"] {
        let bytes = std::fs::read(root.join("crates/worker/build").join(file)).context(file)?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&bytes)?;
        raw += bytes.len();
        packed += gzip.finish()?.len();
    }
    println!("The Worker is {} KB, {} KB gzip.", raw.div_ceil(1000), packed.div_ceil(1000));
    Ok(())
}
