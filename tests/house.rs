//! The invariants of ARCHITECTURE.md that can be read off the sources.

use std::collections::BTreeSet;
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

fn manifest(path: &str) -> toml::Table {
    read(&root().join(path)).parse().expect("TOML")
}

fn dependencies(krate: &str) -> Vec<String> {
    let workspace = manifest("Cargo.toml");
    let shared = workspace["workspace"]["dependencies"].as_table().expect("what the crates share");
    packages(&manifest(&format!("crates/{krate}/Cargo.toml")), shared)
}

/// What a crate depends on, on one target or on all, by the name that it was published with.
fn packages(manifest: &toml::Table, shared: &toml::Table) -> Vec<String> {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let targets = targets.into_iter().flat_map(toml::Table::values).filter_map(toml::Value::as_table);
    let tables = targets.chain([manifest]).filter_map(|part| part.get("dependencies")?.as_table());
    let package = |entry: &toml::Value| entry.get("package")?.as_str().map(str::to_owned);
    let of_shared = |name: &String| shared.get(name).and_then(package);
    let named = |(name, entry)| package(entry).or_else(|| of_shared(name)).unwrap_or_else(|| name.clone());
    tables.flatten().map(named).collect()
}

#[test]
fn a_dependency_is_known_by_any_name() {
    let shared: toml::Table = "beat = { package = \"tokio\" }\nbytes = \"1\"".parse().expect("TOML");
    let check = |manifest: &str, expect: &str| {
        assert_eq!(packages(&manifest.parse().expect("TOML"), &shared), [expect], "{manifest}");
    };
    check("dependencies.bytes.workspace = true", "bytes");
    check("dependencies.clock = { package = \"tokio\", version = \"1\" }", "tokio");
    check("dependencies.beat.workspace = true", "tokio");
    check("target.'cfg(unix)'.dependencies.tokio = \"1\"", "tokio");
    check("dev-dependencies.tokio = \"1\"\ndependencies.bytes = \"1\"", "bytes");
}

/// What is of the world, of one target or of one feature.
fn worldly(code: &str) -> Option<&'static str> {
    let banned = [
        "std::net", "std::thread", "std::env", "std::fs", "std::process", "std::{", "Instant", "SystemTime",
        "tokio", "wasm_bindgen", "js_sys", "cfg(", "cfg_attr(", "cfg!(", "rand::", "println!",
    ];
    banned.into_iter().find(|word| code.contains(word))
}

#[test]
fn core_knows_nothing_of_the_world() {
    for (file, code) in sources("crates/core/src") {
        assert_eq!(worldly(&code), None, "{file}");
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
fn the_world_is_known_however_it_is_written() {
    let check = |text: &str, expect: Option<&str>| assert_eq!(worldly(&code(text)), expect, "{text}");
    check("#[cfg(target_arch = \"wasm32\")]\nuse a;", Some("cfg("));
    check("#[cfg(not(target_arch = \"wasm32\"))]\nuse a;", Some("cfg("));
    check("#[cfg(all(test, feature = \"a\"))]\nuse a;", Some("cfg("));
    check("#[cfg_attr(target_os = \"linux\", a)]\nuse b;", Some("cfg_attr("));
    check("#[cfg(test)]\nuse a;\nuse b;", None);
    check("use std::{fs, net};", Some("std::{"));
    check("use std::time::{Duration, Instant};", Some("Instant"));
    check("use std::time::Duration;", None);
}

/// Routes, the front door and drivers: they name the platform, and wait for it.
const DRIVERS: [&str; 25] = [
    "activity.rs", "departure.rs", "draft.rs", "draft/compose.rs", "feedback.rs", "health.rs",
    "health/probe.rs", "health/tell.rs", "lease.rs", "limits.rs", "outlook.rs", "platform.rs", "service.rs",
    "service/tagged.rs", "status.rs", "store.rs", "store/upstash.rs", "terminal.rs", "upstream.rs",
    "upstream/asking.rs", "upstream/attempt.rs", "upstream/company.rs", "upstream/hear.rs",
    "upstream/resume.rs", "upstream/speak.rs",
];

/// They wait for a reader, and know no platform.
const STREAMS: [&str; 2] = ["draft/audience.rs", "events.rs"];

#[test]
fn only_drivers_wait_and_name_the_platform() {
    let mut listed: BTreeSet<&str> = DRIVERS.into_iter().chain(STREAMS).collect();
    for (file, code) in sources("crates/core/src") {
        let name = file.strip_prefix("crates/core/src/").expect("below the folder");
        let (waits, is_driver) = (waits(&code), DRIVERS.contains(&name));
        assert_eq!(code.contains("Platform"), is_driver, "{file}: is it a driver?");
        assert_eq!(waits, listed.remove(name), "{file}: does it wait?");
        for line in code.lines().filter(|line| line.contains("platform::") && !is_driver) {
            let imported = line.trim_start_matches("use crate::platform::").trim_end_matches(';');
            assert!(["Moment", "FetchError"].contains(&imported), "{file}: {line}");
        }
    }
    assert!(listed.is_empty(), "{listed:?} are gone: mend these lists");
}

fn waits(code: &str) -> bool {
    ["async", ".await", "Future"].iter().any(|word| code.contains(word))
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
        assert!(!waits(code), "{file} waits");
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
