//! A reader who waits for a word is kept company.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::events::Sink;
use crate::platform::{Platform, within};
use crate::sse::{Frame, HEARTBEAT};

/// Whether the node that is asked must load its model first. Clones share it: who waits for the word may have begun
/// before the node was asked.
#[derive(Clone, Debug, Default)]
pub struct Waking(Arc<AtomicBool>);

impl Waking {
    /// The model is being loaded, or is there.
    pub fn set(&self, is_waking: bool) {
        self.0.store(is_waking, Ordering::Relaxed);
    }

    /// Whether there is something to tell; it is told once.
    fn is_news(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// Runs `task`, and sends a heartbeat into `sink` each time that `pause` has passed; or, once, that a model is being
/// loaded.
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
        let is_news = waking.is_news();
        sink.send(if is_news { Frame::Status { state: "waking" }.to_bytes() } else { HEARTBEAT }).await;
        if let Ok(done) = within(platform, pause, task.as_mut()).await {
            return done;
        }
    }
}
