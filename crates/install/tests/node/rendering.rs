//! What is rendered is read back by other readers than those who wrote it, and says what the owner said.

use std::path::Path;
use std::process::Command;

use homefire_install::value::{AbsolutePath, HostName};
use homefire_install::{GUARD, Gpu, OLLAMA, Options, Plan, Role, System, plan};
use plist::Value as Property;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::Value;

use crate::options::{access, options};

fn content<'a>(plan: &'a Plan, ending: &str) -> &'a str {
    let file = plan.files.iter().find(|file| file.path.ends_with(ending));
    &file.unwrap_or_else(|| panic!("there is no {ending}")).content
}

fn daemon(plan: &Plan, name: &str) -> plist::Dictionary {
    let text = content(plan, name);
    Property::from_reader_xml(text.as_bytes()).unwrap().into_dictionary().unwrap()
}

fn ingress(plan: &Plan) -> Value {
    serde_saphyr::from_str(content(plan, "config.yml")).unwrap()
}

/// The words of a key of a unit, as systemd.syntax(7) has them read.
fn words(unit: &str, key: &str) -> Vec<String> {
    let mut words = Vec::new();
    for line in unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')) {
        let (mut word, mut letters, mut quoted) = (String::new(), line.chars(), false);
        while let Some(letter) = letters.next() {
            match letter {
                '"' => quoted = !quoted,
                '\\' => word.extend(letters.next()),
                '%' => {
                    let next = letters.next().unwrap();
                    word.push_str(if next == '%' { "%" } else { "<specifier>" });
                }
                ' ' if !quoted => words.push(std::mem::take(&mut word)),
                other => word.push(other),
            }
        }
        assert!(!quoted, "{line}");
        words.push(word);
    }
    words
}

fn all_plans() -> impl Iterator<Item = (System, Plan)> {
    let with = |gpu, access| Options { gpu, access, ..options() };
    let options = [with(Gpu::Unsaid, None), with(Gpu::Used, access())];
    let roles = [Role::Primary, Role::Fallback];
    [System::MacOs, System::Linux].into_iter().flat_map(move |system| {
        let options = options.clone();
        roles
            .into_iter()
            .flat_map(move |role| options.clone().map(|options| (system, plan(role, system, &options))))
    })
}

#[test]
fn the_tunnel_leads_to_the_guard_and_nowhere_else() {
    for (_, plan) in all_plans() {
        let config = ingress(&plan);
        let rules = config["ingress"].as_array().unwrap();
        let (last, others) = rules.split_last().unwrap();
        assert_eq!(
            *last,
            serde_json::json!({"service": "http_status:404"}),
            "the last rule matches everything"
        );
        assert_eq!(others.len(), 1);
        assert_eq!(others[0]["service"], format!("http://{GUARD}"));
        assert_eq!(others[0]["hostname"], "mini.example.com");
        let ollama_port = OLLAMA.split(':').nth(1).unwrap();
        assert!(!config.to_string().contains(ollama_port), "no rule leads past the guard");
        let access = &others[0]["originRequest"]["access"];
        if !access.is_null() {
            assert_eq!((&access["required"], &access["teamName"]), (&true.into(), &"ada".into()));
            assert_eq!(access["audTag"].as_array().map(Vec::len), Some(1));
        }
    }
}

#[test]
fn roles_differ() {
    let check = |role, models: &str, context: &str| {
        for system in [System::MacOs, System::Linux] {
            let plan = plan(role, system, &options());
            let all = plan.files.iter().map(|file| file.content.as_str()).collect::<String>();
            for part in [models, context, "OLLAMA_KEEP_ALIVE", "NODE_TOKENS_FILE"] {
                assert!(all.contains(part), "{part} of {role:?} on {system:?}");
            }
        }
    };
    check(Role::Primary, "qwen3.5:latest,qwen2.5-coder:7b", "8192");
    check(Role::Fallback, "qwen2.5-coder:7b", "4096");
}

#[test]
fn daemons() {
    let plan = plan(Role::Primary, System::MacOs, &options());
    let (ollama, guard) = (daemon(&plan, "ollama.plist"), daemon(&plan, "node.plist"));
    for daemon in [&ollama, &guard] {
        assert_eq!(daemon["UserName"].as_string(), Some("ollama"));
        assert_eq!(daemon["RunAtLoad"].as_boolean(), Some(true));
        assert_eq!(daemon["KeepAlive"].as_boolean(), Some(true));
    }
    let tunnel = daemon(&plan, "tunnel.plist");
    assert!(!tunnel.contains_key("UserName"), "root alone can read its credentials");
    for (daemon, name, folder) in [
        (&ollama, "ollama", "/Library/Logs/homefire"),
        (&guard, "node", "/Library/Logs/homefire"),
        (&tunnel, "tunnel", "/Library/Logs"),
    ] {
        for (key, kind) in [("StandardOutPath", "out"), ("StandardErrorPath", "err")] {
            let path = format!("{folder}/dev.homefire.{name}.{kind}.log");
            assert_eq!(daemon[key].as_string(), Some(path.as_str()), "no folder that is another account's");
        }
    }
    let homebrew = plan.warnings.iter().any(|warning| warning.contains("brew services stop ollama"));
    assert!(homebrew, "{:?}", plan.warnings);
    let variables = ollama["EnvironmentVariables"].as_dictionary().unwrap();
    assert_eq!(variables["OLLAMA_HOST"].as_string(), Some(OLLAMA));
    assert_eq!(variables["OLLAMA_KEEP_ALIVE"].as_string(), Some("-1"));
    let variables = guard["EnvironmentVariables"].as_dictionary().unwrap();
    assert_eq!(variables["NODE_TOKENS_FILE"].as_string(), Some(plan.secret.path));
    let pmset = plan.commands.iter().any(|c| c.to_string() == "pmset -a autorestart 1 sleep 0 disksleep 0");
    assert!(pmset && plan.warnings.iter().any(|warning| warning.contains("FileVault")));
}

/// Whoever is being answered hears the end: the guard drains while Ollama is there.
#[test]
fn ollama_ends_last_and_starts_first() {
    let plan = plan(Role::Primary, System::MacOs, &options());
    for commands in [&plan.commands, &plan.stop] {
        let place = |words: &str, name: &str| {
            let words = format!("{words}dev.homefire.{name}");
            commands
                .iter()
                .position(|command| command.to_string().contains(&words))
                .unwrap_or_else(|| panic!("{words}"))
        };
        for (first, then) in [("tunnel", "node"), ("node", "ollama")] {
            let gone = place("launchctl print system/", first);
            assert!(place("launchctl bootout system/", first) < gone, "{first}");
            assert!(gone < place("launchctl bootout system/", then), "{first} before {then}");
        }
    }
    let commands: Vec<String> = plan.commands.iter().map(ToString::to_string).collect();
    let last = commands.iter().rposition(|command| command.contains("launchctl print"));
    let starts = commands.iter().enumerate().filter(|(_, command)| command.contains("launchctl bootstrap"));
    let starts: Vec<(Option<usize>, &str)> =
        starts.map(|(at, command)| (Some(at), command.as_str())).collect();
    let names = ["ollama", "node", "tunnel"];
    assert_eq!(starts.len(), names.len());
    for ((at, command), name) in starts.into_iter().zip(names) {
        assert!(at > last && command.ends_with(&format!("/dev.homefire.{name}.plist")), "{command}");
    }
}

#[test]
fn units() {
    for (_, plan) in all_plans().filter(|(system, _)| *system == System::Linux) {
        let (ollama, guard) = (content(&plan, "ollama.service"), content(&plan, "homefire-node.service"));
        let drop_in = content(&plan, "/etc/systemd/system/ollama.service.d/zz-homefire.conf");
        let service = |unit| str::split_once(unit, "\nType=exec\n").unwrap().1.trim_end().to_owned();
        let base = service(ollama);
        let (base, _) = base.split_once("\n\n[Install]\n").unwrap();
        assert_eq!(service(drop_in), base, "it sets whatever the unit sets");
        for line in ["EnvironmentFile=", "ExecStart=", "DynamicUser=no"] {
            assert!(drop_in.lines().any(|there| there == line), "{line} in {drop_in}");
        }
        for unit in [ollama, drop_in, guard] {
            for line in ["NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="] {
                assert!(unit.lines().any(|there| there == line), "{line} in {unit}");
            }
        }
        assert_eq!(words(guard, "LoadCredential"), ["tokens:/etc/homefire-node/tokens"]);
        let tokens = "NODE_TOKENS_FILE=/run/credentials/homefire-node.service/tokens".to_owned();
        let variables = words(guard, "Environment");
        assert!(variables.contains(&tokens), "where every systemd puts them: {variables:?}");
        assert_eq!(words(guard, "DynamicUser"), ["yes"]);
        let with_gpu = ollama.contains("SupplementaryGroups=");
        assert_eq!(words(ollama, "PrivateDevices").is_empty(), with_gpu);
        // Older systemds allow the clock alone then, and nothing that is not said to be allowed beside it.
        let clock = |unit| words(unit, "ProtectClock").pop();
        assert_eq!(clock(ollama).as_deref(), Some(if with_gpu { "no" } else { "yes" }));
        assert_eq!(clock(guard).as_deref(), Some("yes"));
        assert!(words(ollama, "DeviceAllow").is_empty(), "the rest would be closed");
        let capabilities = |unit| words(unit, "CapabilityBoundingSet").concat();
        assert_eq!(capabilities(ollama), if with_gpu { "CAP_PERFMON" } else { "" });
        assert_eq!(capabilities(guard), "");
    }
}

#[test]
fn the_guard_may_restart_ollama_and_nothing_else() {
    for (system, plan) in all_plans() {
        let rules: Vec<_> = plan.files.iter().filter(|file| file.path.contains("polkit")).collect();
        let [rule] = *rules else {
            assert!(system == System::MacOs && rules.is_empty(), "{rules:?}");
            continue;
        };
        assert_eq!(rule.path, "/etc/polkit-1/rules.d/50-homefire-node.rules");
        let unit = content(&plan, "homefire-node.service");
        assert!(unit.contains("DynamicUser=yes\n") && !unit.contains("\nUser="), "its name is the unit's");
        let (conditions, _) = rule.content.split_once(") {\n    return polkit.Result.YES;").unwrap();
        let (_, conditions) = conditions.split_once("if (").unwrap();
        let conditions: Vec<&str> = conditions.split("&&").map(str::trim).collect();
        assert_eq!(
            conditions,
            [
                r#"action.id === "org.freedesktop.systemd1.manage-units""#,
                r#"action.lookup("unit") === "ollama.service""#,
                r#"action.lookup("verb") === "restart""#,
                r#"subject.user === "homefire-node""#,
            ]
        );
        assert_eq!(rule.content.matches("polkit.Result.YES").count(), 1);
    }
}

#[test]
fn no_secret_is_in_a_plan() {
    for (_, plan) in all_plans() {
        assert!(
            plan.files.iter().all(|file| file.path != plan.secret.path && !file.content.contains("Bearer"))
        );
        assert!(plan.commands.iter().all(|command| !command.to_string().contains("--token")));
    }
}

/// systemd's own reading of the units, with programs that are there.
#[cfg(target_os = "linux")]
#[test]
fn systemd_takes_the_units() {
    // Their names are the hardest that are taken: systemd must find each, or it complains.
    let programs = tempfile::tempdir().unwrap();
    let program = |name: &str| {
        let path = programs.path().join(name);
        std::fs::copy("/bin/true", &path).unwrap();
        path.to_str().unwrap().parse::<AbsolutePath>().unwrap()
    };
    let guard = program("100%s guard; #<&>");
    let ollama = program("%h öl  läma:-@!");
    let models_folder = Some("/srv/100% my models; #".parse().unwrap());
    for (gpu, access) in [(Gpu::Unused, None), (Gpu::Used, access())] {
        let options = Options {
            guard: guard.clone(),
            ollama: ollama.clone(),
            cloudflared: ollama.clone(),
            gpu,
            access,
            models_folder: models_folder.clone(),
            ..options()
        };
        let plan = plan(Role::Primary, System::Linux, &options);
        let folder = tempfile::tempdir().unwrap();
        lay(&plan, folder.path());
        verify(folder.path(), "homefire-node.service", 20);
        verify(folder.path(), "ollama.service", 45);
        // Whatever others left: ours is read last, and their program is not even looked for.
        let folder = tempfile::tempdir().unwrap();
        lay(&plan, folder.path());
        std::fs::write(folder.path().join("ollama.service"), THEIR_UNIT).unwrap();
        std::fs::write(folder.path().join("ollama.service.d/override.conf"), THEIR_OVERRIDE).unwrap();
        verify(folder.path(), "ollama.service", 45);
        std::fs::remove_file(folder.path().join("ollama.service.d/zz-homefire.conf")).unwrap();
        assert!(
            !analyze(
                &["security", "--offline=true", "--threshold=45"],
                &folder.path().join("ollama.service")
            )
            .0
        );
    }
}

/// As Ollama's own installation writes it, but for the program, which is nowhere.
const THEIR_UNIT: &str = "\
[Unit]
Description=Ollama Service
After=network-online.target

[Service]
ExecStart=/no/such/ollama serve
User=ollama
Group=ollama
Restart=always
RestartSec=3
Environment=\"PATH=/usr/local/bin:/usr/bin:/bin\"

[Install]
WantedBy=default.target
";

/// As somebody typed it into `systemctl edit ollama`.
const THEIR_OVERRIDE: &str = "\
[Service]
ExecStart=
ExecStart=/no/such/ollama serve --loudly
Environment=OLLAMA_HOST=0.0.0.0
EnvironmentFile=/etc/ollama.env
ProtectSystem=no
CapabilityBoundingSet=CAP_SYS_ADMIN
";

/// What a drop-in named like ours is read after.
#[test]
fn the_drop_in_is_read_last() {
    for (_, plan) in all_plans().filter(|(system, _)| *system == System::Linux) {
        let mut read = [
            ("50-somebody.conf", "[Service]\nEnvironment=OLLAMA_HOST=[::]\n"),
            ("zz-homefire.conf", content(&plan, "zz-homefire.conf")),
            ("override.conf", THEIR_OVERRIDE),
        ];
        read.sort_unstable();
        let whole = THEIR_UNIT.to_owned() + &read.map(|(_, content)| content).concat();
        let hosts: Vec<String> = words(&whole, "Environment")
            .into_iter()
            .filter(|word| word.starts_with("OLLAMA_HOST="))
            .collect();
        assert_eq!(hosts.len(), 3);
        assert_eq!(hosts.last(), Some(&format!("OLLAMA_HOST={OLLAMA}")));
        assert_eq!(words(&whole, "EnvironmentFile").last().map(String::as_str), Some(""));
        // What is set behind another is added to it, unless the empty one stands between.
        let sets = words(&whole, "CapabilityBoundingSet");
        let ours = if whole.contains("SupplementaryGroups=") { &["", "CAP_PERFMON"][..] } else { &[""] };
        assert!(sets.ends_with(&ours.iter().map(ToString::to_string).collect::<Vec<_>>()), "{sets:?}");
    }
}

/// Puts what is systemd's into `folder`, as it would lie in systemd's own.
fn lay(plan: &Plan, folder: &Path) {
    for file in &plan.files {
        let Some(name) = file.path.strip_prefix("/etc/systemd/system/") else { continue };
        std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        std::fs::write(folder.join(name), &file.content).unwrap();
    }
}

fn verify(folder: &Path, unit: &str, most_exposure: u8) {
    let path = folder.join(unit);
    let (good, said) = analyze(&["verify", "--man=no", "--recursive-errors=no"], &path);
    let ours = said.lines().any(|line| line.contains(unit) || line.contains(".conf"));
    assert!(good && !ours, "{unit}: {said}");
    let threshold = format!("--threshold={most_exposure}");
    let (good, said) = analyze(&["security", "--offline=true", "--no-pager", &threshold], &path);
    assert!(good, "{unit} is more exposed than {most_exposure} of 100: {said}");
}

fn analyze(arguments: &[&str], unit: &Path) -> (bool, String) {
    let output = Command::new("systemd-analyze").args(arguments).arg(unit).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Anything that could be typed, with what readers stumble over more often than chance would have it.
fn anything() -> impl Strategy<Value = String> {
    let nasty = r#"[/.a-z0-9 %$"'\\<>&;:#{}\[\],!|*@`~=\t\n\u{0}\u{7f}\u{85}\u{2028}\u{feff}é🦀-]{0,12}"#;
    let strange = "(/[a-z0-9 .%<>&;:#{},!|*@`~=é🦀-]{1,6}){1,3}";
    prop_oneof![3 => strange, 2 => nasty.prop_map(|text| format!("/{text}")), 1 => nasty, 1 => ".*"]
}

#[test]
fn many_paths_are_taken() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut next = || anything().new_tree(&mut runner).unwrap().current();
    let taken = (0..1_000).filter(|_| next().parse::<AbsolutePath>().is_ok()).count();
    assert!(taken > 300, "the property below is about something: {taken} of 1,000");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_path_is_refused_or_survives(text in anything()) {
        let Ok(path) = text.parse::<AbsolutePath>() else { return Ok(()) };
        let options = Options {
            guard: path.clone(),
            ollama: path.clone(),
            cloudflared: path.clone(),
            models_folder: Some(path.clone()),
            credentials: Some(path),
            ..options()
        };
        let mac = plan(Role::Primary, System::MacOs, &options);
        let (ollama, guard) = (daemon(&mac, "ollama.plist"), daemon(&mac, "node.plist"));
        for daemon in [&ollama, &guard] {
            let words = daemon["ProgramArguments"].as_array().unwrap();
            prop_assert_eq!(words, &vec![Property::from(text.as_str()), Property::from("serve")]);
        }
        let folder = &ollama["EnvironmentVariables"].as_dictionary().unwrap()["OLLAMA_MODELS"];
        prop_assert_eq!(folder.as_string(), Some(text.as_str()));
        let linux = plan(Role::Primary, System::Linux, &options);
        for unit in ["ollama.service", "homefire-node.service"] {
            prop_assert_eq!(words(content(&linux, unit), "ExecStart"), [text.as_str(), "serve"]);
        }
        prop_assert_eq!(words(content(&linux, "zz-homefire.conf"), "ExecStart"), ["", text.as_str(), "serve"]);
        let unit = content(&linux, "ollama.service");
        prop_assert_eq!(words(unit, "ReadWritePaths"), [text.as_str()]);
        let folder = format!("OLLAMA_MODELS={text}");
        prop_assert!(words(unit, "Environment").contains(&folder));
        let config = ingress(&linux);
        prop_assert_eq!(config["credentials-file"].as_str(), Some(text.as_str()));
    }

    #[test]
    fn a_host_name_is_refused_or_survives(text in prop_oneof![anything(), r"[a-z0-9.-]{1,12}\.[a-z]{2,4}"]) {
        let Ok(host) = text.parse::<HostName>() else { return Ok(()) };
        let plan = plan(Role::Fallback, System::Linux, &Options { host, ..options() });
        let config = ingress(&plan);
        prop_assert_eq!(config["ingress"][0]["hostname"].as_str(), Some(text.as_str()));
    }
}
