//! A reply that streams: its reader may stay, leave, or neither read nor leave.

use std::time::Duration;

use crate::error::Error;
use crate::event::Event;
use crate::events::{Events, Sink};
use crate::platform::{Moment, Platform, within};
use crate::reply::{self, Reply};

/// How much longer than its deadline a reader who does not read may hold on to a node.
const GRACE: Duration = Duration::from_secs(1);

/// Takes note of a reader who leaves before his answer has ended: he is dropped, not told.
pub(crate) struct Departure<P: Platform> {
    platform: P,
    arrived: Moment,
    /// Where his answer is written, if it streams.
    sink: Option<Sink>,
    seen_off: bool,
}

impl<P: Platform> Departure<P> {
    /// Watches from now on.
    pub(crate) fn watch(platform: &P, arrived: Moment) -> Self {
        Self { platform: platform.clone(), arrived, sink: None, seen_off: false }
    }

    /// The reader has got everything.
    pub(crate) fn see_off(mut self) {
        self.seen_off = true;
    }

    /// The reply that `write` writes, for at most `limit`. Whoever drops it drops the writer where it waits.
    pub(crate) fn stream<F>(mut self, limit: Duration, write: impl FnOnce(Sink) -> F) -> Reply
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let platform = self.platform.clone();
        let (events, watchdog) = Events::new(|sink| {
            self.sink = Some(sink.clone());
            let writing = write(sink);
            async move {
                writing.await;
                drop(self);
            }
        });
        platform.wait_until({
            let platform = platform.clone();
            async move {
                if within(&platform, limit + GRACE, watchdog.closed()).await.is_err() {
                    watchdog.cut(Error::Timeout.frame().to_bytes());
                }
            }
        });
        reply::events(events)
    }
}

impl<P: Platform> Drop for Departure<P> {
    fn drop(&mut self) {
        if !self.seen_off && !self.sink.as_ref().is_some_and(Sink::is_ended) {
            let ms = self.platform.now().millis_since(self.arrived);
            self.platform.log(&Event::Left { ms });
        }
    }
}
