//! `dev --script outage`, as README has it: the program itself says whether the story went as it should.

use std::process::{Command, Stdio};

use homefire_core::config::VARIABLES;

#[test]
fn the_outage_goes_as_it_should() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_homefire"));
    command.args(["dev", "--script", "outage", "--port", "0"]).stdin(Stdio::null());
    // An empty value counts as none, and goes before what `.env` of whoever tests may hold.
    command.envs(VARIABLES.iter().map(|name| (*name, "")));
    command.env("MONITOR_MS", "2000").env("GITHUB_API_URL", "http://127.0.0.1:9");
    let output = command.env("GITLAB_API_URL", "http://127.0.0.1:9").output().expect("it starts");
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{errors}");
    let ends: Vec<(&str, &str)> = told
        .lines()
        .filter(|line| line.contains(" ms "))
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().rev().collect();
            Some((*words.first()?, *words.get(6)?))
        })
        .filter(|(end, _)| ["mini", "cloud"].contains(end))
        .collect();
    let expect =
        [("mini", "mini"), ("cloud", "mini"), ("cloud", "cloud"), ("cloud", "cloud"), ("mini", "mini")];
    assert_eq!(ends, expect, "who said the last word, and who the first: {told}");
}
