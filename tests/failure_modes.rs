//! `docs/failure-modes.md` names what proves it, and each name is a row or a test.

use std::fs;
use std::path::{Path, PathBuf};

use homefire_sim::scenario;

/// What is said of each failure.
const PARTS: [&str; 3] = ["- **Reader:**", "- **Owner:**", "- **Proven by:**"];

/// A file's path, without its ending, and its text.
type Source = (PathBuf, String);

#[test]
fn each_failure_is_proven_or_says_that_it_is_not() {
    let page = read(&root().join("docs/failure-modes.md"));
    let sources = sources();
    let stories = read(&root().join("tests/worlds/mod.rs"));
    let mut failures = 0;
    for failure in page.split("\n### ").skip(1) {
        failures += 1;
        let title = failure.lines().next().unwrap_or_default();
        let places = PARTS.map(|part| failure.find(part).unwrap_or_else(|| panic!("{title}: no {part:?}")));
        assert!(places.is_sorted(), "{title}: not in the order of {PARTS:?}");
        let proof = &failure[places[2]..];
        let names: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty() || proof.contains("no test:"), "{title}: not proven");
        for name in names {
            assert!(
                is_row(name) || is_story(&stories, name) || is_test(&sources, name),
                "{title}: {name} is gone"
            );
        }
    }
    assert!(failures > 0, "no failures");
}

#[test]
fn a_name_that_nobody_bears_is_seen() {
    let sources = sources();
    assert!(is_test(&sources, "failure_modes::a_name_that_nobody_bears_is_seen"));
    // No test, though a function; a test of another module; nothing.
    for name in ["is_test", "breaker::letters", "nobody_bears_it"] {
        assert!(!is_row(name) && !is_test(&sources, name), "{name}");
    }
}

fn is_row(name: &str) -> bool {
    scenario::all().chain(scenario::guarded()).any(|row| row.name == name)
}

/// `monitor/world_store`, as the trials are named.
fn is_story(stories: &str, name: &str) -> bool {
    let Some((world, store)) = name.strip_prefix("monitor/").and_then(|story| story.split_once('_')) else {
        return false;
    };
    stories.contains(&format!("(\"{world}\", \"{store}\")"))
}

/// A test's function, in a file on whose path all modules before it are.
fn is_test(sources: &[Source], name: &str) -> bool {
    let mut modules: Vec<&str> = name.split("::").collect();
    let name = modules.pop().unwrap_or_default();
    let is_on = |path: &Path, module: &str| path.iter().any(|part| part == module);
    let mut sources = sources.iter().filter(|(path, _)| modules.iter().all(|module| is_on(path, module)));
    sources.any(|(_, text)| holds_test(text, name))
}

fn holds_test(text: &str, name: &str) -> bool {
    let function = format!("fn {name}(");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let bears_it = |line: &str| line.starts_with(&function) || line.starts_with(&format!("async {function}"));
    let is_marked = lines.iter().enumerate().any(|(at, line)| {
        let mut marks = lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
        bears_it(line) && marks.any(|mark| mark.starts_with("#[test]") || mark.starts_with("#[tokio::test"))
    });
    is_marked || text.contains(&format!("trial(\"{name}\", {name}("))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("crates"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder exists") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = read(&path);
                let name = path.strip_prefix(root()).expect("below the root").with_extension("");
                found.push((name, text));
            }
        }
    }
    found
}
