//! What must be so before anything is written, each with the words that say what to do where it is not.

use crate::plan::{Gpu, Options, System};
use crate::runner::Command;
use crate::value::AbsolutePath;
use crate::{cloudflared, launchd};

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
        System::Linux => linux(options),
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
    let (user, home) = (&options.user, launchd::home(&options.user));
    let no_home = format!(
        "the account {user} has no folder {home}, which Ollama is to have as its home: name an account that has, with \
         --user"
    );
    vec![
        is_program(&options.cloudflared, "cloudflared"),
        Command::new("test", ["-f", &credentials]).or_say(no_credentials),
        Command::new("test", ["-d", &home]).or_say(no_home),
    ]
}

/// What a working Ollama has, and would lose without a word.
fn linux(options: &Options) -> Vec<Command> {
    match options.gpu {
        Gpu::Used => Vec::new(),
        Gpu::Unused => vec![no_capabilities(&options.ollama)],
        Gpu::Unsaid => vec![no_gpu(), no_capabilities(&options.ollama)],
    }
}

fn no_gpu() -> Command {
    let look =
        "for device in /dev/nvidiactl /dev/kfd /dev/dri/renderD*; do [ ! -e \"$device\" ] || exit 1; done";
    let words =
        "there is a GPU, which Ollama reaches only with --gpu: say --gpu, or --no-gpu if it is to do without";
    Command::new("sh", ["-c", look]).or_say(words.to_owned())
}

/// Nobody may start a program that asks for capabilities which its unit leaves to nobody.
fn no_capabilities(program: &AbsolutePath) -> Command {
    // It says nothing of a link, and where it is missing nothing is known.
    let look = "! command -v getcap >/dev/null || [ -z \"$(getcap \"$(readlink -f \"$1\")\")\" ]";
    let words = format!(
        "{program} carries capabilities, as `getcap` shows, and cannot be started without them: say --gpu if they are a \
         GPU's, or take them off: sudo setcap -r \"$(readlink -f {program})\""
    );
    Command::new("sh", ["-c", look, "sh", program.as_str()]).or_say(words)
}
