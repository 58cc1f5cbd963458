//! Carries a plan out, or shows what it would do.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use crate::place::{Place, digest};
use crate::plan::{File, Plan, Secret};
use crate::receipt::Receipt;
use crate::runner::{Command, Runner};
use crate::tokens::tokens;

/// The machine, as far as a plan reaches it.
pub struct Site<'a> {
    /// What paths begin at: `/`, or a test's folder.
    pub root: &'a Path,
    /// Runs the commands.
    pub runner: &'a mut dyn Runner,
    /// Makes the guard's first token.
    pub token: &'a mut dyn FnMut() -> io::Result<String>,
    /// Is told what is done.
    pub out: &'a mut dyn Write,
}

/// A plan that stopped on its way: what was done, what failed and why, what was not tried.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct Halfway {
    /// In the order in which it was done.
    pub done: Vec<String>,
    /// The step that failed.
    pub failed: String,
    /// Why.
    pub why: String,
    /// What would have come after.
    pub left: Vec<String>,
}

impl fmt::Display for Halfway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.failed, self.why)?;
        for (title, steps) in [("done", &self.done), ("not done", &self.left)] {
            let steps = if steps.is_empty() { "nothing".to_owned() } else { steps.join("; ") };
            write!(f, "\n  {title}: {steps}")?;
        }
        Ok(())
    }
}

/// Does what `plan` says, in its order; with `dry_run` only tells it, every file whole.
///
/// A second time does no harm. What was replaced is kept beside the file; [`uninstall`](crate::uninstall) puts it back.
/// Where nothing else is to be written than the last time, a file that its owner has changed since is left.
///
/// # Errors
///
/// The first step that fails ends it.
pub fn apply(plan: &Plan, dry_run: bool, site: &mut Site<'_>) -> Result<(), Halfway> {
    let checks = plan.checks.iter().map(Step::Run).chain([Step::Look(&plan.secret)]);
    let files = plan.files.iter().map(Step::Write).chain([Step::Secret(&plan.secret)]);
    let commands = plan.commands.iter().map(Step::Run);
    let steps: Vec<Step<'_>> = checks.chain(files).chain(commands).collect();
    carry_out(&steps, |step| if dry_run { step.show(site) } else { step.take(plan, site) })?;
    let mut hints = String::new();
    for (title, lines) in [("Mind", &plan.warnings), ("Left for you", &plan.next)] {
        hints.push_str(&format!("\n{title}:\n"));
        lines.iter().for_each(|line| hints.push_str(&format!("  - {line}\n")));
    }
    // Everything is done: a reader who has gone away changes nothing about it.
    let _ = site.out.write_all(hints.as_bytes());
    Ok(())
}

/// Takes steps until one fails.
pub(crate) fn carry_out<S: fmt::Display>(
    steps: &[S],
    mut take: impl FnMut(&S) -> io::Result<()>,
) -> Result<(), Halfway> {
    for (index, step) in steps.iter().enumerate() {
        let told = |steps: &[S]| steps.iter().map(ToString::to_string).collect();
        take(step).map_err(|error| Halfway {
            done: told(&steps[..index]),
            failed: step.to_string(),
            why: error.to_string(),
            left: told(&steps[index + 1..]),
        })?;
    }
    Ok(())
}

enum Step<'a> {
    Look(&'a Secret),
    Write(&'a File),
    Secret(&'a Secret),
    Run(&'a Command),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Look(secret) => write!(f, "look at {}", secret.path),
            Self::Write(file) => write!(f, "write {}", file.path),
            Self::Secret(secret) => write!(f, "make {}", secret.path),
            Self::Run(command) => write!(f, "run {command}"),
        }
    }
}

impl Step<'_> {
    fn show(&self, site: &mut Site<'_>) -> io::Result<()> {
        match self {
            // Only sudo can, and that is not asked for.
            Self::Look(_) => Ok(()),
            Self::Write(file) => {
                let unless =
                    if file.unless.is_some() { ", unless the machine has one of its own" } else { "" };
                writeln!(site.out, "# {}, mode {:04o}{unless}\n{}", file.path, file.mode, file.content)
            }
            Self::Secret(secret) => {
                writeln!(site.out, "# {}, mode 0600: a new token, unless it is there\n", secret.path)
            }
            Self::Run(command) => {
                let note = if command.may_fail { "   # may fail" } else { "" };
                writeln!(site.out, "$ {command}{note}")
            }
        }
    }

    fn take(&self, plan: &Plan, site: &mut Site<'_>) -> io::Result<()> {
        match self {
            Self::Look(secret) => look(secret, site),
            Self::Write(file) => write(file, plan, site),
            Self::Secret(secret) => make(secret, plan, site),
            Self::Run(command) => run(command, site),
        }
    }
}

/// Whether the guard would start with the tokens that are there. What cannot be read is told when they are due.
fn look(secret: &Secret, site: &Site<'_>) -> io::Result<()> {
    match Place(site.root).read(secret.path) {
        Ok(Some(there)) => tokens(&there).map(|_| ()).map_err(io::Error::other),
        Ok(None) | Err(_) => Ok(()),
    }
}

fn write(file: &File, plan: &Plan, site: &mut Site<'_>) -> io::Result<()> {
    let (place, path, content) = (Place(site.root), &file.path, file.content.as_bytes());
    let mut receipt = Receipt::read(place, plan.receipt)?;
    let there = place.read(path)?;
    let foreign = there.as_deref().filter(|there| !receipt.wrote(path, there));
    if let Some(other) = instead(file, there.is_some(), foreign.is_some(), place) {
        return writeln!(site.out, "left {other}, which is the machine's own: there is no need of ours");
    }
    if foreign.is_some() && receipt.installed(path, content) {
        return writeln!(
            site.out,
            "left {path}: it was changed since it was written, and nothing new is to be written; to have it anew, \
             move it away first"
        );
    }
    let kept = foreign.map(|foreign| keep(path, foreign, site)).transpose()?;
    receipt.note(path, content, kept);
    receipt.write(place, plan.receipt)?;
    let is_good = there.as_deref() == Some(content) && place.mode(path)? == file.mode;
    if !is_good {
        place.write(path, file.mode, content)?;
    }
    receipt.settle(path, content);
    receipt.write(place, plan.receipt)?;
    if is_good { writeln!(site.out, "{path} is as it should be") } else { writeln!(site.out, "wrote {path}") }
}

/// Whose file does as well as this one.
fn instead<'a>(file: &'a File, is_there: bool, is_foreign: bool, place: Place<'_>) -> Option<&'a str> {
    let elsewhere = file.unless?;
    if is_there {
        return is_foreign.then_some(&file.path);
    }
    elsewhere.iter().copied().find(|path| place.has(path))
}

/// Keeps what somebody else wrote, under a name that tells one content from another.
fn keep(path: &str, content: &[u8], site: &mut Site<'_>) -> io::Result<String> {
    let kept = format!("{path}.before-homefire-{}", &digest(content)[..8]);
    Place(site.root).name_again(path, &kept)?;
    writeln!(site.out, "kept what was at {path} as {kept}")?;
    Ok(kept)
}

fn make(secret: &Secret, plan: &Plan, site: &mut Site<'_>) -> io::Result<()> {
    const MODE: u32 = 0o600;
    let place = Place(site.root);
    if place.read(secret.path)?.is_some() {
        if place.mode(secret.path)? != MODE {
            place.set_mode(secret.path, MODE)?;
            return writeln!(site.out, "{} is there, and now nobody else's to read", secret.path);
        }
        return writeln!(site.out, "{} is there already", secret.path);
    }
    let token = (site.token)()? + "\n";
    let mut receipt = Receipt::read(place, plan.receipt)?;
    receipt.note(secret.path, token.as_bytes(), None);
    receipt.write(place, plan.receipt)?;
    place.write(secret.path, MODE, token.as_bytes())?;
    writeln!(site.out, "made a token in {}", secret.path)
}

pub(crate) fn run(command: &Command, site: &mut Site<'_>) -> io::Result<()> {
    let why = match (site.runner.run(command), &command.otherwise) {
        (Ok(output), _) if output.code == Some(0) => return writeln!(site.out, "ran {command}"),
        (Ok(_), Some(words)) => words.clone(),
        (Ok(output), None) => {
            let code = output.code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
            format!("it ended with {code}: {}", output.stderr.trim())
        }
        (Err(error), _) => format!("it could not be started: {error}"),
    };
    if command.may_fail {
        return writeln!(site.out, "ran {command}, in vain, which may be");
    }
    Err(io::Error::other(why))
}
