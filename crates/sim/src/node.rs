//! One simulated machine with Ollama on it: its models, its one slot, and a record of whoever asked.

mod play;
mod routes;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::script::Script;

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
    /// Ollama gives qwen3.5 one slot, whatever is configured.
    slot: Arc<Semaphore>,
    state: Mutex<State>,
    started: Instant,
    epoch: SystemTime,
}

#[derive(Debug, Default)]
struct State {
    scripts: VecDeque<Script>,
    received: Vec<Received>,
    loaded: Option<(String, serde_json::Value)>,
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
                slot: Arc::new(Semaphore::new(1)),
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

    /// Forgets the queued scripts, what was received and what is loaded. A leaked slot is given back.
    pub fn reset(&self) {
        *self.state() = State::default();
        if self.inner.slot.available_permits() == 0 && self.is_idle() {
            self.inner.slot.add_permits(1);
        }
    }

    /// Whether Host and Origin are checked as Ollama does.
    pub fn check_host(&self, on: bool) {
        self.inner.strict_host.store(on, Ordering::Relaxed);
    }

    /// Everything that arrived, in its order.
    pub fn received(&self) -> Vec<Received> {
        self.state().received.clone()
    }

    /// Whether nothing that arrived still lasts.
    pub fn is_idle(&self) -> bool {
        self.state().received.iter().all(|request| request.end.is_some())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time as Go writes it: RFC 3339, nanoseconds without zeros at the end.
    fn now(&self) -> String {
        let now = self.inner.epoch + self.inner.started.elapsed();
        let text = humantime::format_rfc3339_nanos(now).to_string();
        let digits = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
        format!("{digits}Z")
    }
}
