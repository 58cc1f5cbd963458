//! One simulated machine with Ollama on it: its models, its one slot, and a record of whoever asked.

mod asked;
mod chat;
mod completions;
mod embed;
mod memory;
mod play;
mod routes;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::script::Script;

pub(crate) use memory::Memory;
pub(crate) use play::{Play, Step};

/// How fast a node is.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Until the first chunk of an answer, head included.
    pub first: Duration,
    /// Between two chunks.
    pub between: Duration,
    /// To load a model, or to load it anew because its options changed.
    pub load: Duration,
}

impl Pace {
    /// Fast enough for tests.
    pub const QUICK: Self =
        Self { first: Duration::from_millis(5), between: Duration::from_millis(5), load: Duration::ZERO };
}

/// A simulated machine. Clones are the same machine.
#[derive(Clone, Debug)]
pub struct Node {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    models: Vec<String>,
    pace: Pace,
    /// Ollama checks the Host and Origin headers when it is bound to loopback.
    strict_host: AtomicBool,
    /// Older versions list a model while they load it.
    lists_early: AtomicBool,
    state: Mutex<State>,
    started: Instant,
    epoch: SystemTime,
}

#[derive(Debug)]
struct State {
    scripts: VecDeque<Script>,
    /// What whoever asks this question meets.
    by_question: HashMap<String, VecDeque<Script>>,
    received: Vec<Arc<Mutex<Received>>>,
    loaded: Option<Memory>,
    /// Ollama gives qwen3.5 one slot, whatever is configured, and a small machine has room for one model.
    slot: Arc<Semaphore>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            scripts: VecDeque::new(),
            by_question: HashMap::new(),
            received: Vec::new(),
            loaded: None,
            slot: Arc::new(Semaphore::new(1)),
        }
    }
}

/// A request that arrived, and what became of it.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// Whether its model had to be loaded for it, for the first time or anew.
    pub loads: bool,
    /// The text of the answer that was sent, without thinking.
    pub said: String,
    /// How it ended; `None` while it lasts.
    pub end: Option<End>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The reply was sent to its end, be it the right one or not.
    Finished,
    /// The node reset the connection.
    Reset,
    /// The client left before the end.
    Left,
}

impl Node {
    /// A machine that has `models` on its disk.
    pub fn new(models: &[&str], pace: Pace) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the simulator is a program of its own and may ask the clock"
        )]
        let epoch = SystemTime::now();
        Self {
            inner: Arc::new(Inner {
                models: models.iter().map(|&model| model.to_owned()).collect(),
                pace,
                strict_host: AtomicBool::new(false),
                lists_early: AtomicBool::new(false),
                state: Mutex::default(),
                started: Instant::now(),
                epoch,
            }),
        }
    }

    /// The next chat that does not name a script by its model meets this one.
    pub fn queue(&self, script: Script) {
        self.state().scripts.push_back(script);
    }

    /// Forgets the queued scripts, what was received and what is loaded, and has a free slot, as after a restart.
    /// What is still under way no longer counts.
    pub fn reset(&self) {
        *self.state() = State::default();
    }

    /// Whether Host and Origin are checked as Ollama does.
    pub fn check_host(&self, on: bool) {
        self.inner.strict_host.store(on, Ordering::Relaxed);
    }

    /// Whether a model is listed while it is being loaded, as by Ollama 0.24.
    pub fn list_early(&self, on: bool) {
        self.inner.lists_early.store(on, Ordering::Relaxed);
    }

    /// Everything that arrived, in its order.
    pub fn received(&self) -> Vec<Received> {
        let received = self.state().received.clone();
        received
            .iter()
            .map(|request| request.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .collect()
    }

    /// How many of the requests that arrived still last.
    pub fn in_flight(&self) -> usize {
        self.received().iter().filter(|request| request.end.is_none()).count()
    }

    /// Whether nothing that arrived still lasts.
    pub fn is_idle(&self) -> bool {
        self.in_flight() == 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn slot(&self) -> OwnedSemaphorePermit {
        let slot = Arc::clone(&self.state().slot);
        slot.acquire_owned().await.expect("the slot is never closed")
    }

    fn now(&self) -> SystemTime {
        self.inner.epoch + self.inner.started.elapsed()
    }
}
