//! What must be so before anything is written, each with the words that say what to do where it is not.

use crate::cloudflared;
use crate::plan::{Options, System};
use crate::runner::Command;
use crate::value::AbsolutePath;

pub(crate) fn checks(system: System, options: &Options) -> Vec<Command> {
    let user = options.user.as_str();
    let no_account = format!("there is no account {user}: make it, or name another with --user");
    let mut checks = vec![
        Command::new("id", ["-u", user]).or_say(no_account),
        is_program(&options.ollama, "ollama"),
        is_program(&options.guard, "guard"),
    ];
    checks.extend(match system {
        System::MacOs => macos(options),
        System::Linux => Vec::new(),
    });
    checks
}

fn is_program(path: &AbsolutePath, name: &str) -> Command {
    let words = format!("there is no program {path}: install it, or say where it is with --{name}");
    Command::new("test", ["-x", path.as_str()]).or_say(words)
}

/// On Linux the tunnel is started by a service that is not ours.
fn macos(options: &Options) -> Vec<Command> {
    let credentials = cloudflared::credentials(options);
    let no_credentials = format!(
        "the tunnel's credentials are not at {credentials}: copy there what `cloudflared tunnel create` wrote to \
         ~/.cloudflared, or say where it is with --credentials"
    );
    vec![
        is_program(&options.cloudflared, "cloudflared"),
        Command::new("test", ["-f", &credentials]).or_say(no_credentials),
    ]
}
