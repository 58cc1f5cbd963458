//! A reader who waits for a word is kept company.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::events::Sink;
use crate::platform::{Platform, within};
use crate::sse::{Frame, HEARTBEAT};

/// Whether a node that is asked must load its model first. Clones share it: who waits for the word may have begun before
/// the node was asked.
#[derive(Clone, Debug, Default)]
pub struct Waking(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    loading: AtomicUsize,
    is_told: AtomicBool,
}

/// A node that loads its model, for as long as this value lives.
#[derive(Debug)]
pub struct Loading(Arc<Inner>);

impl Waking {
    /// A node must load its model.
    pub fn begin(&self) -> Loading {
        self.0.loading.fetch_add(1, Ordering::Relaxed);
        Loading(Arc::clone(&self.0))
    }

    /// Whether there is something to tell; it is told once.
    fn is_news(&self) -> bool {
        self.0.loading.load(Ordering::Relaxed) > 0 && !self.0.is_told.swap(true, Ordering::Relaxed)
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.0.loading.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Sends a heartbeat into `sink`; or, once, that a model is being loaded.
pub async fn heartbeat(sink: &Sink, waking: &Waking) {
    let is_news = waking.is_news();
    sink.send(if is_news { Frame::Status { state: "waking" }.to_bytes() } else { HEARTBEAT }).await;
}

/// Runs `task`, and sends such a one each time that `pause` has passed.
pub async fn heartbeats<P: Platform, T>(
    platform: &P,
    pause: Duration,
    sink: Option<&Sink>,
    waking: &Waking,
    task: impl Future<Output = T>,
) -> T {
    let Some(sink) = sink else { return task.await };
    let mut task = pin!(task);
    loop {
        if let Ok(done) = within(platform, pause, task.as_mut()).await {
            return done;
        }
        heartbeat(sink, waking).await;
    }
}
