//! Reads what the owner edits, refuses what is wrong with it, and leaves it for the library.

#[path = "src/site/data.rs"]
mod data;
#[path = "src/site/parse.rs"]
mod parse;
#[path = "src/site/prompt.rs"]
mod prompt;
#[path = "src/site/source.rs"]
mod source;
#[path = "src/draft/prompt/parse.rs"]
mod template;
#[path = "src/draft/prompt/variables.rs"]
mod variables;

use std::path::{Path, PathBuf};
use std::process::exit;

const SITE: &str = "content/site.toml";
const DRAFT: &str = "content/draft.md";

fn main() {
    let site = parse::parse(&read(SITE)).unwrap_or_else(|faults| refuse(SITE, &faults));
    leave("site.rs", source::source(&site, &prompt(&site)).as_bytes());

    let template = template::parse(&read(DRAFT)).unwrap_or_else(|faults| refuse(DRAFT, &faults));
    leave("template.rs", template.as_bytes());
}

fn prompt(site: &data::Site) -> String {
    let mut prompt = prompt::prompt(site);
    let (length, end) = (prompt.len(), prompt.floor_char_boundary(prompt::LONGEST));
    if end < length {
        println!("cargo::warning={SITE}: the model is told the first {end} of {length} bytes only");
        prompt.truncate(end);
    }
    prompt
}

#[expect(clippy::disallowed_methods, reason = "this is how Cargo speaks to a build script")]
fn variable(name: &str) -> PathBuf {
    std::env::var(name).expect("Cargo sets it").into()
}

fn read(file: &str) -> String {
    let path: PathBuf = variable("CARGO_MANIFEST_DIR").join("../..").join(file);
    println!("cargo::rerun-if-changed={}", path.display());
    std::fs::read_to_string(&path).unwrap_or_else(|error| refuse(file, &[error.to_string()]))
}

fn leave(name: &str, content: &[u8]) {
    std::fs::write(Path::new(&variable("OUT_DIR")).join(name), content).expect("OUT_DIR can be written");
}

fn refuse(file: &str, faults: &[String]) -> ! {
    for fault in faults {
        println!("cargo::error={file}: {fault}");
    }
    exit(1)
}
