//! Takes an installation back: what was written and is unchanged goes, what was there before returns.

use std::fmt;
use std::io;

use crate::apply::{Halfway, Site, carry_out, run};
use crate::place::Place;
use crate::plan::Plan;
use crate::receipt::{Entry, Receipt};
use crate::runner::Command;

/// Reverses [`apply`](crate::apply); with `dry_run` only tells what it would do.
///
/// A file that somebody changed since stays, and is named. A second time goes on where a first one failed.
///
/// # Errors
///
/// The first step that fails ends it. That nothing was installed from here is one.
pub fn uninstall(plan: &Plan, dry_run: bool, site: &mut Site<'_>) -> Result<(), Halfway> {
    let place = Place(site.root);
    let nothing = || io::Error::other("nothing was installed here");
    let receipt = Receipt::read(place, plan.receipt)
        .and_then(|receipt| if receipt.files.is_empty() { Err(nothing()) } else { Ok(receipt) })
        .map_err(|error| Halfway {
            done: Vec::new(),
            failed: format!("read {}", plan.receipt),
            why: error.to_string(),
            left: Vec::new(),
        })?;
    let stop = plan.stop.iter().map(Step::Run);
    let files = receipt.files.iter().rev().map(Step::Undo);
    let settle = plan.settle.iter().map(Step::Run);
    let steps: Vec<Step<'_>> = stop.chain(files).chain([Step::Forget]).chain(settle).collect();
    carry_out(&steps, |step| if dry_run { step.show(plan, site) } else { step.take(plan, site) })?;
    let mut hints = "\nWhat stays:\n".to_owned();
    plan.stays.iter().for_each(|line| hints.push_str(&format!("  - {line}\n")));
    let _ = site.out.write_all(hints.as_bytes());
    Ok(())
}

enum Step<'a> {
    Run(&'a Command),
    Undo(&'a Entry),
    Forget,
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(command) => write!(f, "run {command}"),
            Self::Undo(Entry { path, kept: Some(kept), .. }) => write!(f, "put {kept} back to {path}"),
            Self::Undo(entry) => write!(f, "remove {}", entry.path),
            Self::Forget => f.write_str("forget what was written"),
        }
    }
}

impl Step<'_> {
    fn show(&self, plan: &Plan, site: &mut Site<'_>) -> io::Result<()> {
        let (Self::Undo(entry), place) = (self, Place(site.root)) else {
            return writeln!(site.out, "{self}");
        };
        if place.read(&entry.path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
            return writeln!(site.out, "{self}, unless it was changed, which only sudo can tell");
        }
        match fate(entry, place)? {
            Fate::Before(_) => writeln!(site.out, "leave {}: it is what it was before", entry.path),
            Fate::Theirs(why) => {
                writeln!(site.out, "leave {}: {why}", entry.path)?;
                abandon(plan, entry).try_for_each(|command| writeln!(site.out, "run {command}"))
            }
            Fate::PutBack(_) | Fate::Ours => writeln!(site.out, "{self}"),
            Fate::Gone => writeln!(site.out, "{} is gone already", entry.path),
        }
    }

    fn take(&self, plan: &Plan, site: &mut Site<'_>) -> io::Result<()> {
        match self {
            Self::Run(command) => run(command, site),
            Self::Undo(entry) => undo(entry, plan, site),
            Self::Forget => Place(site.root).remove(plan.receipt),
        }
    }
}

/// What becomes of a file.
enum Fate<'a> {
    /// It is what it was before, of which there is a copy.
    Before(&'a str),
    /// It stays as somebody else's; the words say why.
    Theirs(String),
    /// The copy of what was there before returns.
    PutBack(&'a str),
    /// It is removed.
    Ours,
    /// Somebody has removed it.
    Gone,
}

fn fate<'a>(entry: &'a Entry, place: Place<'_>) -> io::Result<Fate<'a>> {
    let there = match place.read(&entry.path) {
        Ok(there) => there,
        Err(error) => return Ok(Fate::Theirs(error.to_string())),
    };
    let kept = match &entry.kept {
        Some(kept) => place.read(kept)?.map(|content| (kept, content)),
        None => None,
    };
    Ok(match (there, kept) {
        (Some(there), Some((kept, before))) if there == before => Fate::Before(kept),
        (Some(there), kept) if !entry.is_ours(&there) => {
            let copy =
                kept.map_or(String::new(), |(kept, _)| format!("; what was there before is in {kept}"));
            Fate::Theirs(format!("it was changed since it was written{copy}"))
        }
        (_, Some((kept, _))) => Fate::PutBack(kept),
        (Some(_), None) => Fate::Ours,
        (None, None) => Fate::Gone,
    })
}

fn undo(entry: &Entry, plan: &Plan, site: &mut Site<'_>) -> io::Result<()> {
    let (place, path) = (Place(site.root), &entry.path);
    match fate(entry, place)? {
        Fate::Before(kept) => {
            place.remove(kept)?;
            writeln!(site.out, "{path} is what it was before")
        }
        Fate::Theirs(why) => {
            writeln!(site.out, "left {path}: {why}")?;
            abandon(plan, entry).try_for_each(|command| run(command, site))
        }
        Fate::PutBack(kept) => {
            place.rename(kept, path)?;
            writeln!(site.out, "put {path} back as it was before")
        }
        Fate::Ours => {
            place.remove(path)?;
            writeln!(site.out, "removed {path}")
        }
        Fate::Gone => writeln!(site.out, "{path} is gone already"),
    }
}

/// What keeps a file that is left from being started again.
fn abandon<'a>(plan: &'a Plan, entry: &Entry) -> impl Iterator<Item = &'a Command> {
    let path = entry.path.clone();
    plan.abandon.iter().filter(move |(of, _)| *of == path).map(|(_, command)| command)
}
