//! The program itself: its orders, its signals, and what is left when it is killed.

mod home;

use std::process::Stdio;
use std::time::Duration;

use homefire_sim::scenario::MODELS;
use homefire_sim::{Node, Pace, Server};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use home::{BEST, NEW, Said, chat, place, until};

const PROGRAM: &str = env!("CARGO_BIN_EXE_homefire-node");

struct Program {
    child: Child,
    address: String,
}

async fn start(server: &Server, socket: &std::path::Path) -> Program {
    let mut command = Command::new(PROGRAM);
    command.arg("serve").env_clear().kill_on_drop(true).stderr(Stdio::piped());
    command.env("HOMEFIRE_NODE_LISTEN", "127.0.0.1:0").env("HOMEFIRE_NODE_SOCKET", socket);
    command.env("OLLAMA_URL", server.url()).env("NODE_TOKENS", NEW).env("MODELS", MODELS.join(","));
    let mut child = command.spawn().expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let line = timeout(Duration::from_secs(10), lines.next_line()).await.expect("in time").expect("a text");
    let line = line.expect("it says where it listens");
    let address = line.rsplit_once(' ').expect("words").1.to_owned();
    #[expect(clippy::disallowed_methods, reason = "ends with the program")]
    drop(tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} }));
    Program { child, address }
}

async fn order(socket: &std::path::Path, words: &[&str]) -> String {
    let output =
        Command::new(PROGRAM).args(words).env_clear().env("HOMEFIRE_NODE_SOCKET", socket).output().await;
    let output = output.expect("it runs");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn open(program: &Program) -> TcpStream {
    let body = chat(BEST);
    let length = body.len();
    let mut stream = TcpStream::connect(&program.address).await.expect("it listens");
    let head = "POST /api/chat HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let request = format!("{head}authorization: Bearer {NEW}\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    stream
}

async fn ask(program: &Program) -> Said {
    home::read(open(program).await).await
}

#[tokio::test]
async fn orders_and_signals() {
    let server = Server::start(Node::new(&MODELS, Pace::QUICK), 0, true).await.unwrap();
    let socket = place("program");
    let mut program = start(&server, &socket).await;
    assert_eq!(ask(&program).await.status, 200);
    assert_eq!(order(&socket, &["drain", "--for", "2h"]).await, "ok, 0 in flight\n");
    assert_eq!(ask(&program).await.body, r#"{"error":"draining"}"#);
    assert_eq!(order(&socket, &["resume"]).await, "ok, 0 in flight\n");

    // Killed in the middle of a stream, with its socket left behind.
    server.node().queue("say,pace=50".parse().unwrap());
    let stream = open(&program).await;
    until("it speaks", || server.node().in_flight() == 1).await;
    program.child.kill().await.unwrap();
    assert!(!home::read(stream).await.is_whole);
    until("Ollama sees it", || server.node().in_flight() == 0).await;
    let mut program = start(&server, &socket).await;
    assert_eq!(ask(&program).await.status, 200);
    assert_eq!(order(&socket, &["drain"]).await, "ok, 0 in flight\n");
    assert_eq!(order(&socket, &["resume"]).await, "ok, 0 in flight\n");

    // Told to stop in the middle of a stream.
    server.node().queue("say,pace=20".parse().unwrap());
    let stream = open(&program).await;
    until("it speaks", || server.node().in_flight() == 1).await;
    let id = program.child.id().expect("it runs").to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    assert!(home::read(stream).await.body.contains("\"done\":true"));
    let status = timeout(Duration::from_secs(10), program.child.wait()).await.expect("it ends").unwrap();
    assert!(status.success() && !socket.exists());
}

#[tokio::test]
async fn a_wrong_configuration() {
    let output = Command::new(PROGRAM).arg("serve").env_clear().env("QUEUE", "x").output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    for name in ["QUEUE", "MODELS", "NODE_TOKENS"] {
        assert!(said.contains(name), "{said}");
    }
}
