//! Reads the owner's data, refuses what is wrong with it, and leaves it as JSON for the library.

#[path = "src/site/data.rs"]
pub mod data;
#[path = "src/site/parse.rs"]
pub mod parse;

use std::path::{Path, PathBuf};
use std::process::exit;

fn main() {
    const FILE: &str = "content/site.toml";
    #[expect(clippy::disallowed_methods, reason = "this is how Cargo speaks to a build script")]
    let variable = |name| std::env::var(name).expect("Cargo sets it");
    let path: PathBuf = Path::new(&variable("CARGO_MANIFEST_DIR")).join("../..").join(FILE);
    println!("cargo::rerun-if-changed={}", path.display());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| refuse(FILE, &[error.to_string()]));
    let site = parse::parse(&text).unwrap_or_else(|faults| refuse(FILE, &faults));
    let json = serde_json::to_vec(&site).expect("the owner's data has string keys");
    std::fs::write(Path::new(&variable("OUT_DIR")).join("site.json"), json).expect("OUT_DIR can be written");
}

fn refuse(file: &str, faults: &[String]) -> ! {
    for fault in faults {
        println!("cargo::error={file}: {fault}");
    }
    exit(1)
}
