//! What the platforms are told in `wrangler.toml` and `vercel.json` agrees with what the code takes for granted.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use homefire_core::config::Config;
use homefire_core::limits::WINDOW;
use homefire_core::route::{self, Route};
use http::Method;
use http::header::AUTHORIZATION;

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect(file)
}

fn wrangler() -> toml::Table {
    read("wrangler.toml").parse().expect("TOML")
}

fn defaults() -> Config {
    let node = |name: &str| (name == "OLLAMA_PRIMARY_URL").then(|| "http://127.0.0.1:1".to_owned());
    Config::from_reader(node).expect("one node is enough")
}

/// The constant `BINDING` of a module of the Worker.
fn binding(module: &str) -> String {
    let source = read(&format!("crates/worker/src/{module}"));
    let (_, constant) = source.split_once("const BINDING: &str = \"").expect("a binding");
    constant.split('"').next().unwrap_or_default().to_owned()
}

#[test]
fn rounds_are_called_for_as_often_as_the_monitor_expects() {
    let crons = wrangler()["triggers"]["crons"].clone().try_into::<Vec<String>>().expect("a list");
    let [cron] = &*crons else { panic!("one trigger: {crons:?}") };
    let minutes = cron.strip_prefix("*/").and_then(|rest| rest.strip_suffix(" * * * *")).expect("minutes");
    let period = Duration::from_mins(minutes.parse().expect("a number"));
    assert_eq!(period, defaults().monitor.period);
}

#[test]
fn vercel_calls_what_there_is() {
    let vercel: serde_json::Value = serde_json::from_str(&read("vercel.json")).expect("JSON");
    let crons = vercel["crons"].as_array().expect("a list");
    let paths: Vec<_> = crons.iter().filter_map(|cron| cron["path"].as_str()).collect();
    assert_eq!(paths, ["/api/cron/health"]);
    assert_eq!(route::find(&Method::GET, paths[0]).ok(), Some(Route::Health));
    let functions = vercel["functions"].as_object().expect("a table");
    for (file, told) in functions {
        let path = file.strip_suffix(".rs").expect("a Rust function");
        assert!(route::at(&format!("/{path}")).is_ok(), "{path} is routed");
        assert!(told["maxDuration"].is_u64(), "{file} has its time");
    }
    let manifest: toml::Table = read("Cargo.toml").parse().expect("TOML");
    let programs = manifest["bin"].as_array().expect("a list").iter();
    let programs: BTreeSet<_> = programs.filter_map(|program| program["path"].as_str()).collect();
    let files = below("api");
    let files: BTreeSet<_> = files.iter().map(String::as_str).filter(|file| file.ends_with(".rs")).collect();
    assert_eq!(files, functions.keys().map(String::as_str).collect(), "what is there, and what has its time");
    assert_eq!(files, programs, "what is there, and what is built");
}

/// Every file below `folder`, as a path from the root.
fn below(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect(folder);
    let entries = entries.map(|entry| entry.expect("the folder can be read"));
    let found = entries.flat_map(|entry| {
        let name = format!("{folder}/{}", entry.file_name().display());
        if entry.path().is_dir() { below(&name) } else { [name].into() }
    });
    found.collect()
}

/// A node that was installed answers nobody without a token, and each has its own.
#[test]
fn the_list_of_nodes_is_understood_and_opens_their_doors() {
    let page = read("deploy/README.md");
    let (_, list) = page.split_once("```json\n").expect("a list");
    let list = list.split("\n```").next().expect("its end");
    assert_eq!(list.lines().count(), 1, ".env takes one line");
    let config = Config::from_reader(|name| (name == "HOMEFIRE_NODES").then(|| list.to_owned()));
    let nodes = config.expect("the list is understood").nodes;
    let tokens: Vec<_> = nodes.iter().filter_map(|node| node.credentials.get(AUTHORIZATION)).collect();
    assert!(nodes.len() == 2 && tokens.len() == 2 && tokens[0] != tokens[1], "{list}");
}

#[test]
fn cloudflare_counts_as_the_code_does() {
    let wrangler = wrangler();
    let limiter = &wrangler["ratelimits"][0];
    assert_eq!(limiter["name"].as_str(), Some(&*binding("limiter.rs")));
    let figure =
        |name: &str| limiter["simple"][name].as_integer().and_then(|figure| u64::try_from(figure).ok());
    assert_eq!(figure("limit"), u64::try_from(defaults().limits.rate).ok());
    assert_eq!(figure("period"), Some(WINDOW.as_secs()));
}

/// A line of its own kind for each request would hold the reader's address.
#[test]
fn cloudflare_logs_what_the_code_logs_and_nothing_else() {
    let logs = &wrangler()["observability"]["logs"];
    let is = |name: &str| logs[name].as_bool();
    assert_eq!((is("enabled"), is("invocation_logs")), (Some(true), Some(false)));
}

#[test]
fn the_object_is_bound_and_has_a_database() {
    let wrangler = wrangler();
    let object = &wrangler["durable_objects"]["bindings"][0];
    assert_eq!(object["name"].as_str(), Some(&*binding("records.rs")));
    let class = object["class_name"].as_str().expect("a class");
    assert!(read("crates/worker/entry.js").contains(&format!("export class {class} ")));
    let classes = wrangler["migrations"][0]["new_sqlite_classes"].as_array().expect("a list");
    assert!(classes.iter().any(|named| named.as_str() == Some(class)), "{classes:?}");
}
