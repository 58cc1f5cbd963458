//! What checks look at, on machines that have it and on machines that have not.

use std::fs;
use std::os::unix::fs::symlink;
use std::process;

use homefire_install::{Command, Gpu, Options, Role, System, plan};

use crate::machine::Node;
use crate::options::options;

/// The check that holds `word`, of a node whose Ollama is in `machine`.
fn check_of(gpu: Gpu, word: &str, machine: &Node) -> Option<Command> {
    let ollama = machine.at("/bin/ollama").to_str().unwrap().parse().unwrap();
    let plan = plan(Role::Primary, System::Linux, &Options { gpu, ollama, ..options() });
    plan.checks.into_iter().find(|check| check.to_string().contains(word))
}

/// Whether `check` is content, where the programs of `machine` are found first.
fn is_content(check: &Command, machine: &Node) -> bool {
    let path = format!("{}:/usr/bin:/bin", machine.at("/bin").display());
    let ended =
        process::Command::new(&check.program).args(&check.arguments).env("PATH", path).output().unwrap();
    assert!(ended.stderr.is_empty(), "{check}: {}", String::from_utf8_lossy(&ended.stderr));
    ended.status.success()
}

#[test]
fn a_gpu_is_not_taken_away_without_a_word() {
    let check = |gpu, device: &str, expect: Option<bool>| {
        let machine = Node::with(device, "");
        let found = check_of(gpu, "/dev/kfd", &machine).map(|mut check| {
            let devices = machine.at("/dev/");
            check
                .arguments
                .iter_mut()
                .for_each(|word| *word = word.replace("/dev/", devices.to_str().unwrap()));
            is_content(&check, &machine)
        });
        assert_eq!(found, expect, "{gpu:?} with {device}");
    };
    check(Gpu::Unsaid, "/dev/null", Some(true));
    check(Gpu::Unsaid, "/dev/dri/card0", Some(true));
    for device in ["/dev/nvidiactl", "/dev/kfd", "/dev/dri/renderD128"] {
        check(Gpu::Unsaid, device, Some(false));
        check(Gpu::Used, device, None);
        check(Gpu::Unused, device, None);
    }
}

#[test]
fn a_program_with_capabilities_is_not_left_without_them() {
    let check = |gpu, getcap: Option<&str>, expect: Option<bool>| {
        let machine = Node::with("/lib/ollama", "");
        fs::create_dir(machine.at("/bin")).unwrap();
        symlink(machine.at("/lib/ollama"), machine.at("/bin/ollama")).unwrap();
        getcap.into_iter().for_each(|said| machine.program("/bin/getcap", said));
        let found = check_of(gpu, "getcap", &machine).map(|check| is_content(&check, &machine));
        assert_eq!(found, expect, "{gpu:?} with {getcap:?}");
    };
    // As libcap's does, it says nothing of a link.
    let perfmon = "[ -L \"$1\" ] || echo \"$1 cap_perfmon=ep\"";
    for gpu in [Gpu::Unsaid, Gpu::Unused] {
        check(gpu, None, Some(true));
        check(gpu, Some(""), Some(true));
        check(gpu, Some(perfmon), Some(false));
    }
    check(Gpu::Used, Some(perfmon), None);
}
