//! Programs that are started here, and end with whoever started them, however that comes to its end.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use homefire_core::config::VARIABLES;
use tempfile::TempDir;
use tokio::process::Child;
use tokio::time::{sleep, timeout};

/// A program to be started.
#[derive(Debug)]
pub struct Program {
    /// What starts it.
    pub command: tokio::process::Command,
    /// What it is told and what it writes: nothing of it stays when the program has ended.
    pub folder: Option<TempDir>,
}

impl From<tokio::process::Command> for Program {
    fn from(command: tokio::process::Command) -> Self {
        Self { command, folder: None }
    }
}

/// A program and all that it started, in a process group of its own: dropping it ends them all.
#[derive(Debug)]
pub struct Group {
    child: Child,
    _watch: Watch,
    // Dropped behind those who write there.
    _folder: Option<Folder>,
}

/// Gone when it is dropped. Who was killed just then may still be writing.
#[derive(Debug)]
struct Folder(TempDir);

impl Drop for Folder {
    fn drop(&mut self) {
        for _ in 0..50 {
            if std::fs::remove_dir_all(self.0.path()).is_ok() || !self.0.path().exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Group {
    /// Starts `program` without standard input.
    pub fn spawn(program: impl Into<Program>) -> Result<Self> {
        let Program { mut command, folder } = program.into();
        let name = command.as_std().get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("{name} could not be started"))?;
        let id = child.id().context("a program that nobody waited for has an id")?;
        let watch = Watch::over(id, folder.as_ref().map(TempDir::path))?;
        Ok(Self { child, _watch: watch, _folder: folder.map(Folder) })
    }

    /// Waits until the service that this is answers at `port`.
    pub async fn ready(&mut self, port: u16, patience: Duration) -> Result<()> {
        let client = homefire_native::client().build()?;
        let answers = async {
            loop {
                if let Some(status) = self.child.try_wait()? {
                    bail!("the program that serves ended with {status}");
                }
                let reply = client.get(format!("http://127.0.0.1:{port}/api/terminal")).send().await;
                if reply.is_ok_and(|reply| reply.status() == 405) {
                    return Ok(());
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(patience, answers).await.with_context(|| format!("it does not answer within {patience:?}"))?
    }

    /// The program itself.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }
}

/// Gives `command` these of the service's variables and no others: those that this process was started with lead to the
/// owner's own nodes, store and mail.
pub fn configure(
    command: &mut tokio::process::Command,
    variables: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>,
) {
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.envs(variables);
}

/// Runs `command` to its end, its output shown as it comes.
pub fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .with_context(|| format!("{program} could not be started"))?;
    let status = match Watch::over(child.id(), None) {
        Ok(_watch) => child.wait()?,
        Err(error) => {
            child.kill()?;
            child.wait()?;
            return Err(error);
        }
    };
    if !status.success() {
        bail!("{program} ended with {status}");
    }
    Ok(())
}

/// A member of a process group that kills it on drop, or when its own input ends because this process is gone: then it
/// removes the group's folder, too, which nobody else would.
///
/// Being a member it also keeps the group's id from being given to somebody else.
#[derive(Debug)]
struct Watch(std::process::Child);

/// Whoever still writes into the folder is given a second to end.
const WATCH: &str =
    "read word || { trap '' TERM; kill -TERM 0; sleep 1; rm -rf \"$@\" || rm -rf \"$@\"; }; kill -KILL 0";

impl Watch {
    fn over(group: u32, folder: Option<&Path>) -> Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", WATCH, "sh"]).args(folder);
        shell.process_group(i32::try_from(group)?);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(shell.spawn().context("sh could not be started")?))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(mut input) = self.0.stdin.take() {
            // It may have ended with its group.
            let _ = input.write_all(b"\n");
        }
        // It ends by the signal that it sends.
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_programs_end_is_told() {
        assert!(run(&mut sh("exit 0")).is_ok());
        let error = run(&mut sh("exit 3")).unwrap_err().to_string();
        assert!(error.contains("exit status: 3"), "{error}");
        let error = run(&mut Command::new("no-such-program")).unwrap_err().to_string();
        assert_eq!(error, "no-such-program could not be started");
    }

    #[test]
    fn the_owners_variables_are_kept_from_a_program() {
        let mut command = tokio::process::Command::new("sh");
        configure(&mut command, [("RATE_LIMIT", "0")]);
        let told: Vec<_> = command.as_std().get_envs().collect();
        for name in VARIABLES {
            let value = (*name == "RATE_LIMIT").then_some("0");
            assert!(told.contains(&(name.as_ref(), value.map(AsRef::as_ref))), "{name}: {told:?}");
        }
    }

    #[tokio::test]
    async fn what_a_program_started_ends_with_it() {
        let mut command = tokio::process::Command::from(sh("sleep 600 & echo $!; wait"));
        command.stdout(Stdio::piped());
        let mut group = Group::spawn(command).unwrap();
        let output = group.child().stdout.take().unwrap();
        let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(output));
        let sleeper = lines.next_line().await.unwrap().unwrap();
        let is_there = || sh(&format!("kill -0 {sleeper}")).stderr(Stdio::null()).status().unwrap().success();
        assert!(is_there());
        drop(group);
        // The end of the output comes when the last of the group has let go of it.
        assert_eq!(lines.next_line().await.unwrap(), None);
    }

    /// A program that has written to its folder.
    async fn writer() -> (Group, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let mut command = tokio::process::Command::from(sh("mkdir a; echo b > a/b; echo; sleep 600"));
        command.current_dir(&path).stdout(Stdio::piped());
        let mut group = Group::spawn(Program { command, folder: Some(folder) }).unwrap();
        let output = group.child().stdout.take().unwrap();
        tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(output)).next_line().await.unwrap();
        assert!(path.join("a/b").exists());
        (group, path)
    }

    #[tokio::test]
    async fn a_programs_folder_goes_with_it() {
        let (group, folder) = writer().await;
        drop(group);
        assert!(!folder.exists());
        let (mut group, folder) = writer().await;
        // As when this process is killed.
        drop(group._watch.0.stdin.take());
        assert!(!group.child().wait().await.unwrap().success());
        let is_gone = async {
            while folder.exists() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(30), is_gone).await.expect("it goes behind who writes there");
    }
}
