//! The program itself: its orders, its signals, and what is left when it is killed.

mod home;

use std::process::Stdio;
use std::time::Duration;

use homefire_sim::scenario::MODELS;
use homefire_sim::{Node, Pace, Server};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

use home::{BEST, NEW, Said, chat, place, until};

const PROGRAM: &str = env!("CARGO_BIN_EXE_homefire-node");

struct Program {
    child: Child,
    address: String,
}

type Log = Lines<BufReader<ChildStderr>>;

async fn start(server: &Server, socket: &std::path::Path) -> Program {
    let (program, mut log) = start_unheard(server, socket).await;
    #[expect(clippy::disallowed_methods, reason = "ends with the program")]
    drop(tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} }));
    program
}

/// Its log is read for one line, and then only if somebody goes on.
async fn start_unheard(server: &Server, socket: &std::path::Path) -> (Program, Log) {
    let mut command = Command::new(PROGRAM);
    command.arg("serve").env_clear().kill_on_drop(true).stderr(Stdio::piped());
    command.env("HOMEFIRE_NODE_LISTEN", "127.0.0.1:0").env("HOMEFIRE_NODE_SOCKET", socket);
    command.env("OLLAMA_URL", server.url()).env("NODE_TOKENS", NEW).env("MODELS", MODELS.join(","));
    let mut child = command.spawn().expect("it starts");
    let mut log = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let line = timeout(Duration::from_secs(10), log.next_line()).await.expect("in time").expect("a text");
    let line = line.expect("it says where it listens");
    let address = line.rsplit_once(' ').expect("words").1.to_owned();
    (Program { child, address }, log)
}

async fn terminate(program: &mut Program) {
    let id = program.child.id().expect("it runs").to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.expect("it runs").success());
    let status = timeout(Duration::from_secs(10), program.child.wait()).await.expect("it ends");
    assert!(status.expect("it has a status").success());
}

async fn order(socket: &std::path::Path, words: &[&str]) -> String {
    let output =
        Command::new(PROGRAM).args(words).env_clear().env("HOMEFIRE_NODE_SOCKET", socket).output().await;
    let output = output.expect("it runs");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn get(program: &Program, path: &str) -> Said {
    let mut stream = TcpStream::connect(&program.address).await.expect("it listens");
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("it reads");
    home::read(stream).await
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
    let (said, ()) = tokio::join!(home::read(stream), terminate(&mut program));
    assert!(said.body.contains("\"done\":true"));
    assert!(!socket.exists());
}

/// Sends `count` requests without a token on one connection.
async fn flood(program: &Program, count: usize) {
    let stream = TcpStream::connect(&program.address).await.expect("it listens");
    let (mut replies, mut requests) = stream.into_split();
    let id = "x".repeat(64);
    let send = async {
        for nth in 1..=count {
            let end = if nth == count { "connection: close\r\n" } else { "" };
            let head = format!("GET /api/tags HTTP/1.1\r\nhost: x\r\nx-request-id: {id}\r\n{end}\r\n");
            requests.write_all(head.as_bytes()).await.expect("it reads");
        }
    };
    let mut said = String::new();
    let (read, ()) = tokio::join!(timeout(Duration::from_secs(60), replies.read_to_string(&mut said)), send);
    read.expect("in time").expect("a text");
    assert_eq!(said.matches("HTTP/1.1 401").count(), count);
}

#[tokio::test]
async fn a_log_that_nobody_reads() {
    const FLOOD: usize = 5000;
    let server = Server::start(Node::new(&MODELS, Pace::QUICK), 0, true).await.unwrap();
    let (mut program, mut log) = start_unheard(&server, &place("unheard")).await;
    flood(&program, FLOOD).await;
    assert_eq!(ask(&program).await.status, 200);
    let metrics = get(&program, "/metrics").await.body;
    let row = metrics.lines().find_map(|row| row.strip_prefix("homefire_node_log_lost_total "));
    let counted: u64 = row.expect("it is counted").parse().unwrap();
    assert!(counted > 0, "{metrics}");

    // Somebody reads it after all: what was lost is told, and the rest is there to the last line.
    let hear = async {
        let (mut requests, mut lost) = (0, 0);
        while let Some(line) = log.next_line().await.expect("a text") {
            let line: Value = serde_json::from_str(&line).expect("a line is JSON");
            requests += u64::from(line["request"].is_object());
            lost += line["lost"].as_u64().unwrap_or_default();
        }
        (requests, lost)
    };
    let ((requests, lost), ()) = tokio::join!(hear, terminate(&mut program));
    assert!(lost >= counted);
    assert_eq!(requests + lost, FLOOD as u64 + 2);
}

#[tokio::test]
async fn a_deaf_log_does_not_keep_it() {
    let server = Server::start(Node::new(&MODELS, Pace::QUICK), 0, true).await.unwrap();
    let (mut program, _log) = start_unheard(&server, &place("deaf")).await;
    flood(&program, 2000).await;
    terminate(&mut program).await;
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

/// Kilobytes that the program has taken at most, where the system tells.
fn most_memory(program: &Program) -> Option<u64> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.child.id()?)).expect("it runs");
    let row = status.lines().find_map(|row| row.strip_prefix("VmHWM:")).expect("its most memory");
    Some(row.trim().trim_end_matches(" kB").parse().expect("kilobytes"))
}

/// Bodies as long as they may be, and heads that do not end, all at once.
async fn weigh(program: &Program) {
    let (body, line) =
        (format!("{{\"model\":\"x\",\"a\":\"{}\"}}", "x".repeat(1_000_000)), "x".repeat(20_000));
    let head = "POST /api/chat HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let length = body.len();
    let heavy = format!("{head}authorization: Bearer {NEW}\r\ncontent-length: {length}\r\n\r\n{body}");
    let endless = format!("{head}x: {line}");
    let mut open = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(&program.address).await.expect("it listens");
        stream.write_all(endless.as_bytes()).await.expect("it reads");
        open.push(stream);
    }
    let mut asks = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let (address, heavy) = (program.address.clone(), heavy.clone());
        asks.spawn(async move {
            let mut stream = TcpStream::connect(&address).await.expect("it listens");
            // A guard that refuses may close before it has heard everything.
            let _ = stream.write_all(heavy.as_bytes()).await;
            home::read(stream).await.status
        });
    }
    let statuses = asks.join_all().await;
    assert!(statuses.iter().all(|status| [404, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&404), "some were read to the end: {statuses:?}");
}

#[tokio::test]
async fn what_is_heavy_is_not_remembered() {
    /// The places for bodies, each read once and put together once, and what the heads take.
    const MOST: u64 = 64 * 1024;
    let server = Server::start(Node::new(&MODELS, Pace::QUICK), 0, true).await.unwrap();
    let program = start(&server, &place("heavy")).await;
    assert_eq!(ask(&program).await.status, 200);
    let light = most_memory(&program);
    weigh(&program).await;
    let once = most_memory(&program);
    for _ in 0..5 {
        weigh(&program).await;
    }
    assert_eq!(ask(&program).await.status, 200);
    if let (Some(light), Some(once), Some(often)) = (light, once, most_memory(&program)) {
        assert!(often < light + MOST, "{light} kB, and {often} kB in the floods");
        assert!(often < once + MOST / 4, "{once} kB after one flood, {often} kB after six");
    }
}

#[tokio::test]
async fn a_flood_is_not_remembered() {
    let server = Server::start(Node::new(&MODELS, Pace::QUICK), 0, true).await.unwrap();
    let program = start(&server, &place("flood")).await;
    flood(&program, 1000).await;
    let before = most_memory(&program);
    for _ in 0..9 {
        flood(&program, 1000).await;
    }
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(TcpStream::connect(&program.address).await.unwrap());
    }
    assert_eq!(ask(&program).await.status, 200);
    if let (Some(before), Some(after)) = (before, most_memory(&program)) {
        assert!(after < before + 4096, "{before} kB, and {after} kB after the flood");
    }
    assert_eq!(server.node().received().len(), 1);
}
