//! An answer on its way, chunk by chunk, under its deadlines.

use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{Fuse, Stream, StreamExt};

use super::sleep;
use crate::config::Deadlines;
use crate::deadline::{Due, Watch};
use crate::events::Sink;
use crate::failure::Failure;
use crate::platform::{Moment, Platform, within};
use crate::relay::{Output, Relay, State};
use crate::sse::HEARTBEAT;
use crate::told::Told;

/// How long a node that is done may take to end its stream.
const LINGER: Duration = Duration::from_millis(250);

/// A node that has begun to speak, and what it has said so far.
pub struct Hearing<P: Platform, O = Told> {
    pub(super) relay: Relay<O>,
    /// None once it is let go.
    body: Option<Fuse<P::Body>>,
    watch: Watch,
    /// One for the whole answer: a chunk costs a note of the time and nothing else.
    timer: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<P: Platform, O: Output> Hearing<P, O> {
    pub(super) fn new(
        platform: &P,
        deadlines: &Deadlines,
        until: Moment,
        relay: Relay<O>,
        body: Fuse<P::Body>,
    ) -> Self {
        let now = platform.now();
        let watch = Watch::new(deadlines, until, now);
        let timer = Box::pin(sleep(platform.clone(), watch.wait(now)));
        Self { relay, body: Some(body), watch, timer }
    }

    /// How far the answer is.
    pub fn state(&self) -> &State {
        self.relay.state()
    }

    /// What was said so far.
    pub fn output(&self) -> &O {
        self.relay.output()
    }

    /// Takes the next chunk; `is_told` if the reader was sent something of the last one. While there is none, and while
    /// there is nothing for him in them, the reader behind `sink` is kept with heartbeats.
    pub async fn next(&mut self, platform: &P, sink: Option<&Sink>, is_told: bool) -> Result<(), Failure> {
        let now = platform.now();
        if self.relay.is_heard() {
            self.watch.heard(now);
        }
        if is_told {
            self.watch.told(now);
        }
        if self.watch.due(now) == Due::Heartbeat {
            self.ring(platform, sink).await?;
        }
        let chunk = loop {
            let heard = match select(pin!(chunk(&mut self.body)), &mut self.timer).await {
                Either::Left((chunk, _)) => Some(chunk),
                Either::Right(((), _)) => None,
            };
            match heard {
                Some(chunk) => break chunk,
                None => self.ring(platform, sink).await?,
            }
        };
        match chunk {
            Some(chunk) => self.relay.push(&chunk?)?,
            None => self.relay.finish()?,
        };
        match self.watch.due(platform.now()) {
            Due::End if !matches!(self.relay.state(), State::Done(_)) => Err(Failure::AnswerTimeout),
            Due::End | Due::Idle | Due::Heartbeat | Due::Nothing => Ok(()),
        }
    }

    /// Breaks the stream off: the node need not go on.
    pub fn let_go(&mut self) {
        self.body = None;
    }

    /// Waits for the end of a stream whose answer is done: then the connection can be used again, and the node sees no
    /// client leave.
    pub async fn linger(&mut self, platform: &P) {
        let _ = within(platform, LINGER, chunk(&mut self.body)).await;
    }

    async fn ring(&mut self, platform: &P, sink: Option<&Sink>) -> Result<(), Failure> {
        let now = platform.now();
        match self.watch.due(now) {
            Due::Nothing => {}
            Due::Heartbeat => {
                if let Some(sink) = sink {
                    sink.send(HEARTBEAT).await;
                }
                self.watch.told(now);
            }
            Due::Idle => return Err(Failure::IdleTimeout),
            Due::End => return Err(Failure::AnswerTimeout),
        }
        self.timer = Box::pin(sleep(platform.clone(), self.watch.wait(now)));
        Ok(())
    }
}

async fn chunk<B: Stream + Unpin>(body: &mut Option<B>) -> Option<B::Item> {
    match body {
        Some(body) => body.next().await,
        None => None,
    }
}
