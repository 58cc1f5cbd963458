//! What lies below `deploy/` is what the code writes. `HOMEFIRE_REGENERATE=1` writes it anew.

use std::fs;
use std::path::{Path, PathBuf};

use homefire_install::{Options, Plan, Role, System, apply, plan};

use crate::options::{access, options};

struct Nothing;

impl homefire_install::Runner for Nothing {
    fn run(&mut self, command: &homefire_install::Command) -> std::io::Result<homefire_install::Output> {
        panic!("a dry run ran {command}");
    }
}

/// The whole of what `--dry-run` prints.
fn dry_run(plan: &Plan) -> String {
    let mut out = Vec::new();
    let mut site = homefire_install::Site {
        root: Path::new("/no/such/folder"),
        runner: &mut Nothing,
        token: &mut || panic!("a dry run made a token"),
        out: &mut out,
    };
    apply(plan, true, &mut site).unwrap();
    String::from_utf8(out).unwrap()
}

fn examples() -> Vec<(PathBuf, String)> {
    let mac = Options {
        user: "ada".parse().unwrap(),
        ollama: "/opt/homebrew/bin/ollama".parse().unwrap(),
        cloudflared: "/opt/homebrew/bin/cloudflared".parse().unwrap(),
        ..options()
    };
    let linux = Options { host: "cloud.example.com".parse().unwrap(), ..options() };
    let mut examples = Vec::new();
    for (system, options, name) in [(System::MacOs, &mac, "macos"), (System::Linux, &linux, "linux")] {
        for (role, role_name) in [(Role::Primary, "primary"), (Role::Fallback, "fallback")] {
            let plan = plan(role, system, &Options { access: access(), ..options.clone() });
            let folder = Path::new(name).join(role_name);
            examples.push((folder.join("install.txt"), dry_run(&plan)));
            for file in plan.files {
                let name = Path::new(&file.path).file_name().unwrap();
                examples.push((folder.join(name), file.content));
            }
        }
    }
    examples
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test's switch is no configuration")]
fn are_what_the_code_writes() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    let regenerate = std::env::var("HOMEFIRE_REGENERATE").is_ok();
    for (path, content) in examples() {
        let path = deploy.join(path);
        if regenerate {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &content).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(there == content, "{} is not what is rendered: HOMEFIRE_REGENERATE=1", path.display());
    }
}

#[test]
fn a_dry_run_shows_every_file_whole() {
    for system in [System::MacOs, System::Linux] {
        let plan = plan(Role::Primary, system, &options());
        let shown = dry_run(&plan);
        plan.files.iter().for_each(|file| assert!(shown.contains(&file.content), "{}", file.path));
        plan.commands
            .iter()
            .for_each(|command| assert!(shown.contains(&format!("$ {command}")), "{command}"));
        plan.warnings.iter().for_each(|warning| assert!(shown.contains(warning), "{warning}"));
        assert!(shown.contains(plan.secret.path));
    }
}
