//! Plays one row in one world, and gathers what its reader and its nodes saw.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt};
use http::{Request, Response};
use tokio::time::{sleep, timeout};

use super::check::{self, Observed, words};
use super::{Ask, DRAFT_KEY, Reader, Scenario, Situation, Told, Ward, logged};
use crate::node::{End, Node, Received};
use crate::socket::Reach;

/// A reply's body; an error is a connection that broke.
pub type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, String>> + Send>>;

/// What stands before each node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    #[default]
    Nothing,
    /// A guard that hands on what Ollama says.
    Guard,
    /// A guard that reads Ollama's lines in the edge's place.
    Lane,
}

/// One way of running the service, with the two nodes and [`SETTINGS`](super::SETTINGS).
pub trait World {
    /// Sends a request to the instance that answers at the path `at`. Dropping the future or the body is the reader's
    /// leaving.
    fn send(
        &self,
        at: &str,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Chunks>, String>> + Send;

    /// `mini` is 0, `cloud` is 1.
    fn node(&self, nth: usize) -> Node;

    /// Changes how a node can be reached.
    fn set(&mut self, nth: usize, reach: Reach) -> impl Future<Output = Result<(), String>>;

    /// What was logged since the last call, as JSON lines, where the world can see it.
    fn take_log(&mut self) -> String;

    /// Whether nothing that was logged comes later, and nobody else's is in it.
    fn has_whole_log(&self) -> bool {
        false
    }

    /// What stands before each node.
    fn before(&self) -> Before {
        Before::Nothing
    }

    /// Changes how a node's guard is.
    fn guard(&mut self, _nth: usize, ward: Ward) -> impl Future<Output = Result<(), String>> {
        std::future::ready(Err(format!("no guard that could be {ward:?}")))
    }

    /// Has the guards serve, and waits until they are through with what was asked of them.
    fn rest(&mut self) -> impl Future<Output = Result<(), String>> {
        std::future::ready(Ok(()))
    }

    /// What reached a node on somebody's behalf: a guard looks after its Ollama in its own name.
    fn received(&self, nth: usize) -> Vec<Received> {
        self.node(nth).received()
    }
}

/// Longer than any row may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a reader's leaving may take to be noticed: two heartbeats and a good deal of a busy machine.
const NOTICE: Duration = Duration::from_secs(5);

/// Behind it nothing more is on its way through a pipe.
const STILL: Duration = Duration::from_millis(200);

/// Plays `scenario` in `world`; the error says what was expected and what was seen.
pub async fn run<W: World>(world: &mut W, scenario: &Scenario) -> Result<(), String> {
    if let Err(error) = no_lease_is_out(world).await {
        return Err(format!("{error}\n{}", world.take_log()));
    }
    world.rest().await?;
    // A guard has looked behind its back.
    for nth in 0..2 {
        check::loads_once(&world.node(nth).received())
            .map_err(|what| format!("of the row before: {what}"))?;
    }
    for (nth, situation) in [scenario.mini, scenario.cloud].into_iter().enumerate() {
        let node = world.node(nth);
        node.reset();
        world.set(nth, reach(situation)).await?;
        match situation {
            Situation::Up(scripts) => {
                for script in scripts.split(';') {
                    node.queue(script.trim().parse().map_err(|unknown| format!("{unknown}"))?);
                }
            }
            Situation::Guarded(ward) => world.guard(nth, ward).await?,
            Situation::Down | Situation::Silent => {}
        }
    }
    is_quiet(&world.take_log()).map_err(|what| format!("of the row before: {what}"))?;
    let observed = timeout(PATIENCE, observe(world, scenario)).await.map_err(|_| "the row never ended")??;
    let log = world.take_log();
    is_well(&log)?;
    check::check(scenario, &observed, &log, world.before())?;
    if world.has_whole_log() { logged::check(scenario, &log) } else { Ok(()) }
}

/// Waits until a world that has just started is at rest. What a platform prints as it starts, its addresses and the
/// beginnings of its settings, is no row's.
pub async fn begin<W: World>(world: &mut W) -> Result<(), String> {
    is_well(&remaining_log(world).await?)
}

/// Looks at what the last row has left in the log.
pub async fn end<W: World>(world: &mut W) -> Result<(), String> {
    is_quiet(&remaining_log(world).await?)
}

/// What is logged until nothing is under way and nothing more comes: a platform's lines come through a pipe.
async fn remaining_log<W: World>(world: &mut W) -> Result<String, String> {
    no_lease_is_out(world).await?;
    world.rest().await?;
    let mut log = world.take_log();
    loop {
        sleep(STILL).await;
        match world.take_log() {
            more if more.is_empty() => return Ok(log),
            more => log += &more,
        }
    }
}

/// What was logged behind a row's back.
fn is_quiet(log: &str) -> Result<(), String> {
    is_well(log)?;
    check::tells_nothing("the log", log)
}

/// No row makes the service say any of this.
fn is_well(log: &str) -> Result<(), String> {
    const ILL: [&str; 4] = ["panicked", "RuntimeError", "store_failed", "misconfigured"];
    match ILL.iter().find(|word| log.contains(**word)) {
        Some(word) => Err(format!("the log says {word:?}:\n{log}")),
        None => Ok(()),
    }
}

/// Every lease is back: looked at from outside, before each row. Each function counts its own.
async fn no_lease_is_out<W: World>(world: &W) -> Result<(), String> {
    for at in ["/api/terminal", "/api/draft"] {
        is_idle(world, at).await?;
    }
    Ok(())
}

async fn is_idle<W: World>(world: &W, at: &str) -> Result<(), String> {
    let status = || async {
        let response = world.send(at, request(Ask::Query("status"))).await?;
        let (head, body) = response.into_parts();
        let body = read(body).await?;
        let status: serde_json::Value = serde_json::from_slice(&body).map_err(|error| {
            format!("{error} in the status, {}: {}", head.status, String::from_utf8_lossy(&body))
        })?;
        Ok::<_, String>(status["data"]["in_flight"].clone())
    };
    let mut in_flight = serde_json::Value::Null;
    for _ in 0..100 {
        in_flight = status().await?;
        if in_flight == 0 {
            return Ok(());
        }
        sleep(NOTICE / 100).await;
    }
    Err(format!("a lease was not returned: {in_flight} in flight"))
}

fn reach(situation: Situation) -> Reach {
    match situation {
        Situation::Up(_) | Situation::Guarded(_) => Reach::Up,
        Situation::Down => Reach::Down,
        Situation::Silent => Reach::Silent,
    }
}

async fn observe<W: World>(world: &W, scenario: &Scenario) -> Result<Observed, String> {
    let ask = || {
        let request = request(scenario.ask);
        let at = request.uri().path().to_owned();
        async move { world.send(&at, request).await }
    };
    let mut observed = match scenario.reader {
        Reader::Stays => stay(ask().await?).await?,
        Reader::AsksTwice => {
            let mut first = ask().await?.into_body();
            first.next().await.ok_or("the first answer is empty")??;
            let second = ask();
            let (first, second) = tokio::join!(read(first), second);
            first?;
            stay(second?).await?
        }
        Reader::LeavesAfterWords(count) => {
            let (head, mut body) = ask().await?.into_parts();
            let mut taken = Vec::new();
            while words(&taken) < count {
                taken.extend(body.next().await.ok_or("the answer ended early")??);
            }
            Observed::new(&head, taken)
        }
        Reader::LeavesAfterHead => {
            let (head, mut body) = ask().await?.into_parts();
            let heartbeat = body.next().await.ok_or("the answer ended early")??;
            Observed::new(&head, heartbeat.to_vec())
        }
        Reader::LeavesBeforeHead(millis) => match timeout(Duration::from_millis(millis), ask()).await {
            Ok(_) => return Err("the head came before the reader could leave".to_owned()),
            Err(_) => Observed::default(),
        },
    };
    if matches!(scenario.expect.told, Told::Left(_)) {
        settle(world).await?;
        // Long enough for another node to be asked, if one were.
        sleep(Duration::from_millis(800)).await;
    }
    observed.nodes = [world.received(0), world.received(1)];
    Ok(observed)
}

async fn stay(response: Response<Chunks>) -> Result<Observed, String> {
    let (head, body) = response.into_parts();
    Ok(Observed::new(&head, read(body).await?))
}

async fn read(mut body: Chunks) -> Result<Vec<u8>, String> {
    let mut whole = Vec::new();
    while let Some(chunk) = body.next().await {
        whole.extend(chunk?);
    }
    Ok(whole)
}

/// Waits until the nodes have seen their client go.
async fn settle<W: World>(world: &W) -> Result<(), String> {
    for _ in 0..100 {
        let requests = || (0..2).flat_map(|nth| world.received(nth));
        if requests().any(|request| request.end == Some(End::Left)) {
            return Ok(());
        }
        sleep(NOTICE / 100).await;
    }
    Err("the reader left, and no node saw its client go".to_owned())
}

fn request(ask: Ask) -> Request<Bytes> {
    const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
    const WHOLE: &[(&str, &str)] = &[JSON[0], ("authorization", DRAFT_KEY), ("accept", "application/json")];
    const EVENTS: &[(&str, &str)] = &[JSON[0], ("authorization", DRAFT_KEY), ("accept", "text/event-stream")];
    let query = |text: &str| serde_json::json!({ "query": text }).to_string();
    let (method, path, headers, body) = match ask {
        Ask::Query(text) => ("POST", "/api/terminal", JSON, query(text)),
        Ask::Body(text) => ("POST", "/api/terminal", JSON, text.to_owned()),
        Ask::LongQuery(length) => ("POST", "/api/terminal", JSON, query(&"ä".repeat(length))),
        Ask::LongResume(length) => {
            let body = serde_json::json!({ "query": "And then?", "resume": "x".repeat(length) });
            ("POST", "/api/terminal", JSON, body.to_string())
        }
        Ask::LongBody(length) => ("POST", "/api/terminal", JSON, " ".repeat(length)),
        Ask::Draft(text) => ("POST", "/api/draft", WHOLE, text.to_owned()),
        Ask::DraftStream(text) => ("POST", "/api/draft", EVENTS, text.to_owned()),
        Ask::LongDraft(length) => ("POST", "/api/draft", WHOLE, " ".repeat(length)),
        Ask::Raw(method, path, headers, body) => (method, path, headers, body.to_owned()),
    };
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::from(body)).expect("the table's requests are well formed")
}
