//! The invariants of ARCHITECTURE.md that can be read off the sources.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust file below `folder`, with its code as it runs: tests and comments left out.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder exists") {
            let path: PathBuf = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
                let name = path.strip_prefix(root()).expect("below the root").display().to_string();
                found.push((name, code(&read(&path))));
            }
        }
    }
    assert!(!found.is_empty(), "no sources below {folder}");
    found
}

/// Items that only tests have end where a line has their indent and their last character.
fn code(text: &str) -> String {
    let mut running = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let (indent, item) = line.split_at(line.len() - line.trim_start().len());
        if item == "#[cfg(test)]" {
            let ends = |line: &str| {
                line.strip_prefix(indent)
                    .is_some_and(|rest| !rest.starts_with(' ') && rest.ends_with(['}', ';']))
            };
            lines.by_ref().find(|line| ends(line)).expect("an item ends");
        } else if !item.starts_with("//") {
            running.push(line);
        }
    }
    running.join("\n")
}

#[test]
fn code_behind_a_test_is_code() {
    let check = |text: &str, expect: &str| assert_eq!(code(text), expect, "{text}");
    check("use a;\n#[cfg(test)]\nmod tests;\n\nfn b() {}", "use a;\n\nfn b() {}");
    check("#[cfg(test)]\nmod tests {\n    fn a();\n    fn b() {\n    }\n}\nfn c() {}", "fn c() {}");
    check(
        "impl A {\n    #[cfg(test)]\n    fn a() {\n        b();\n    }\n    // c\n    d;\n}",
        "impl A {\n    d;\n}",
    );
}

fn dependencies(krate: &str) -> Vec<String> {
    let manifest: toml::Table =
        read(&root().join(format!("crates/{krate}/Cargo.toml"))).parse().expect("TOML");
    let table = manifest.get("dependencies").and_then(toml::Value::as_table);
    table.map(|table| table.keys().cloned().collect()).unwrap_or_default()
}

#[test]
fn core_knows_nothing_of_the_world() {
    let banned = [
        "std::net", "std::thread", "std::env", "std::fs", "std::process", "Instant", "SystemTime", "tokio",
        "wasm_bindgen", "js_sys", "cfg(target", "cfg(feature", "cfg!(", "rand::", "println!",
    ];
    for (file, code) in sources("crates/core/src") {
        for word in banned {
            assert!(!code.contains(word), "{file} holds {word:?}");
        }
    }
    let manifest = read(&root().join("crates/core/Cargo.toml"));
    assert!(
        !manifest.contains("[features]") && !manifest.contains("[target"),
        "core has no features, no targets"
    );
    for dependency in dependencies("core") {
        let outside = ["tokio", "reqwest", "hyper", "wasm-bindgen", "js-sys", "web-sys", "worker", "rand"];
        assert!(!outside.contains(&dependency.as_str()), "core depends on {dependency}");
    }
}

#[test]
fn decisions_wait_for_nothing() {
    let sans_io = [
        "ollama.rs",
        "lane.rs",
        "ndjson.rs",
        "sse.rs",
        "relay.rs",
        "seam.rs",
        "seam/overlap.rs",
        "told.rs",
        "roll.rs",
        "breaker.rs",
        "hedge.rs",
        "deadline.rs",
        "load.rs",
        "trail.rs",
        "failure.rs",
        "config.rs",
        "config/nodes.rs",
        "route.rs",
        "error.rs",
        "upstream/failover.rs",
        "upstream/guard.rs",
        "upstream/manner.rs",
        "terminal/ask.rs",
        "draft/accept.rs",
        "draft/contract.rs",
        "draft/extract.rs",
        "draft/fill.rs",
        "draft/growing.rs",
        "draft/mend.rs",
        "draft/placeholder.rs",
        "draft/prompt.rs",
        "draft/request.rs",
        "draft/template.rs",
        "draft/tone.rs",
        "service/bearer.rs",
        "monitor.rs",
        "monitor/state.rs",
        "monitor/diagnosis.rs",
        "monitor/availability.rs",
        "monitor/letter.rs",
        "monitor/report.rs",
        "store/memory.rs",
        "config/monitor.rs",
        "config/activity.rs",
        "config/limits.rs",
        "limits/address.rs",
        "limits/places.rs",
        "limits/window.rs",
        "activity/field.rs",
        "activity/github.rs",
        "activity/gitlab.rs",
        "activity/snapshot.rs",
    ];
    let all = sources("crates/core/src");
    for name in sans_io {
        let (file, code) = all
            .iter()
            .find(|(file, _)| file.ends_with(&format!("src/{name}")))
            .unwrap_or_else(|| panic!("{name} is gone: mend this list"));
        assert!(!code.contains("async") && !code.contains(".await"), "{file} waits");
        for line in code.lines().filter(|line| line.contains("platform::")) {
            let imported = line.trim_start_matches("use crate::platform::").trim_end_matches(';');
            assert!(["Moment", "FetchError"].contains(&imported), "{file}: {line}");
        }
    }
}

#[test]
fn the_guard_decides_without_waiting() {
    let sans_io = [
        "routes.rs", "body.rs", "lane.rs", "refusal.rs", "admission.rs", "wedge.rs", "drain.rs", "config.rs",
        "metrics.rs", "manner.rs",
    ];
    let all = sources("crates/node/src");
    for name in sans_io {
        let (file, code) = all
            .iter()
            .find(|(file, _)| file.ends_with(&format!("node/src/{name}")))
            .unwrap_or_else(|| panic!("{name} is gone: mend this list"));
        assert!(!code.contains("async") && !code.contains(".await"), "{file} waits");
    }
}

#[test]
fn only_routes_and_upstream_name_the_platform() {
    let allowed = [
        "platform.rs", "service.rs", "tagged.rs", "departure.rs", "lease.rs", "limits.rs", "terminal.rs",
        "draft.rs", "compose.rs", "feedback.rs", "health.rs", "probe.rs", "tell.rs", "status.rs",
        "activity.rs", "outlook.rs", "store.rs", "upstash.rs", "upstream.rs", "asking.rs", "attempt.rs",
        "company.rs", "hear.rs", "resume.rs", "speak.rs",
    ];
    for (file, code) in sources("crates/core/src") {
        let name = Path::new(&file).file_name().and_then(|name| name.to_str()).expect("a file's name");
        assert!(allowed.contains(&name) || !code.contains("P: Platform"), "{file} names the platform");
    }
}

#[test]
fn adapters_do_not_know_one_another() {
    let adapters = ["native", "vercel", "worker", "sim", "node"];
    for adapter in adapters {
        for dependency in dependencies(adapter) {
            let Some(other) = dependency.strip_prefix("homefire-") else { continue };
            let allowed = ["core", "log"].contains(&other)
                || [("vercel", "native"), ("node", "install")].contains(&(adapter, other));
            assert!(allowed, "{adapter} depends on {other}");
        }
    }
}
