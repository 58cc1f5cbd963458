//! Tries to launch an instance until there is room for it, through the owner's own `oci` command line.
//!
//! [`policy`] decides, [`reply`] reads what the command line said, and this drives the two: what is about to be tried is
//! kept before it is tried, so that a restart in mid-try asks again for the same thing with the same token and never for
//! a second machine. Where the command line takes no token, a try whose end is unknown is the last one.

pub mod policy;
pub mod reply;

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use crate::place::{Place, hex};
use crate::runner::{Command, Runner};
use policy::{End, Next, Policy, State, Target};
use reply::{Outcome, Skills};

/// What a retry needs from the world besides programs.
pub trait World {
    /// Seconds since 1970.
    fn now(&self) -> u64;
    /// Comes back after `pause`.
    fn sleep(&mut self, pause: Duration);
    /// Bytes that nobody can foresee.
    fn random(&mut self) -> io::Result<[u8; 16]>;
}

/// An instance that is wanted.
pub struct Launch<'a> {
    /// The owner's command, without a place: `oci compute instance launch …`.
    pub command: Command,
    /// Where it may be, in the order in which it is tried.
    pub targets: Vec<Target>,
    /// The file that a restart goes on from.
    pub state: &'a Path,
}

/// Tries until there is an instance or no sense in trying. Each try leaves one line in `log`.
///
/// # Errors
///
/// The state or the log cannot be written: then nothing more is tried, for a restart would not know of it.
pub fn drive(
    launch: &Launch<'_>,
    runner: &mut dyn Runner,
    world: &mut dyn World,
    log: &mut dyn Write,
) -> io::Result<End> {
    let mut policy = Policy::new(launch.targets.clone(), read(launch.state)?);
    let skills = Skills::of(&launch.command, runner).map_err(|error| {
        io::Error::other(format!("{} could not be started: {error}", launch.command.program))
    })?;
    if !skills.retry_token {
        writeln!(log, "{} this oci takes no --opc-retry-token: a lost reply will end it", stamp(world))?;
    }
    let mut next = policy.next(world.now());
    loop {
        let (target, at) = match next {
            Next::Try { target, at } => (target, at),
            Next::Stop(end) => return Ok(end),
        };
        let now = world.now();
        if at > now {
            world.sleep(Duration::from_secs(at - now));
            // The machine may have slept for longer than a token lives.
            next = policy.next(world.now());
            continue;
        }
        let fresh = if skills.retry_token { Some(hex(&world.random()?)) } else { None };
        let token = policy.begin(fresh.as_deref(), now);
        write(launch.state, policy.state())?;
        let outcome = ask(&skills.command(&launch.command, &target, token.as_deref()), runner);
        next = policy.after(&outcome, world.now(), chance(world.random()?));
        write(launch.state, policy.state())?;
        log_line(log, world, &policy, &target, &outcome, &next)?;
    }
}

fn ask(command: &Command, runner: &mut dyn Runner) -> Outcome {
    match runner.run(command) {
        Ok(output) => Outcome::read(&output),
        Err(error) => Outcome::Refused(format!("{} could not be started: {error}", command.program)),
    }
}

fn log_line(
    log: &mut dyn Write,
    world: &dyn World,
    policy: &Policy,
    target: &Target,
    outcome: &Outcome,
    next: &Next,
) -> io::Result<()> {
    let tries = policy.state().tries;
    write!(log, "{} try {tries} at {target}: {outcome}", stamp(world))?;
    match next {
        Next::Try { target, at } => {
            writeln!(log, "; next in {} s at {target}", at.saturating_sub(world.now()))?
        }
        Next::Stop(_) => writeln!(log, "; no further try")?,
    }
    log.flush()
}

fn stamp(world: &dyn World) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(world.now())).to_string()
}

/// From 0 to 1.
fn chance(random: [u8; 16]) -> f64 {
    f64::from(u16::from_le_bytes([random[0], random[1]])) / f64::from(u16::MAX)
}

fn read(path: &Path) -> io::Result<State> {
    match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|error| io::Error::other(format!("{}: {error}", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(State::default()),
        Err(error) => Err(io::Error::other(format!("{}: {error}", path.display()))),
    }
}

fn write(path: &Path, state: &State) -> io::Result<()> {
    let text = serde_json::to_string_pretty(state).map_err(io::Error::other)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Place(folder).write(&name, 0o600, text.as_bytes())
}

#[cfg(test)]
mod tests;
