//! Programs that are started here, and end with whoever started them.

use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::process::{Child, Command};

/// A program and all that it started: dropping it ends them all.
#[derive(Debug)]
pub struct Group(Child);

impl Group {
    /// Starts `command` in a process group of its own, without standard input.
    pub fn spawn(mut command: Command) -> Result<Self> {
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).process_group(0);
        Ok(Self(command.spawn().with_context(|| format!("{program} could not be started"))?))
    }

    /// The program itself.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0.id() {
            // A negative id names the group.
            let _ = std::process::Command::new("kill").args(["-KILL", "--", &format!("-{id}")]).status();
        }
    }
}

/// Runs `command` to its end, its output shown as it comes.
pub fn run(command: &mut std::process::Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status =
        command.stdin(Stdio::null()).status().with_context(|| format!("{program} could not be started"))?;
    if !status.success() {
        bail!("{program} ended with {status}");
    }
    Ok(())
}
