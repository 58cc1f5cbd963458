//! The service on one of its three runtimes, as `dev` starts it.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use homefire::process::{Group, Program, configure};
use homefire::{tools, wrangler};
use homefire_core::config::VARIABLES;
use homefire_core::service::{self, Service};
use homefire_native::Native;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::{On, events, variables};
use crate::{Refused, setup, worker};

/// `vercel dev` compiles a function when it is first asked for.
const PATIENCE: Duration = Duration::from_secs(600);

/// A service that runs, until this is dropped.
pub(crate) struct Running {
    port: u16,
    how: How,
}

enum How {
    Native(JoinHandle<()>),
    Program(Box<Group>),
}

impl Running {
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Resolves when it ends by itself, which it should not.
    pub(crate) async fn ended(&mut self) -> Result<()> {
        match &mut self.how {
            How::Native(task) => task.await.context("the server ended")?,
            How::Program(group) => {
                let status = group.child().wait().await?;
                bail!("the program that serves ended with {status}");
            }
        }
        bail!("the server ended")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let How::Native(task) = &self.how {
            task.abort();
        }
    }
}

/// Starts the service and waits until it answers.
pub(crate) async fn start(on: On, port: u16, variables: &[(String, String)]) -> Result<Running> {
    // Held for a moment only, so that what is started elsewhere fails here, and in plain words.
    let listener = match TcpListener::bind(("127.0.0.1", port)).await {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!("port {port} is taken; --port takes another one, 0 any that is free")
        }
        result => result.with_context(|| format!("port {port}"))?,
    };
    let port = listener.local_addr()?.port();
    let how = match on {
        On::Native => How::Native(native(listener, variables)?),
        On::Workerd => {
            worker::build()?;
            let inspector = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
            drop(listener);
            program(wrangler::dev(port, inspector, variables)?, port).await?
        }
        On::Vercel => {
            refuse_file(variables, &variables::of_file()?)?;
            setup::vercel()?;
            drop(listener);
            tell!("Starting vercel dev. It compiles the function first …");
            program(vercel(port, variables), port).await?
        }
    };
    Ok(Running { port, how })
}

fn native(listener: TcpListener, variables: &[(String, String)]) -> Result<JoinHandle<()>> {
    let find = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let service = Service::from_reader(find).map_err(|faults| Refused(faults.to_string()))?;
    let platform = Native::with_log(&service.config.deadlines, |line| {
        events::show_line(&serde_json::to_string(line).expect("events have string keys and serialize"));
    });
    let (public, service) = (tools::root().join("public"), Arc::new(service));
    let rounds = rounds(platform.clone(), Arc::clone(&service));
    let serve = homefire_native::serve(listener, platform, service, public, std::future::pending());
    #[expect(clippy::disallowed_methods, reason = "the task is held, and aborted when it is dropped")]
    Ok(tokio::spawn(async move {
        tokio::select! {
            () = serve => {}
            () = rounds => {}
        }
    }))
}

/// The monitor on a timer, as the triggers of the platforms are.
async fn rounds(platform: Native, service: Arc<Service>) {
    loop {
        service::round(&platform, &service).await;
        sleep(service.config.monitor.period).await;
    }
}

fn vercel(port: u16, variables: &[(String, String)]) -> Command {
    let mut command = Command::new(tools::npm_tool("vercel"));
    command.args(["dev", "--local", "--yes", "--listen", &format!("127.0.0.1:{port}")]);
    configure(&mut command, variables.iter().cloned());
    command.env("VERCEL_TELEMETRY_DISABLED", "1").current_dir(tools::root());
    command
}

/// `vercel dev` reads `.env` itself, and believes it more than what it is told here, also of what it is not told.
fn refuse_file(variables: &[(String, String)], file: &HashMap<String, String>) -> Result<()> {
    let meant = |name: &str| variables.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value);
    let differs = |name: &&str| file.get(*name).is_some_and(|value| value != meant(name));
    let names: Vec<&str> = VARIABLES.iter().copied().filter(differs).collect();
    match names.is_empty() {
        true => Ok(()),
        false => Err(Refused(format!(
            "vercel dev would take {} from .env, where something else is meant: take that out of it, or move it away",
            names.join(", ")
        ))
        .into()),
    }
}

async fn program(program: impl Into<Program>, port: u16) -> Result<How> {
    let mut program = program.into();
    program.command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::spawn(program)?;
    let child = group.child();
    child.stdout.take().into_iter().for_each(show);
    child.stderr.take().into_iter().for_each(show);
    group.ready(port, PATIENCE).await?;
    Ok(How::Program(Box::new(group)))
}

fn show(output: impl AsyncRead + Unpin + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "ends with the output that it reads")]
    drop(tokio::spawn(async move {
        let (mut lines, mut listing) = (BufReader::new(output).lines(), Listing::default());
        while let Ok(Some(line)) = lines.next_line().await {
            if listing.may_be_shown(&line) {
                events::show_line(&line);
            }
        }
    }));
}

/// Wrangler lists the variables with the beginnings of their values. A value may have more lines than one, empty ones too:
/// nothing is shown until wrangler says something else.
#[derive(Default)]
struct Listing {
    is_open: bool,
}

impl Listing {
    fn may_be_shown(&mut self, line: &str) -> bool {
        const SAYINGS: [&str; 4] = ["⎔", "[wrangler", "▲", "✘"];
        if line.contains("has access to the following bindings") {
            self.is_open = true;
        } else if SAYINGS.iter().any(|begun| line.starts_with(begun)) {
            self.is_open = false;
        }
        !self.is_open && !line.trim_start().starts_with("env.")
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn what_vercel_would_take_from_the_file() {
        let check = |file: &[(&str, &str)], expect: &str| {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let told = [("HOMEFIRE_NODES", "[]"), ("MAIL_TO", "owner@example.com")].map(|pair| owned(&pair));
            let refused = refuse_file(&told, &file.iter().map(owned).collect());
            let refused = refused.map_or_else(|refused| refused.to_string(), |()| String::new());
            let names = refused.split(" from .env").next().unwrap_or_default();
            assert_eq!(names.trim_start_matches("vercel dev would take "), expect, "{file:?}");
        };
        check(&[], "");
        check(&[("HOMEFIRE_NODES", "[]"), ("PATH", "/bin")], "");
        check(&[("HOMEFIRE_NODES", "[1]"), ("MAIL_TO", "")], "HOMEFIRE_NODES, MAIL_TO");
        // Where nodes are simulated nothing is told of a store or a heartbeat.
        check(&[("HEARTBEAT_URL", "https://example.com")], "HEARTBEAT_URL");
        check(&[("UPSTASH_REDIS_REST_TOKEN", "")], "");
    }

    #[test]
    fn no_value_is_shown() {
        let check = |text: &str, expect: &[&str]| {
            let mut listing = Listing::default();
            let shown: Vec<&str> = text.lines().filter(|line| listing.may_be_shown(line)).collect();
            assert_eq!(shown, expect, "{text:?}");
        };
        let head = "Your Worker has access to the following bindings:\nBinding  Resource";
        let (ready, log) = ("[wrangler:info] Ready", "{\"event\":\"word\"}");
        let listed = |list: &str| format!("{head}\n{list}\n\n{ready}\n{log}");
        check(&format!("⎔ Starting\n{}", listed("env.RECORDS (Records)")), &["⎔ Starting", ready, log]);
        check(&listed("env.HOMEFIRE_NODES (\"[{\n\n  \"token\": \"hunter2"), &[ready, log]);
        check(&listed("\u{1b}[37menv.NODE_TOKEN\u{1b}[39m (\"hunter2\")"), &[ready, log]);
        check(&listed("env.NODE_TOKEN  Environment Variable\n  \"hunter2\""), &[ready, log]);
        check("  env.NODE_TOKEN (\"hunter2\")", &[]);
    }

    #[test]
    fn vercel_is_told_nothing_else() {
        let command = vercel(1, &[("RATE_LIMIT".to_owned(), "0".to_owned())]);
        let told: HashMap<_, _> = command.as_std().get_envs().collect();
        assert_eq!(told[OsStr::new("RATE_LIMIT")], Some(OsStr::new("0")));
        assert_eq!(told[OsStr::new("UPSTASH_REDIS_REST_URL")], None);
    }
}
