//! Homefire on tokio: `Platform` over reqwest, and a server for all routes.
//!
//! In scope: sockets, timers, the wall clock, chance, standard error. Out of scope: what is answered; that is core's.

mod client;
mod gather;
mod server;

use std::future::Future;
use std::io::{Write, stderr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use homefire_core::config::Deadlines;
use homefire_core::platform::{FetchError, Line, Moment, Platform};
use homefire_core::store::Nowhere;
use tokio::sync::watch;

pub use client::{Body, client};
pub use gather::gathered;
pub use server::{allow_files, serve};

/// The platform of a machine with an operating system. Cloning is cheap.
#[derive(Clone)]
pub struct Native {
    client: reqwest::Client,
    log: Arc<dyn Fn(&Line<'_>) + Send + Sync>,
    /// Each task that goes on behind a reply listens for as long as it does.
    tasks: Arc<watch::Sender<()>>,
}

impl Native {
    /// Logs to standard error, one JSON line an event, and waits until it is written: where an instance may be halted once
    /// it has answered, what it has to say must be out by then.
    pub fn new(deadlines: &Deadlines) -> Self {
        Self::with_log(deadlines, |line| {
            // Whoever closed the pipe does not want it.
            let _ = writeln!(stderr(), "{}", text(line));
        })
    }

    /// Hands every line to `log`.
    pub fn with_log(deadlines: &Deadlines, log: impl Fn(&Line<'_>) + Send + Sync + 'static) -> Self {
        let tasks = Arc::new(watch::Sender::new(()));
        Self { client: client::build(deadlines.connect), log: Arc::new(log), tasks }
    }

    /// Resolves when nothing goes on behind a reply.
    async fn rest(&self) {
        self.tasks.closed().await;
    }
}

/// A line of the log as JSON.
pub fn text(line: &Line<'_>) -> String {
    serde_json::to_string(line).expect("events have string keys and serialize")
}

impl Platform for Native {
    type Body = Body;
    type Keeper = Nowhere;
    type Limiter = Nowhere;

    async fn fetch(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>, FetchError> {
        client::fetch(&self.client, request).await
    }

    fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(wait)
    }

    fn now(&self) -> Moment {
        #[expect(clippy::disallowed_methods, reason = "this is where the time comes from")]
        let now = SystemTime::now();
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Moment(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn entropy(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        getrandom::fill(&mut bytes).expect("the operating system has a source of chance");
        bytes
    }

    fn write(&self, line: &Line<'_>) {
        (self.log)(line);
    }

    fn wait_until(&self, task: impl Future<Output = ()> + Send + 'static) {
        let listens = self.tasks.subscribe();
        #[expect(clippy::disallowed_methods, reason = "this is how a native instance outlives a request")]
        drop(tokio::spawn(async move {
            task.await;
            drop(listens);
        }));
    }

    fn keeper(&self) -> Option<&Nowhere> {
        None
    }

    fn limiter(&self) -> Option<&Nowhere> {
        None
    }
}

impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Native").finish_non_exhaustive()
    }
}
