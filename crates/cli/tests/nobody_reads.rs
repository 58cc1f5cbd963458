//! A person's `| head`, or a terminal that is gone: what a command does it does to its end, and ends as it would.

use std::io::{PipeWriter, pipe};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use homefire_core::config::VARIABLES;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

/// On a machine with much to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is written there cannot be.
fn closed() -> PipeWriter {
    pipe().expect("a pipe is to be had").1
}

fn homefire(arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_homefire"));
    // An empty value counts as none, and goes before what `.env` of whoever tests may hold.
    command.args(arguments).envs(VARIABLES.iter().map(|name| (*name, ""))).envs(settings.iter().copied());
    command.stdin(Stdio::null()).stdout(closed()).stderr(closed()).kill_on_drop(true);
    command
}

#[tokio::test]
async fn commands_end_as_they_would() {
    let refused = [("HOMEFIRE_NODES", "none")];
    for (arguments, settings, expect) in [
        (&["test", "--list"][..], &[][..], 0),
        (&["test", "--only", "nothing"], &[], 2),
        (&["doctor"], &refused, 2),
        (&["doctor", "--json"], &refused, 2),
    ] {
        let status = homefire(arguments, settings).status().await.unwrap();
        assert_eq!(status.code(), Some(expect), "{arguments:?}");
    }
}

#[tokio::test]
async fn dev_goes_on() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let away = [("GITHUB_API_URL", "http://127.0.0.1:9"), ("GITLAB_API_URL", "http://127.0.0.1:9")];
    let mut dev = homefire(&["dev", "--port", &port.to_string()], &away).spawn().unwrap();
    let client = homefire_native::client().timeout(PATIENCE).build().unwrap();
    let ask = || {
        let ask = client.post(format!("http://127.0.0.1:{port}/api/terminal"));
        ask.header("content-type", "application/json").body(r#"{"query":"What do you build?"}"#).send()
    };
    let answered = async {
        loop {
            match ask().await {
                Ok(reply) => break reply.text().await,
                Err(error) => assert!(dev.try_wait().unwrap().is_none(), "{error}"),
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let answer = timeout(PATIENCE, answered).await.unwrap().unwrap();
    assert!(answer.contains(r#""type":"done""#), "{answer}");
    // What became of it is said behind its last word.
    sleep(Duration::from_millis(300)).await;
    kill_process(Pid::from_raw(dev.id().unwrap().try_into().unwrap()).unwrap(), Signal::TERM).unwrap();
    assert_eq!(dev.wait().await.unwrap().code(), Some(0));
}
