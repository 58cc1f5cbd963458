//! The relays that ours is measured against do the whole work: they read what a node says however it is cut.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use homefire::process::Group;
use homefire::tools;
use homefire_sim::{Node, Pace, Server};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::Command;

const CUTS: [&str; 4] = ["say", "say,bytes,pace=0", "say,joined", "say,split"];

#[tokio::test]
async fn peers_tell_every_word() {
    let node = Node::new(&["bench"], Pace::QUICK);
    let server = Server::start(node.clone(), 0, true).await.unwrap();
    for file in ["serve.mjs", "bare.mjs"] {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let mut command = Command::new("node");
        command.arg(tools::root().join("tests/peers").join(file)).arg(port.to_string());
        command.env("NODE_URL", server.url());
        let mut peer = Group::spawn(command).unwrap();
        peer.ready(port, Duration::from_secs(60)).await.unwrap();
        let mut heard = Vec::new();
        for cut in CUTS {
            node.queue(cut.parse().unwrap());
            heard.push(ask(port).await.unwrap());
        }
        assert!(heard[0].0.contains('—') && heard[0].1 == "stop", "{file}: {heard:?}");
        assert!(heard.iter().all(|each| *each == heard[0]), "{file}: {heard:?}");
    }
}

/// What is told to one question, and why it ended.
async fn ask(port: u16) -> Result<(String, String)> {
    let client = homefire_native::client().build()?;
    let request = client.post(format!("http://127.0.0.1:{port}/api/terminal"));
    let body = request.body(r#"{"query":"What do you build?"}"#).send().await?.text().await?;
    let mut told = String::new();
    for event in body.split_terminator("\n\n") {
        let event: Value = serde_json::from_str(event.strip_prefix("data: ").context("no event")?)?;
        match event["content"].as_str() {
            Some(word) => told += word,
            None => return Ok((told, event["reason"].as_str().context("no end")?.to_owned())),
        }
    }
    bail!("no end")
}
