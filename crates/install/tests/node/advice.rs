//! What an owner is told where it concerns them, and only there.

use homefire_install::value::AbsolutePath;
use homefire_install::{Options, Role, System, plan};

use crate::options::options;

fn check(system: System, options: &Options, words: &str, is_told: bool) {
    let warnings = plan(Role::Primary, system, options).warnings;
    let told = warnings.iter().any(|warning| warning.contains(words));
    assert_eq!(told, is_told, "{words}: {warnings:?}");
}

fn path(text: &str) -> AbsolutePath {
    text.parse().unwrap()
}

#[test]
fn a_disk_that_waits_for_somebody_to_log_in() {
    let check = |system, folder: Option<&str>, is_told| {
        let options = Options { models_folder: folder.map(path), ..options() };
        check(system, &options, "AutomountDisksWithoutUserLogin -bool true", is_told);
    };
    check(System::MacOs, Some("/Volumes/My Disk/models"), true);
    check(System::MacOs, Some("/Users/ada/models"), false);
    check(System::MacOs, None, false);
    check(System::Linux, Some("/Volumes/models"), false);
}

#[test]
fn a_program_of_roots_that_another_account_can_replace() {
    let check = |system, cloudflared: &str, is_told| {
        let options = Options { cloudflared: path(cloudflared), ..options() };
        check(system, &options, &format!("the tunnel runs {cloudflared} as root"), is_told);
    };
    check(System::MacOs, "/opt/homebrew/bin/cloudflared", true);
    check(System::MacOs, "/usr/local/bin/cloudflared", true);
    check(System::MacOs, "/Users/ada/bin/cloudflared", true);
    check(System::MacOs, "/opt/cloudflared", false);
    check(System::Linux, "/opt/homebrew/bin/cloudflared", false);
}

/// Every log that a daemon writes, for nobody else knows of them once the daemons are gone.
#[test]
fn logs_that_stay_are_named() {
    let plan = plan(Role::Primary, System::MacOs, &options());
    let stays = plan.stays.join("\n");
    let text = plan.files.iter().map(|file| file.content.as_str()).collect::<String>();
    let logs: Vec<&str> = text.split(['<', '>']).filter(|part| part.ends_with(".log")).collect();
    assert_eq!(logs.len(), 6);
    for log in logs {
        let (folder, name) = log.rsplit_once('/').unwrap();
        let (daemon, _) = name.split_once(".out").or(name.split_once(".err")).unwrap();
        let is_named = [format!("{folder}/*.log"), format!("{folder}/{daemon}.*.log")];
        assert!(is_named.iter().any(|named| stays.contains(named)), "{log} in {stays}");
    }
}
