//! What an owner is told: what can go wrong however well it goes, what is left to do, and what taking it back leaves.

use crate::launchd::{LOGS, ROOTS_LOGS, TUNNEL_LABEL};
use crate::plan::{Options, System};
use crate::role::{GUARD, Settings};
use crate::runner::Command;
use crate::value::Model;

pub(crate) fn warnings(system: System, options: &Options) -> Vec<String> {
    let mut warnings = vec![
        "/etc/cloudflared/config.yml is written whole: if it led to other services, put them back from the kept copy, \
         above the last rule"
            .to_owned(),
    ];
    if options.access.is_none() {
        warnings.push(
            "without --access-team and --access-audience the node does not notice when Access is taken off its name; \
             the guard's token alone is left"
                .to_owned(),
        );
    }
    match system {
        System::MacOs => warnings.extend(macos_warnings(options)),
        System::Linux => {
            if options.models_folder.is_none() {
                warnings.push(
                    "Ollama's folder is /var/lib/ollama now: models fetched before are found again with \
                     --models-folder /usr/share/ollama/.ollama/models"
                        .to_owned(),
                );
            }
        }
    }
    warnings
}

fn macos_warnings(options: &Options) -> Vec<String> {
    let mut warnings = vec![
        "FileVault asks for a password before anything starts: with it on, this Mac does not come back by itself after a \
         power failure; `fdesetup status` says whether it is on"
            .to_owned(),
        "quit the Ollama app and take it out of the login items, and end Homebrew's own service, `brew services stop \
         ollama`: each holds the same port as the daemon"
            .to_owned(),
    ];
    if options.models_folder.as_ref().is_some_and(|folder| folder.as_str().starts_with("/Volumes/")) {
        warnings.push(
            "after a power failure a disk below /Volumes is not there until somebody logs in, unless macOS is told: sudo \
             defaults write /Library/Preferences/SystemConfiguration/autodiskmount AutomountDisksWithoutUserLogin -bool \
             true"
                .to_owned(),
        );
    }
    let tunnel = options.cloudflared.as_str();
    if OWNERS.iter().any(|folder| tunnel.starts_with(folder)) {
        let copy = Command::new("sudo", ["install", tunnel, "/opt/cloudflared"]);
        warnings.push(format!(
            "the tunnel runs {tunnel} as root, so that an account which may write there, as it may to Homebrew's folders, \
             is root at its next start: give root a copy, renew it by hand, and install with --cloudflared \
             /opt/cloudflared: sudo mkdir -p /opt && {copy}"
        ));
    }
    warnings
}

/// Folders of macOS that mostly belong to somebody: Homebrew's two, and everybody's own.
const OWNERS: [&str; 3] = ["/opt/homebrew/", "/usr/local/", "/Users/"];

pub(crate) fn next(system: System, settings: &Settings, options: &Options, tokens: &str) -> Vec<String> {
    let pull = |model: &Model| format!("ollama pull {model}");
    let pulls: Vec<String> = settings.models.iter().map(pull).collect();
    let tunnel = match system {
        System::MacOs => {
            "the tunnel is up already; where `cloudflared service install` was used before, take its own daemon \
                          away: sudo cloudflared service uninstall"
        }
        System::Linux => {
            "have the tunnel started at boot: sudo cloudflared service install (or restart it, if it is)"
        }
    };
    vec![
        format!("get the models: {}", pulls.join(" && ")),
        format!("give the edge the token: sudo cat {tokens}"),
        format!(
            "lead the name to the tunnel: cloudflared tunnel route dns {} {}",
            options.tunnel, options.host
        ),
        tunnel.to_owned(),
        format!("see whether it answers: curl -s http://{GUARD}/healthz"),
    ]
}

pub(crate) fn stays(system: System) -> Vec<String> {
    let (programs, rest) = match system {
        System::MacOs => (
            "Ollama itself, its models, and cloudflared",
            vec![
                format!("the logs: {LOGS}/*.log and {ROOTS_LOGS}/{TUNNEL_LABEL}.*.log"),
                "the power settings, whose old values are not known: `pmset -g`, `sudo pmset restoredefaults`"
                    .to_owned(),
            ],
        ),
        System::Linux => (
            "Ollama itself, its models, and cloudflared with its service",
            vec![
                "Ollama does not run now: where it has a unit of its own, which is left, `sudo systemctl enable --now \
                 ollama` starts it"
                    .to_owned(),
                "cloudflared runs on with the rules that it read at its start: `sudo systemctl restart cloudflared` if a \
                 config.yml is there again, or else `sudo cloudflared service uninstall`"
                    .to_owned(),
            ],
        ),
    };
    let folders = "folders, even if they are empty now";
    [programs, folders].map(str::to_owned).into_iter().chain(rest).collect()
}
