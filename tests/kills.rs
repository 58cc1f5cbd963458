//! What is left when a program is killed in the middle of an answer: the very Vercel function, and the guard.
//!
//! Called as `kills guard` this is the guard itself, in a process that can be killed.

#![expect(clippy::print_stdout, reason = "the guard says on standard output where it listens")]

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;

use homefire::process::{Group, configure};
use homefire_node::config::VARIABLES;
use homefire_node::{Config, Guard, serve};
use homefire_sim::scenario::{MODELS, SECRET, SETTINGS, nodes_variable};
use homefire_sim::{End, Node, Pace, Server};
use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

/// For what must come, on a machine with much to do.
const PATIENCE: Duration = Duration::from_secs(30);

const SIGKILL: i32 = 9;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("guard") {
        return runtime().block_on(guard());
    }
    let trials = vec![
        trial("edge_before_a_node", edge_before_a_node()),
        trial("edge_before_a_guard", edge_before_a_guard()),
        trial("guard_below_an_edge", guard_below_an_edge()),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(name: &str, story: impl Future<Output = ()> + Send + 'static) -> Trial {
    Trial::test(name, move || {
        runtime().block_on(story);
        Ok(())
    })
}

fn runtime() -> Runtime {
    Runtime::new().expect("the operating system gives a program its threads")
}

async fn edge_before_a_node() {
    let (mini, cloud) = (node().await, node().await);
    let mut edge = Program::edge(&mini.url(), &cloud.url()).await;
    mini.node().queue(SLOW.parse().expect("a script"));
    let mut reader = edge.ask().await;
    reader.hear(3).await;
    edge.kill().await;
    reader.expect_no_farewell().await;
    until("the node sees its client go", || ends(&mini) == [Some(End::Left)]).await;

    // It has one slot: were that lost, nobody would be answered there again.
    let edge = Program::edge(&mini.url(), &cloud.url()).await;
    edge.ask().await.expect_done_by("mini").await;
    assert_eq!(ends(&mini), [Some(End::Left), Some(End::Finished)]);
    assert!(ends(&cloud).is_empty());
}

async fn edge_before_a_guard() {
    let (mini, cloud) = (node().await, node().await);
    let guard = Program::guard(&mini).await;
    let mut edge = Program::edge(&guard.url, &cloud.url()).await;
    mini.node().queue(SLOW.parse().expect("a script"));
    let mut reader = edge.ask().await;
    reader.hear(3).await;
    assert_eq!(guard.in_flight().await, 1);
    edge.kill().await;
    reader.expect_no_farewell().await;
    // The guard reads the answer on for the reader who has left, so that Ollama keeps its slot.
    until("the answer is said to its end", || ends(&mini) == [Some(End::Finished)]).await;
    timeout(PATIENCE, async {
        while guard.in_flight().await > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the guard lets go of the place");

    let edge = Program::edge(&guard.url, &cloud.url()).await;
    edge.ask().await.expect_done_by("mini").await;
    assert!(ends(&cloud).is_empty());
}

async fn guard_below_an_edge() {
    let (mini, cloud) = (node().await, node().await);
    let mut guard = Program::guard(&mini).await;
    let edge = Program::edge(&guard.url, &cloud.url()).await;
    mini.node().queue(SLOW.parse().expect("a script"));
    let mut reader = edge.ask().await;
    reader.hear(3).await;
    guard.kill().await;
    // The sentence goes on at the other node.
    let last = reader.end().await.expect("the edge ends its reply as it should");
    assert_eq!((&last["type"], &last["node"]), (&json!("done"), &json!("cloud")), "{last}");
    until("the node sees the guard go", || ends(&mini) == [Some(End::Left)]).await;
    edge.ask().await.expect_done_by("cloud").await;
}

/// An answer that takes some seconds.
const SLOW: &str = "say,pace=50";

async fn node() -> Server {
    Server::start(Node::new(&MODELS, Pace::QUICK), 0, false).await.expect("a node listens")
}

/// How the questions to a node ended.
fn ends(server: &Server) -> Vec<Option<End>> {
    let received = server.node().received();
    received.iter().filter(|request| request.path == "/api/chat").map(|request| request.end).collect()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("in vain: {what}"));
}

/// A program that serves.
struct Program {
    group: Group,
    url: String,
}

impl Program {
    async fn edge(mini: &str, cloud: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        drop(listener);
        let mut command = Command::new(env!("CARGO_BIN_EXE_terminal"));
        configure(&mut command, SETTINGS.iter().copied());
        command.env("VERCEL_DEV_PORT", port.to_string());
        command.env("HOMEFIRE_NODES", nodes_variable(mini, cloud));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut group = Group::spawn(command).expect("the edge starts");
        group.ready(port, PATIENCE).await.expect("the edge answers");
        Self { group, url: format!("http://127.0.0.1:{port}") }
    }

    async fn guard(ollama: &Server) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program is a file"));
        command.arg("guard").stdout(Stdio::piped()).stderr(Stdio::null());
        // Whoever tests may have a guard of his own.
        for name in VARIABLES {
            command.env_remove(name);
        }
        command.env("OLLAMA_URL", ollama.url()).env("NODE_TOKENS", SECRET).env("MODELS", MODELS.join(","));
        let mut group = Group::spawn(command).expect("the guard starts");
        let output = group.child().stdout.take().expect("it is piped");
        let line = timeout(PATIENCE, BufReader::new(output).lines().next_line()).await;
        let address = line.expect("in time").expect("a text").expect("it says where it listens");
        Self { group, url: format!("http://{address}") }
    }

    async fn kill(&mut self) {
        let child = self.group.child();
        child.start_kill().expect("it can be killed");
        assert_eq!(child.wait().await.expect("it ends").signal(), Some(SIGKILL));
    }

    /// What the guard says of itself.
    async fn in_flight(&self) -> u64 {
        let reply = client().get(format!("{}/healthz", self.url)).send().await.expect("the guard answers");
        let health: Value = serde_json::from_slice(&reply.bytes().await.expect("whole")).expect("JSON");
        health["in_flight"].as_u64().expect("a number")
    }

    async fn ask(&self) -> Reader {
        let request = client().post(format!("{}/api/terminal", self.url));
        let question = json!({"query": "What do you build?"}).to_string();
        let request = request.header("content-type", "application/json").body(question);
        Reader { reply: request.send().await.expect("the edge answers"), text: String::new() }
    }
}

fn client() -> reqwest::Client {
    homefire_native::client().pool_max_idle_per_host(0).build().expect("a plain client")
}

/// Whoever asked.
struct Reader {
    reply: reqwest::Response,
    text: String,
}

impl Reader {
    /// Reads so many tokens.
    async fn hear(&mut self, tokens: usize) {
        while self.text.matches("\"type\":\"token\"").count() < tokens {
            let chunk = timeout(PATIENCE, self.reply.chunk()).await.expect("in time").expect("no break");
            self.text += &String::from_utf8_lossy(&chunk.expect("the answer goes on"));
        }
    }

    /// The last event, or `None` where the connection broke before the reply's end.
    async fn end(mut self) -> Option<Value> {
        let rest = async {
            while let Some(chunk) = self.reply.chunk().await? {
                self.text += &String::from_utf8_lossy(&chunk);
            }
            Ok::<_, reqwest::Error>(())
        };
        timeout(PATIENCE, rest).await.expect("the connection ends").ok()?;
        let last = self.text.lines().rev().find_map(|line| line.strip_prefix("data: "));
        Some(serde_json::from_str(last.expect("an event")).expect("JSON"))
    }

    async fn expect_no_farewell(self) {
        assert_eq!(self.end().await, None, "whoever is killed says no farewell");
    }

    async fn expect_done_by(self, node: &str) {
        let last = self.end().await.expect("the reply has its end");
        assert_eq!((&last["type"], &last["node"]), (&json!("done"), &json!(node)), "{last}");
    }
}

/// As `homefire-node serve`, but for its signals; says on standard output where it listens.
async fn guard() {
    #[expect(clippy::disallowed_methods, reason = "this is the guard, and these are its variables")]
    let config =
        Config::from_reader(|name| std::env::var(name).ok()).expect("it is configured as it should be");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    println!("{}", listener.local_addr().expect("it is bound"));
    serve(listener, None, Guard::new(config).expect("it has tokens"), std::future::pending()).await;
}
