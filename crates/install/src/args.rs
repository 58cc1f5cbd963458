//! The three subcommands of `homefire-node` that belong here; the program needs one line for each.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;

use crate::apply::{Halfway, Site, apply};
use crate::oci_retry::policy::{End, targets};
use crate::oci_retry::reply::owners_command;
use crate::oci_retry::{Launch, World, drive};
use crate::place::{new_token, random};
use crate::plan::{Access, Gpu, Options, Plan, System, plan};
use crate::role::Role;
use crate::runner::{Command, Machine, Runner};
use crate::uninstall::uninstall;
use crate::value::{AbsolutePath, Audience, HostName, Model, Team, TunnelId, User};

/// Why a subcommand did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What was asked for cannot be: a matter of the command line.
    #[error("{0}")]
    Refused(String),
    /// It stopped on its way.
    #[error(transparent)]
    Halfway(#[from] Halfway),
    /// A file or a program failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Make this machine a node, for good: what is written is enabled and survives a restart.
#[derive(Debug, Clone, Args)]
pub struct InstallArgs {
    /// What the machine is there for: sets its models and their context.
    #[arg(long)]
    role: Role,
    /// The name that the tunnel publishes, such as mini.example.com.
    #[arg(long, value_name = "NAME")]
    hostname: HostName,
    /// The tunnel's UUID, as `cloudflared tunnel list` shows it.
    #[arg(long, value_name = "UUID")]
    tunnel: TunnelId,
    /// The account that Ollama runs as; on macOS the guard, too. On Linux `ollama` unless named.
    #[arg(long, value_name = "NAME")]
    user: Option<User>,
    /// The tunnel's credentials; `/etc/cloudflared/<UUID>.json` unless named.
    #[arg(long, value_name = "PATH")]
    credentials: Option<AbsolutePath>,
    /// The Access team, so that the node checks Access itself.
    #[arg(long, value_name = "TEAM", requires = "access_audience")]
    access_team: Option<Team>,
    /// The Access application's audience tag.
    #[arg(long, value_name = "TAG", requires = "access_team")]
    access_audience: Option<Audience>,
    /// Where homefire-node is.
    #[arg(long, value_name = "PATH", default_value = "/usr/local/bin/homefire-node")]
    guard: AbsolutePath,
    /// Where ollama is; Homebrew's place on macOS, /usr/local/bin/ollama on Linux unless named.
    #[arg(long, value_name = "PATH")]
    ollama: Option<AbsolutePath>,
    /// Where cloudflared is, which on macOS is started, too; Homebrew's place unless named.
    #[arg(long, value_name = "PATH", default_value = "/opt/homebrew/bin/cloudflared")]
    cloudflared: AbsolutePath,
    /// Where the models lie, if not in Ollama's usual folder.
    #[arg(long, value_name = "PATH")]
    models_folder: Option<AbsolutePath>,
    /// A model that may be asked for, best first; can be given several times.
    #[arg(long = "model", value_name = "NAME")]
    models: Vec<Model>,
    /// Tokens of prompt and answer together.
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(512..=1_048_576))]
    context: Option<u32>,
    /// Ollama uses a GPU (Linux): leaves its devices in reach.
    #[arg(long, conflicts_with = "no_gpu")]
    gpu: bool,
    /// Ollama does without the GPU that the machine has (Linux).
    #[arg(long)]
    no_gpu: bool,
    /// The system to set up; this machine's unless named.
    #[arg(long)]
    system: Option<System>,
    /// Print every file and every command, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Take back what `install` did: what it wrote and nobody changed goes, what was there before returns.
#[derive(Debug, Clone, Args)]
pub struct UninstallArgs {
    /// Print what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Try to launch an Oracle instance until there is room for it. Stop it whenever you like: it goes on where it was.
#[derive(Debug, Clone, Args)]
pub struct OciRetryArgs {
    /// An availability domain, as `oci iam availability-domain list` names it; can be given several times.
    #[arg(long = "availability-domain", value_name = "NAME", required = true)]
    availability: Vec<String>,
    /// A fault domain; can be given several times.
    #[arg(long = "fault-domain", value_name = "NAME", default_values = ["FAULT-DOMAIN-1", "FAULT-DOMAIN-2", "FAULT-DOMAIN-3"])]
    faults: Vec<String>,
    /// What a restart goes on from.
    #[arg(long, value_name = "PATH", default_value = "oci-retry.json")]
    state: PathBuf,
    /// Where each try leaves its line, besides standard output.
    #[arg(long, value_name = "PATH", default_value = "oci-retry.log")]
    log: PathBuf,
    /// The command that launches the instance, without a place: oci compute instance launch …
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl InstallArgs {
    /// Does it, or shows it.
    pub fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        let system = self.system.map_or_else(here, Ok)?;
        let (role, dry_run) = (self.role, self.dry_run);
        if !dry_run {
            if here()? != system {
                return Err(Failure::Refused(
                    "another system than this one can only be shown: --dry-run".to_owned(),
                ));
            }
            administrator(&mut Machine)?;
        }
        let plan = plan(role, system, &self.options(system)?);
        on_this_machine(out, |site| apply(&plan, dry_run, site))
    }

    fn options(self, system: System) -> Result<Options, Failure> {
        let (user, ollama) = match system {
            System::MacOs => (None, "/opt/homebrew/bin/ollama"),
            System::Linux => (Some("ollama"), "/usr/local/bin/ollama"),
        };
        let user = match (self.user, user) {
            (Some(user), _) => user,
            (None, Some(usual)) => usual.parse().expect("the usual account is a name"),
            (None, None) => {
                return Err(Failure::Refused(
                    "--user is needed on macOS: whose models are served?".to_owned(),
                ));
            }
        };
        Ok(Options {
            host: self.hostname,
            tunnel: self.tunnel,
            credentials: self.credentials,
            access: self
                .access_team
                .zip(self.access_audience)
                .map(|(team, audience)| Access { team, audience }),
            user,
            guard: self.guard,
            ollama: self.ollama.unwrap_or_else(|| ollama.parse().expect("the usual place is a path")),
            cloudflared: self.cloudflared,
            models_folder: self.models_folder,
            models: self.models,
            context: self.context,
            gpu: match (self.gpu, self.no_gpu) {
                (true, _) => Gpu::Used,
                (false, true) => Gpu::Unused,
                (false, false) => Gpu::Unsaid,
            },
        })
    }
}

impl UninstallArgs {
    /// Does it, or shows it.
    pub fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        if !self.dry_run {
            administrator(&mut Machine)?;
        }
        let plan = Plan::empty(here()?);
        on_this_machine(out, |site| uninstall(&plan, self.dry_run, site))
    }
}

impl OciRetryArgs {
    /// Tries until it ends one way or the other; that it was refused is a failure.
    pub fn run(self, out: &mut dyn Write) -> Result<(), Failure> {
        let command = owners_command(&self.command).map_err(Failure::Refused)?;
        let targets = targets(&self.availability, &self.faults);
        let open = |path: &Path| OpenOptions::new().create(true).append(true).open(path);
        // Two that share a state would launch two machines. It is written anew by each try, and so another file is locked.
        let mut lock = self.state.clone().into_os_string();
        lock.push(".lock");
        let lock = open(Path::new(&lock))?;
        lock.try_lock().map_err(|_| Failure::Refused(format!("{} is in use", self.state.display())))?;
        let file = open(&self.log)?;
        let launch = Launch { command, targets, state: &self.state };
        match drive(&launch, &mut Machine, &mut Clock, &mut Both(file, out))? {
            End::Launched(id) => {
                let id = id.unwrap_or_else(|| "the console shows it".to_owned());
                writeln!(
                    out,
                    "There is an instance: {id}. To launch another, remove {}.",
                    self.state.display()
                )?;
                Ok(())
            }
            End::Refused(why) => Err(Failure::Refused(why)),
            End::InDoubt(why) => Err(Failure::Refused(format!(
                "{why}; look in the console whether an instance was launched; then remove the state file {} and start \
                 again",
                self.state.display()
            ))),
        }
    }
}

fn here() -> Result<System, Failure> {
    match std::env::consts::OS {
        "macos" => Ok(System::MacOs),
        "linux" => Ok(System::Linux),
        other => {
            Err(Failure::Refused(format!("{other} is neither macOS nor Linux: name --system with --dry-run")))
        }
    }
}

fn administrator(runner: &mut dyn Runner) -> Result<(), Failure> {
    let output = runner.run(&Command::new("id", ["-u"]))?;
    if output.stdout.trim() != "0" {
        return Err(Failure::Refused("this needs sudo; --dry-run does not".to_owned()));
    }
    Ok(())
}

fn on_this_machine(
    out: &mut dyn Write,
    work: impl FnOnce(&mut Site<'_>) -> Result<(), Halfway>,
) -> Result<(), Failure> {
    let (runner, token) = (&mut Machine, &mut new_token);
    Ok(work(&mut Site { root: Path::new("/"), runner, token, out })?)
}

/// The machine's clock and chance.
struct Clock;

impl World for Clock {
    #[expect(clippy::disallowed_methods, reason = "a restart needs the time of day; this never runs on wasm")]
    fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn sleep(&mut self, pause: Duration) {
        std::thread::sleep(pause);
    }

    fn random(&mut self) -> io::Result<[u8; 16]> {
        random()
    }
}

/// Writes everything twice.
struct Both<'a>(std::fs::File, &'a mut dyn Write);

impl Write for Both<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(bytes)?;
        // Whoever watched may be gone; the file is what counts.
        let _ = self.1.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.1.flush();
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::place::Place;

    #[derive(Parser)]
    enum Cli {
        Install(InstallArgs),
        Uninstall(UninstallArgs),
        OciRetry(OciRetryArgs),
    }

    const TUNNEL: &str = "6ff42ae2-765d-4adf-8112-31c55c1551ef";

    /// What a command line prints, or why it is refused; nothing here may change the machine.
    fn run(line: &str) -> Result<String, String> {
        let cli = Cli::try_parse_from(line.replace("TUNNEL", TUNNEL).split_whitespace());
        let mut out = Vec::new();
        let ended = match cli.map_err(|error| error.to_string())? {
            Cli::Install(args) => {
                assert!(args.dry_run || args.system == Some(System::MacOs), "a test installs nothing");
                args.run(&mut out)
            }
            Cli::Uninstall(args) => {
                assert!(args.dry_run, "a test removes nothing");
                Ok(())
            }
            Cli::OciRetry(args) => owners_command(&args.command).map(|_| ()).map_err(Failure::Refused),
        };
        ended.map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn check(line: &str, expect: Result<&str, &str>) {
        match (run(line), expect) {
            (Ok(said), Ok(part)) | (Err(said), Err(part)) => assert!(said.contains(part), "{line}: {said}"),
            (other, _) => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn lines() {
        let linux =
            "node install --role fallback --hostname a.example.com --tunnel TUNNEL --system linux --dry-run";
        let mac = "node install --role primary --hostname a.example.com --tunnel TUNNEL --system macos";
        check(linux, Ok("# /etc/systemd/system/homefire-node.service, mode 0644\n[Unit]"));
        check(linux, Ok("$ systemctl enable ollama.service homefire-node.service"));
        check(&format!("{linux} --model a:b --model c"), Ok("MODELS=a:b,c\""));
        check(&format!("{mac} --dry-run"), Err("--user is needed on macOS"));
        check(&format!("{mac} --dry-run --user ada"), Ok("$ pmset -a autorestart 1 sleep 0 disksleep 0"));
        check(&linux.replace("a.example.com", "a.example.com:80"), Err("a full host name"));
        check(&format!("{linux} --access-team ada"), Err("--access-audience"));
        check(&format!("{linux} --context 1"), Err("1 is not in"));
        check(linux, Ok("$ sh -c 'for device in /dev/nvidiactl "));
        check(&format!("{linux} --gpu"), Ok("SupplementaryGroups=video render"));
        check(
            &format!("{linux} --no-gpu"),
            Ok("PrivateDevices=yes\nProtectProc=invisible\nSystemCallFilter"),
        );
        check(&format!("{linux} --gpu --no-gpu"), Err("cannot be used with"));
        check("node uninstall --dry-run", Ok(""));
        check("node oci-retry --availability-domain A -- oci compute instance launch -c X", Ok(""));
        check("node oci-retry -- oci compute instance launch", Err("--availability-domain"));
        check("node oci-retry --availability-domain A -- true", Err("must be"));
        if cfg!(target_os = "linux") {
            check(&format!("{mac} --user ada"), Err("another system than this one can only be shown"));
        }
    }

    #[test]
    fn a_launch_through_a_command_line() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let script = "echo '{\"data\": {\"id\": \"'$9'\"}}'\n";
        Place(folder.path()).write("oci", 0o644, script.as_bytes()).unwrap();
        let line =
            ["node", "oci-retry", "--availability-domain", "A", "--state", &at("s"), "--log", &at("l"), "--"];
        let oci = ["sh", &at("oci"), "compute", "instance", "launch", "--shape", "S"];
        let drive = || {
            let Cli::OciRetry(args) = Cli::try_parse_from(line.iter().chain(&oci)).unwrap() else { panic!() };
            let mut out = Vec::new();
            let ended = args.run(&mut out).map_err(|error| error.to_string());
            (ended, String::from_utf8(out).unwrap())
        };
        let (ended, said) = drive();
        ended.unwrap();
        let log = std::fs::read_to_string(at("l")).unwrap();
        assert!(
            log.ends_with("try 1 at A/FAULT-DOMAIN-1: launched FAULT-DOMAIN-1; no further try\n"),
            "{log}"
        );
        assert!(said.starts_with(&log) && said.contains("There is an instance: FAULT-DOMAIN-1."), "{said}");
        drive().0.unwrap();
        assert_eq!(std::fs::read_to_string(at("l")).unwrap().matches(" try 1 ").count(), 1);
        // Another one with the same state, whichever log it writes.
        let other = std::fs::File::open(at("s.lock")).unwrap();
        other.lock().unwrap();
        assert_eq!(drive().0.unwrap_err(), format!("{} is in use", at("s")));
        drop(other);
        std::fs::remove_file(at("s")).unwrap();
        Place(folder.path()).write("oci", 0o644, b"kill -9 $$\n").unwrap();
        let advice = "a signal ended it; look in the console whether an instance was launched; then remove";
        let said = drive().0.unwrap_err();
        assert!(said.starts_with(advice) && said.contains(&at("s")), "{said}");
    }

    #[test]
    fn only_the_administrator() {
        struct Id(&'static str);
        impl Runner for Id {
            fn run(&mut self, _: &Command) -> io::Result<crate::Output> {
                Ok(crate::Output { code: Some(0), stdout: self.0.into(), stderr: String::new() })
            }
        }
        assert!(administrator(&mut Id("0\n")).is_ok());
        assert!(administrator(&mut Id("501\n")).is_err());
    }
}
