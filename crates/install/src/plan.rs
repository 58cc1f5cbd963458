//! What a node needs, as a value: nothing here touches the machine.

use crate::role::{Role, Settings};
use crate::runner::Command;
use crate::value::{AbsolutePath, Audience, HostName, Model, Team, TunnelId, User};
use crate::{advice, checks, cloudflared, launchd, polkit, systemd};

/// An operating system that nodes run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum System {
    /// With launchd.
    #[value(name = "macos")]
    MacOs,
    /// With systemd, 247 or newer: older ones load no credentials.
    Linux,
}

impl System {
    /// Where an installed guard hears `drain` and `resume`.
    pub const fn socket(self) -> &'static str {
        match self {
            // What lies in /var/run is gone with each start, and launchd makes no folder there.
            Self::MacOs => "/usr/local/var/homefire-node/run/control.sock",
            Self::Linux => "/run/homefire-node/control.sock",
        }
    }
}

/// What the owner says about a node. The values are checked already.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name that the tunnel publishes.
    pub host: HostName,
    /// The tunnel.
    pub tunnel: TunnelId,
    /// The tunnel's credentials; `/etc/cloudflared/<tunnel>.json` otherwise.
    pub credentials: Option<AbsolutePath>,
    /// Access, where `cloudflared` and the guard are to check its JWT.
    pub access: Option<Access>,
    /// The account that Ollama runs as, and on macOS the guard.
    pub user: User,
    /// The program `homefire-node`.
    pub guard: AbsolutePath,
    /// The program `ollama`.
    pub ollama: AbsolutePath,
    /// The program `cloudflared`. On Linux its own service starts it.
    pub cloudflared: AbsolutePath,
    /// Where the models lie, if not in Ollama's usual folder.
    pub models_folder: Option<AbsolutePath>,
    /// What may be asked for, best first; the role's models if empty.
    pub models: Vec<Model>,
    /// Tokens of prompt and answer together; the role's if none.
    pub context: Option<u32>,
    /// Whether Ollama uses a GPU. Linux alone asks.
    pub gpu: Gpu,
}

/// Whether Ollama uses a GPU. Its devices are in reach only where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gpu {
    /// It does.
    Used,
    /// It does not, whether there is one or not.
    Unused,
    /// Nobody has said: refused where there is one.
    Unsaid,
}

/// The Access application in front of the tunnel.
#[derive(Debug, Clone)]
pub struct Access {
    /// Whose keys sign.
    pub team: Team,
    /// Which application they sign for.
    pub audience: Audience,
}

/// Everything that makes a machine a node, and that unmakes it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The system that it is for.
    pub system: System,
    /// Run first: unless all succeed nothing is written.
    pub checks: Vec<Command>,
    /// Written next, in this order.
    pub files: Vec<File>,
    /// Made then, unless it is there: the guard's tokens.
    pub secret: Secret,
    /// Run last, in this order.
    pub commands: Vec<Command>,
    /// Run before anything is removed.
    pub stop: Vec<Command>,
    /// Run when everything is removed.
    pub settle: Vec<Command>,
    /// Run where the file of that path is left because its owner has changed it: nothing starts from it any more.
    pub abandon: Vec<(String, Command)>,
    /// What was written, so that it can be told from what others wrote.
    pub receipt: &'static str,
    /// What can go wrong however well this goes.
    pub warnings: Vec<String>,
    /// What is left for the owner to do.
    pub next: Vec<String>,
    /// What taking it back leaves as it is.
    pub stays: Vec<String>,
}

/// A file whose every byte is known beforehand, and no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Absolute.
    pub path: String,
    /// Permissions, as for `chmod`.
    pub mode: u32,
    /// The whole of it.
    pub content: String,
    /// Where others keep a file that does as well: unless there is one, or somebody else's at `path`, it is written.
    /// None if it is written whatever there is.
    pub unless: Option<&'static [&'static str]>,
}

/// A file whose content no plan, no argument and no output ever holds. Its mode is 0600.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Absolute.
    pub path: &'static str,
}

/// What makes a machine of this `system` a node with this `role`.
pub fn plan(role: Role, system: System, options: &Options) -> Plan {
    let settings = Settings::of(role, options);
    let mut plan = Plan::empty(system);
    plan.checks = checks::checks(system, options);
    plan.files = match system {
        System::MacOs => vec![
            file(launchd::path(launchd::OLLAMA_LABEL), launchd::ollama(&settings, options)),
            file(launchd::path(launchd::GUARD_LABEL), launchd::guard(&settings, options)),
            file(launchd::path(launchd::TUNNEL_LABEL), launchd::tunnel(options)),
        ],
        System::Linux => vec![
            File {
                unless: Some(systemd::OLLAMA_ELSEWHERE),
                ..file(systemd::path(systemd::OLLAMA_UNIT), systemd::ollama(&settings, options))
            },
            file(systemd::path(systemd::OLLAMA_DROP_IN), systemd::ollama_drop_in(&settings, options)),
            file(systemd::path(systemd::GUARD_UNIT), systemd::guard(&settings, options)),
            file(polkit::PATH.to_owned(), polkit::rules()),
        ],
    };
    plan.files.push(file(cloudflared::CONFIG.to_owned(), cloudflared::config(options)));
    plan.commands = match system {
        System::MacOs => macos_commands(options),
        System::Linux => linux_commands(),
    };
    plan.warnings = advice::warnings(system, options);
    plan.next = advice::next(system, &settings, options, plan.secret.path);
    plan
}

impl Plan {
    /// What is known without any options: enough to take an installation back.
    pub fn empty(system: System) -> Self {
        let (secret, receipt, stop, settle, abandon) = match system {
            System::MacOs => {
                let abandon = ENDING.map(|label| (launchd::path(label), disable(label))).to_vec();
                let receipt = "/usr/local/var/homefire-node/installed.json";
                (launchd::TOKENS, receipt, end(), Vec::new(), abandon)
            }
            System::Linux => {
                let units = ["disable", "--now", systemd::GUARD_UNIT, systemd::OLLAMA_UNIT];
                let stop = vec![Command::new("systemctl", units).or_not()];
                let settle = vec![Command::new("systemctl", ["daemon-reload"])];
                (systemd::TOKENS, "/var/lib/homefire-install/installed.json", stop, settle, Vec::new())
            }
        };
        let (secret, nothing) = (Secret { path: secret }, Vec::new);
        let (checks, files, commands) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            system,
            checks,
            files,
            secret,
            commands,
            stop,
            settle,
            abandon,
            receipt,
            warnings: nothing(),
            next: nothing(),
            stays: advice::stays(system),
        }
    }
}

fn file(path: String, content: String) -> File {
    File { path, mode: 0o644, content, unless: None }
}

/// The daemons in the order in which they end: each may need the next one for what it has in flight.
const ENDING: [&str; 3] = [launchd::TUNNEL_LABEL, launchd::GUARD_LABEL, launchd::OLLAMA_LABEL];

fn end() -> Vec<Command> {
    ENDING.into_iter().flat_map(|label| [bootout(label), gone(label)]).collect()
}

fn bootout(label: &str) -> Command {
    Command::new("launchctl", ["bootout", &format!("system/{label}")]).or_not()
}

/// Until it is enabled again, which an installation does.
fn disable(label: &str) -> Command {
    Command::new("launchctl", ["disable", &format!("system/{label}")]).or_not()
}

/// Waits until a daemon has ended, which the guard does when it has drained: launchd does not load it twice.
fn gone(label: &str) -> Command {
    let is_there = format!("launchctl print system/{label} >/dev/null 2>&1");
    let wait = format!("n=0; while [ $n -lt 100 ] && {is_there}; do n=$((n+1)); sleep 1; done");
    Command::new("sh", ["-c", &wait])
}

fn macos_commands(options: &Options) -> Vec<Command> {
    let user = options.user.as_str();
    let mut commands = vec![
        Command::new("install", ["-d", "-m", "0750", "-o", user, launchd::LOGS]),
        Command::new("install", ["-d", "-m", "0700", "-o", user, &format!("{}/run", launchd::STATE)]),
        Command::new("chown", [user, launchd::TOKENS]),
    ];
    // Of an earlier installation: launchd reads a daemon's file only when it is loaded.
    commands.extend(end());
    for label in ENDING.into_iter().rev() {
        commands.push(Command::new("launchctl", ["enable", &format!("system/{label}")]));
        commands.push(Command::new("launchctl", ["bootstrap", "system", &launchd::path(label)]));
    }
    commands.push(Command::new("pmset", ["-a", "autorestart", "1", "sleep", "0", "disksleep", "0"]));
    commands
}

fn linux_commands() -> Vec<Command> {
    let units = [systemd::OLLAMA_UNIT, systemd::GUARD_UNIT];
    vec![
        Command::new("systemctl", ["daemon-reload"]),
        Command::new("systemctl", ["enable"].into_iter().chain(units)),
        Command::new("systemctl", ["restart"].into_iter().chain(units)),
    ]
}
