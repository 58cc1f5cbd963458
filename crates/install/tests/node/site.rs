//! Stories of machines that a plan is carried out on.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process;

use homefire_install::{Options, Plan, Role, Site, System, plan, uninstall};

use crate::machine::Node;
use crate::options::options;

const UNIT: &str = "/etc/systemd/system/homefire-node.service";
const CONFIG: &str = "/etc/cloudflared/config.yml";
const OLLAMA: &str = "/etc/systemd/system/ollama.service";
const DROP_IN: &str = "/etc/systemd/system/ollama.service.d/zz-homefire.conf";
const PLIST: &str = "/Library/LaunchDaemons/dev.homefire.node.plist";
const TOKENS: &str = "/etc/homefire-node/tokens";

fn linux() -> Plan {
    plan(Role::Primary, System::Linux, &options())
}

fn other() -> Plan {
    plan(Role::Primary, System::Linux, &Options { context: Some(1024), ..options() })
}

#[test]
fn there_and_back() {
    for system in [System::Linux, System::MacOs] {
        let plan = plan(Role::Primary, system, &options());
        let mut machine = Node::new();
        machine.apply(&plan).unwrap();
        for file in &plan.files {
            assert_eq!(machine.read(&file.path).as_ref(), Some(&file.content));
            assert_eq!(machine.mode(&file.path), 0o644);
        }
        assert_eq!(machine.read(plan.secret.path).unwrap(), "the-secret-of-the-machine\n");
        assert_eq!(machine.mode(plan.secret.path), 0o600);
        assert_eq!(
            machine.runner.ran,
            plan.checks.iter().chain(&plan.commands).map(ToString::to_string).collect::<Vec<_>>()
        );
        assert!(!machine.said.contains("the-secret"));
        let receipt = machine.read(plan.receipt).unwrap();
        assert!(!receipt.contains("the-secret"));
        machine.runner.ran.clear();
        machine.work(|site| uninstall(&Plan::empty(system), false, site)).unwrap();
        assert_eq!(machine.files(), Vec::<String>::new());
        let must_run: &[&str] = match system {
            System::MacOs => &[
                "launchctl bootout system/dev.homefire.tunnel",
                "launchctl bootout system/dev.homefire.node",
                "launchctl bootout system/dev.homefire.ollama",
            ],
            System::Linux => {
                &["systemctl disable --now homefire-node.service ollama.service", "systemctl daemon-reload"]
            }
        };
        machine.runner.ran.retain(|ran| !ran.contains("launchctl print"));
        assert_eq!(machine.runner.ran, must_run);
    }
}

#[test]
fn folders_that_are_made_let_other_accounts_in() {
    for system in [System::Linux, System::MacOs] {
        let plan = plan(Role::Primary, system, &options());
        let mut machine = Node::new();
        let folder = |path: &str| path.rsplit_once('/').unwrap().0.to_owned();
        let theirs = folder(plan.receipt);
        fs::create_dir_all(machine.at(&theirs)).unwrap();
        fs::set_permissions(machine.at(&theirs), fs::Permissions::from_mode(0o700)).unwrap();
        machine.apply(&plan).unwrap();
        assert_eq!(machine.mode(&theirs), 0o700, "what was there stays as it was");
        for path in plan.files.iter().map(|file| file.path.as_str()).chain([plan.secret.path]) {
            let mut folder = folder(path);
            while !folder.is_empty() && !theirs.starts_with(&folder) {
                assert_eq!(machine.mode(&folder), 0o755, "{folder}");
                folder.truncate(folder.rfind('/').unwrap());
            }
        }
    }
}

/// A process has one umask, and no other test is to run under this one.
#[test]
fn folders_that_are_made_under_a_strict_umask() {
    let this = std::env::current_exe().unwrap();
    let words = "umask 077 && exec \"$1\" --exact site::folders_that_are_made_let_other_accounts_in";
    let ended = process::Command::new("sh").args(["-c", words, "sh"]).arg(this).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn an_ollama_of_the_machines_own() {
    let theirs = "[Service]\nExecStart=/usr/local/bin/ollama serve\nDynamicUser=yes\n";
    for path in [OLLAMA, "/usr/lib/systemd/system/ollama.service", "/lib/systemd/system/ollama.service"] {
        let mut machine = Node::with(path, theirs);
        machine.apply(&linux()).unwrap();
        assert!(
            machine.said.contains(&format!("left {path}, which is the machine's own")),
            "{}",
            machine.said
        );
        assert!(machine.read(DROP_IN).unwrap().contains("OLLAMA_HOST=127.0.0.1"));
        machine.uninstall().unwrap();
        assert_eq!(machine.files(), [&path[1..]]);
        assert_eq!(machine.read(path).unwrap(), theirs);
    }
}

#[test]
fn an_upgrade_of_ollamas_own() {
    let mut machine = Node::new();
    machine.apply(&linux()).unwrap();
    machine.put(OLLAMA, "its own now");
    machine.apply(&other()).unwrap();
    assert_eq!(machine.read(OLLAMA).unwrap(), "its own now");
    assert!(machine.read(DROP_IN).unwrap().contains("OLLAMA_CONTEXT_LENGTH=1024"));
    machine.uninstall().unwrap();
    assert_eq!(machine.files(), [&OLLAMA[1..]]);
}

#[test]
fn what_was_there_before_returns() {
    let mut machine = Node::with(UNIT, "[Service]\nExecStart=/old\n");
    fs::set_permissions(machine.at(UNIT), fs::Permissions::from_mode(0o640)).unwrap();
    machine.apply(&linux()).unwrap();
    machine.apply(&other()).unwrap();
    machine.apply(&linux()).unwrap();
    let copies = machine.files().into_iter().filter(|name| name.contains("before-homefire")).count();
    assert_eq!(copies, 1, "our own files are not kept");
    machine.uninstall().unwrap();
    assert_eq!(machine.files(), [&UNIT[1..]]);
    assert_eq!(machine.read(UNIT).unwrap(), "[Service]\nExecStart=/old\n");
    assert_eq!(machine.mode(UNIT), 0o640);
}

#[test]
fn what_was_changed_since_stays() {
    let changed = |path: &str| format!("{path}: it was changed since it was written");
    let check = |system, path: &str, must_run: &[&str]| {
        let mut machine = Node::new();
        machine.apply(&plan(Role::Primary, system, &options())).unwrap();
        machine.put(path, "mine now");
        let take_back = |dry_run| move |site: &mut Site<'_>| uninstall(&Plan::empty(system), dry_run, site);
        machine.work(take_back(true)).unwrap();
        assert!(machine.said.contains(&format!("leave {}", changed(path))), "{}", machine.said);
        must_run.iter().for_each(|run| assert!(machine.said.contains(&format!("run {run}")), "{run}"));
        machine.runner.ran.clear();
        machine.work(take_back(false)).unwrap();
        assert_eq!(machine.files(), [&path[1..]]);
        assert!(machine.said.contains(&format!("left {}", changed(path))), "{}", machine.said);
        let ran: Vec<&String> =
            machine.runner.ran.iter().filter(|ran| ran.contains("launchctl disable")).collect();
        assert_eq!(ran, must_run);
    };
    check(System::Linux, UNIT, &[]);
    check(System::MacOs, PLIST, &["launchctl disable system/dev.homefire.node"]);
    check(System::MacOs, CONFIG, &[]);
}

#[test]
fn what_was_disabled_is_enabled_before_it_starts() {
    let plan = plan(Role::Primary, System::MacOs, &options());
    for (path, disable) in &plan.abandon {
        let place = |words: &str| plan.commands.iter().position(|command| command.to_string() == words);
        let enable = place(&disable.to_string().replace("disable", "enable"));
        assert!(enable.is_some() && enable < place(&format!("launchctl bootstrap system {path}")), "{path}");
    }
    assert_eq!(plan.abandon.len(), 3);
}

/// The owner has put other services' rules back; neither the same installation again nor its failure takes them away.
#[test]
fn what_was_changed_since_stays_where_nothing_new_is_to_be_written() {
    let mut machine = Node::with(CONFIG, "the first");
    machine.apply(&linux()).unwrap();
    for theirs in ["mine now", "the first"] {
        machine.put(CONFIG, theirs);
        machine.apply(&linux()).unwrap();
        assert_eq!(machine.read(CONFIG).unwrap(), theirs);
        assert!(machine.said.contains(&format!("left {CONFIG}: it was changed")), "{}", machine.said);
    }
    fs::remove_file(machine.at(CONFIG)).unwrap();
    machine.apply(&linux()).unwrap();
    assert!(machine.read(CONFIG).unwrap().contains("ingress"), "moved away, it is written anew");
}

#[test]
fn what_was_changed_since_is_kept_by_a_second_installation() {
    let mut machine = Node::with(UNIT, "the first");
    machine.apply(&linux()).unwrap();
    machine.put(UNIT, "mine now");
    machine.apply(&other()).unwrap();
    let kept: Vec<String> =
        machine.files().into_iter().filter(|name| name.contains("before-homefire")).collect();
    let mut contents: Vec<String> = kept.iter().map(|name| machine.read(name).unwrap()).collect();
    contents.sort();
    assert_eq!(contents, ["mine now", "the first"]);
    machine.uninstall().unwrap();
    assert_eq!(machine.read(UNIT).unwrap(), "the first");
}

#[test]
fn the_owners_tokens_are_used_and_stay() {
    let theirs = "the-old-token-of-16 # the edge's\nthe-new-token-of-16\n";
    let mut machine = Node::with(TOKENS, theirs);
    machine.apply(&linux()).unwrap();
    assert_eq!(machine.mode(TOKENS), 0o600);
    machine.uninstall().unwrap();
    assert_eq!(machine.read(TOKENS).unwrap(), theirs);
}

/// The guard would not start with them: nothing is written, and the reason is the guard's own.
#[test]
fn tokens_that_the_guard_refuses_are_refused_first() {
    let check = |theirs: &str, why: &str| {
        let mut machine = Node::with(TOKENS, theirs);
        let halfway = machine.apply(&linux()).unwrap_err();
        assert_eq!((halfway.failed, halfway.why), (format!("look at {TOKENS}"), why.to_owned()));
        assert_eq!(machine.files(), [&TOKENS[1..]]);
        assert_eq!(machine.read(TOKENS).unwrap(), theirs);
    };
    check("\n", "holds no tokens");
    check("old\nnew\n", "holds a token of less than 16 characters; a note begins with #");
    check(&"a-token-of-16-chars\n".repeat(17), "holds more than 16 tokens");
}

#[test]
fn a_second_time_changes_nothing() {
    let mut machine = Node::new();
    machine.apply(&linux()).unwrap();
    let before = machine.files();
    machine.apply(&linux()).unwrap();
    assert_eq!(machine.files(), before);
    assert!(
        machine.said.contains("is as it should be") && !machine.said.contains("wrote"),
        "{}",
        machine.said
    );
}

#[test]
fn halfway_says_how_far() {
    let mut machine = Node::new();
    machine.runner.fails_at = Some("enable".to_owned());
    let halfway = machine.apply(&linux()).unwrap_err();
    assert_eq!(halfway.failed, "run systemctl enable ollama.service homefire-node.service");
    assert_eq!(halfway.why, "it ended with exit code 1: it is broken");
    assert_eq!(halfway.done.len(), 13);
    assert_eq!(halfway.left, ["run systemctl restart ollama.service homefire-node.service"]);
    assert!(halfway.to_string().contains("\n  done: run id -u ollama; "));
    machine.runner.fails_at = None;
    machine.uninstall().unwrap();
    assert_eq!(machine.files(), Vec::<String>::new());
}

#[test]
fn nothing_is_written_where_something_is_missing() {
    let check = |system, words: &[&str]| {
        let plan = plan(Role::Primary, system, &options());
        assert_eq!(plan.checks.len(), words.len());
        for (check, words) in plan.checks.iter().zip(words) {
            let mut machine = Node::new();
            machine.runner.fails_at = Some(check.to_string());
            let halfway = machine.apply(&plan).unwrap_err();
            assert_eq!(halfway.failed, format!("run {check}"));
            assert!(halfway.why.starts_with(words), "{}", halfway.why);
            assert_eq!(machine.files(), Vec::<String>::new());
        }
    };
    let programs = [
        "there is no account ollama: make it",
        "there is no program /usr/local/bin/ollama: install it",
        "there is no program /usr/local/bin/homefire-node: install it",
    ];
    let lost = ["there is a GPU", "/usr/local/bin/ollama carries capabilities"];
    check(System::Linux, &[&programs[..], &lost].concat());
    let tunnel = [
        "there is no program /opt/homebrew/bin/cloudflared: install it",
        "the tunnel's credentials are not at /etc/cloudflared/6ff42ae2-765d-4adf-8112-31c55c1551ef.json: copy",
    ];
    let home = ["the account ollama has no folder /Users/ollama"];
    check(System::MacOs, &[&programs[..], &tunnel, &home].concat());
}

#[test]
fn noted_and_not_written() {
    // Where the new content would be put together there is something already.
    let mut machine = Node::with(UNIT, "before");
    let beside = format!("/etc/systemd/system/.homefire-node.service.{}", process::id());
    machine.put(&beside, "in the way");
    assert_eq!(machine.apply(&linux()).unwrap_err().failed, format!("write {UNIT}"));
    assert_eq!(machine.read(UNIT).unwrap(), "before");
    assert_eq!(machine.read(&beside).unwrap(), "in the way", "what is not ours stays");
    fs::remove_file(machine.at(&beside)).unwrap();
    let again = machine.apply(&linux());
    assert!(again.is_ok(), "{again:?}");
    machine.uninstall().unwrap();
    assert_eq!(machine.read(UNIT).unwrap(), "before");
    assert_eq!(machine.files(), [&UNIT[1..]]);
}

#[test]
fn what_may_fail_stops_nothing() {
    let plan = plan(Role::Primary, System::MacOs, &options());
    let mut machine = Node::new();
    machine.runner.fails_at = Some("launchctl bootout".to_owned());
    machine.apply(&plan).unwrap();
    machine.work(|site| uninstall(&Plan::empty(System::MacOs), false, site)).unwrap();
    assert_eq!(machine.files(), Vec::<String>::new());
}

#[test]
fn a_symbolic_link_is_not_followed() {
    let mut machine = Node::with("/elsewhere", "x");
    fs::create_dir_all(machine.at("/etc/systemd/system")).unwrap();
    std::os::unix::fs::symlink(machine.at("/elsewhere"), machine.at(UNIT)).unwrap();
    let halfway = machine.apply(&linux()).unwrap_err();
    assert!(halfway.why.contains("symbolic link") && halfway.failed.ends_with(UNIT), "{halfway}");
    assert_eq!(machine.read("/elsewhere").unwrap(), "x");
}

#[test]
fn wherever_it_stops_it_can_be_taken_back() {
    // One step after the other cannot be done, for what it writes to is no file.
    let plan = linux();
    let mut blocked: Vec<&str> = plan.files.iter().map(|file| file.path.as_str()).collect();
    blocked.push(TOKENS);
    for (written, path) in blocked.into_iter().enumerate() {
        let mut machine = Node::with(UNIT, "before");
        if path == UNIT {
            fs::remove_file(machine.at(UNIT)).unwrap();
        }
        fs::create_dir_all(machine.at(path)).unwrap();
        let halfway = machine.apply(&plan).unwrap_err();
        assert!(halfway.failed.ends_with(path), "{halfway}");
        let before = if path == UNIT { vec![] } else { vec![UNIT[1..].to_owned()] };
        assert_eq!(
            machine.uninstall().is_ok(),
            written > 0,
            "there is nothing to take back before the first"
        );
        assert_eq!(machine.files(), before);
        assert!(path == UNIT || machine.read(UNIT).unwrap() == "before");
    }
}

#[test]
fn a_dry_run_takes_nothing_back() {
    let mut machine = Node::new();
    machine.apply(&linux()).unwrap();
    let (before, ran) = (machine.files(), machine.runner.ran.len());
    machine.work(|site| uninstall(&Plan::empty(System::Linux), true, site)).unwrap();
    assert_eq!((machine.files(), machine.runner.ran.len()), (before, ran));
    assert!(machine.said.contains(&format!("remove {UNIT}")));
}

#[test]
fn a_dry_run_without_sudo() {
    let mut machine = Node::new();
    machine.apply(&linux()).unwrap();
    fs::set_permissions(machine.at(TOKENS), fs::Permissions::from_mode(0o000)).unwrap();
    // To root, which a test may be, nothing is closed.
    let note =
        if fs::read(machine.at(TOKENS)).is_ok() { "\n" } else { ", unless it was changed, which only sudo" };
    machine.work(|site| uninstall(&Plan::empty(System::Linux), true, site)).unwrap();
    assert!(machine.said.contains(&format!("remove {TOKENS}{note}")), "{}", machine.said);
}

#[test]
fn what_is_left_to_do_on_linux() {
    let mut machine = Node::new();
    machine.apply(&linux()).unwrap();
    machine.uninstall().unwrap();
    for words in [
        // Ours is gone, and can be started no more.
        "where it has a unit of its own, which is left, `sudo systemctl enable --now ollama` starts it",
        "`sudo systemctl restart cloudflared`",
        "`sudo cloudflared service uninstall`",
    ] {
        assert!(machine.said.contains(words), "{words} in {}", machine.said);
    }
}

#[test]
fn nothing_to_take_back() {
    assert_eq!(Node::new().uninstall().unwrap_err().why, "nothing was installed here");
}
