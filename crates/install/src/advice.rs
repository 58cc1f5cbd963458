//! What an owner is told: what can go wrong however well it goes, what is left to do, and what taking it back leaves.

use crate::plan::{Options, System};
use crate::role::{GUARD, Settings};
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
        System::MacOs => warnings.extend([
            "FileVault asks for a password before anything starts: with it on, this Mac does not come back by itself \
             after a power failure; `fdesetup status` says whether it is on"
                .to_owned(),
            "quit the Ollama app and take it out of the login items, and end Homebrew's own service, `brew services stop \
             ollama`: each holds the same port as the daemon"
                .to_owned(),
        ]),
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
        format!("see whether it answers: curl -s http://{}/healthz", GUARD),
    ]
}

pub(crate) fn stays(system: System) -> Vec<String> {
    let (programs, rest) = match system {
        System::MacOs => (
            "Ollama itself, its models, and cloudflared",
            "the power settings, whose old values are not known: `pmset -g`, `sudo pmset restoredefaults`",
        ),
        System::Linux => (
            "Ollama itself, its models, and cloudflared with its service",
            "Ollama's own unit is not started: `systemctl enable --now ollama`",
        ),
    };
    [programs, "folders, even if they are empty now", rest].map(str::to_owned).to_vec()
}
