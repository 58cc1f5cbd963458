//! A guard before a node, in this process.

use std::time::Duration;

use homefire_node::config::Waits;
use homefire_node::drain::Order;
use homefire_node::{Config, Guard, serve};
use homefire_sim::scenario::{EARLY, MODELS, SECRET, Ward};
use homefire_sim::{End, Node, Received, Script, Server};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::socket::Log;

/// Longer than a guard may take to be through with a request, and to have looked at Ollama after it.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// A guard that serves. It ends when it is dropped.
pub(crate) struct Guarded {
    guard: Guard,
    url: String,
    log: Log,
    client: reqwest::Client,
    /// They have the places at the models, until they are aborted.
    guests: Vec<Task>,
    _serving: Task,
}

struct Task(JoinHandle<()>);

impl Task {
    fn run(task: impl Future<Output = ()> + Send + 'static) -> Self {
        #[expect(clippy::disallowed_methods, reason = "aborted with its guard")]
        let task = tokio::spawn(task);
        Self(task)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Its waits go between those of the table's settings, far enough from each.
fn config(name: &str, ollama: &str) -> Result<Config, String> {
    let read = |variable: &str| {
        let value = match variable {
            "OLLAMA_URL" => ollama.to_owned(),
            "NODE_TOKENS" => SECRET.to_owned(),
            "MODELS" => MODELS.join(","),
            "QUEUE_MS" => "400".to_owned(),
            "DRAIN_MS" => "200".to_owned(),
            "EARLY_HEAD_MS" if name == EARLY => "250".to_owned(),
            _ => return None,
        };
        Some(value)
    };
    let mut config = Config::from_reader(read).map_err(|faults| faults.to_string())?;
    config.waits = Waits {
        connect: Duration::from_millis(450),
        heartbeat: Duration::from_millis(50),
        // A row whose node hangs loads no model.
        load: Duration::from_millis(200),
        // It looks after Ollama when it has reason to, and not whenever nobody asked for a minute.
        look: Duration::from_secs(3600),
        ..config.waits
    };
    Ok(config)
}

/// A line of its log without the time and the request's id: any figures may stand in those.
fn without_chance(line: &str) -> String {
    let Ok(mut line) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    for place in ["", "/request"] {
        if let Some(fields) = line.pointer_mut(place).and_then(Value::as_object_mut) {
            fields.retain(|name, _| !["at", "id"].contains(&&**name));
        }
    }
    line.to_string()
}

/// Whether a guard has asked this in its own name: it tells of no agent then.
pub(crate) fn is_own(request: &Received) -> bool {
    !request.headers.contains_key("user-agent")
}

impl Guarded {
    pub(crate) async fn start(name: &str, ollama: &str) -> Result<Self, String> {
        let log = Log::default();
        let lines = log.clone();
        let guard = Guard::with_log(config(name, ollama)?, move |line| lines.push(&without_chance(line)));
        let guard = guard.map_err(|error| error.0)?;
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let addr = listener.local_addr().map_err(|error| error.to_string())?;
        let serving = Task::run(serve(listener, None, guard.clone(), std::future::pending()));
        let client = homefire_native::client().build().expect("a plain client");
        Ok(Self { guard, url: format!("http://{addr}"), log, client, guests: Vec::new(), _serving: serving })
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    pub(crate) fn take_log(&self) -> String {
        self.log.take()
    }

    pub(crate) async fn set(&mut self, ward: Ward, node: &Node) -> Result<(), String> {
        match ward {
            Ward::Full => self.fill(node).await?,
            Ward::Draining => self.guard.obey(Order::Drain(None)),
            Ward::Reopened => {
                self.guard.obey(Order::Drain(None));
                self.guard.obey(Order::Resume);
            }
        }
        Ok(())
    }

    /// Has somebody ask each model, who hears nothing and stays: the guard would choose one that has a place.
    async fn fill(&mut self, node: &Node) -> Result<(), String> {
        for model in MODELS {
            node.queue(Script::Hang);
            let body = json!({"model": model, "messages": [{"role": "user", "content": "Hello?"}]});
            let request = self.client.post(format!("{}/api/chat", self.url)).bearer_auth(SECRET);
            let request = request.body(body.to_string());
            self.guests.push(Task::run(async move {
                if let Ok(reply) = request.send().await {
                    drop(reply.bytes().await);
                }
            }));
        }
        let are_in = async || self.guard.in_flight() == MODELS.len() && node.in_flight() == MODELS.len();
        patiently(are_in).await.map_err(|()| "the guests were not let in".to_owned())
    }

    /// Serves again, and is through with what was asked of it. A guard that broke an answer off looks whether Ollama has
    /// lost its slot: that is over, too.
    pub(crate) async fn rest(&mut self, ollama: &Server) -> Result<(), String> {
        self.guests.clear();
        self.guard.obey(Order::Resume);
        let is_through = async || self.guard.in_flight() == 0 && self.has_looked(ollama).await;
        patiently(is_through).await.map_err(|()| {
            format!("a guard is not through: {} in flight, {}", self.guard.in_flight(), self.log.take())
        })
    }

    async fn has_looked(&self, ollama: &Server) -> bool {
        let received = ollama.node().received();
        let Some(broken) = received.iter().rposition(|request| request.end == Some(End::Left)) else {
            return received.iter().all(|request| request.end.is_some());
        };
        let since = &received[broken + 1..];
        let is_over = |path: &str| {
            let mut looks = since.iter().filter(|request| request.path == path && is_own(request));
            looks.any(|request| request.end == Some(End::Finished))
        };
        // Only a model that is loaded is asked for a word.
        is_over("/api/chat") || is_over("/api/ps") && !self.has_model(&ollama.url()).await
    }

    async fn has_model(&self, ollama: &str) -> bool {
        let Ok(reply) = self.client.get(format!("{ollama}/api/ps")).send().await else { return true };
        let text = reply.text().await.unwrap_or_default();
        let loaded: Value = serde_json::from_str(&text).unwrap_or_default();
        loaded["models"].as_array().is_none_or(|models| !models.is_empty())
    }
}

async fn patiently(mut is_so: impl AsyncFnMut() -> bool) -> Result<(), ()> {
    let tries = PATIENCE.as_millis() / PAUSE.as_millis();
    for _ in 0..tries {
        if is_so().await {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    Err(())
}
