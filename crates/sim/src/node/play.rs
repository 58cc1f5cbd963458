//! One request being answered: acts are carried out as they are asked for.

use std::future::pending;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::vec;

use bytes::Bytes;
use http::StatusCode;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::{End, Memory, Node, Received};
use crate::act::Act;

/// What reaches the client.
#[derive(Debug)]
pub(crate) enum Step {
    Head(StatusCode, Vec<(&'static str, String)>),
    Bytes(Bytes),
    Reset,
}

/// A reply under way. Dropping it is the client's leaving: the slot is free again.
#[derive(Debug)]
pub(crate) struct Play {
    node: Node,
    record: Arc<Mutex<Received>>,
    acts: vec::IntoIter<Act>,
    slot: Option<OwnedSemaphorePermit>,
    memory: Option<Memory>,
    flooding: bool,
}

impl Play {
    pub(super) fn new(node: Node, record: Arc<Mutex<Received>>, acts: Vec<Act>) -> Self {
        Self { node, record, acts: acts.into_iter(), slot: None, memory: None, flooding: false }
    }

    /// What comes next; `None` is the clean end.
    pub(crate) async fn next(&mut self) -> Option<Step> {
        if self.flooding {
            sleep(Duration::from_millis(1)).await;
            return Some(Step::Bytes(Bytes::from_static(&[b'x'; 4096])));
        }
        loop {
            let Some(act) = self.acts.next() else {
                self.end(End::Finished);
                return None;
            };
            match act {
                Act::Queue => self.slot = Some(self.node.slot().await),
                Act::Leak => {
                    if let Some(slot) = self.slot.take() {
                        slot.forget();
                    }
                }
                Act::Load(memory) => {
                    if !self.node.holds(&memory) {
                        self.note(|request| request.loads = true);
                        if self.node.inner.lists_early.load(Ordering::Relaxed) {
                            self.node.hold(&memory);
                        }
                        pass(self.node.inner.pace.load).await;
                    }
                    self.node.hold(&memory);
                    self.memory = Some(memory);
                }
                Act::Wait(time) => pass(time).await,
                Act::Head(status, headers) => {
                    self.end_with_the_last_act();
                    return Some(Step::Head(status, headers));
                }
                Act::Bytes { bytes, said } => {
                    self.note(|request| request.said.push_str(&said));
                    self.end_with_the_last_act();
                    return Some(Step::Bytes(bytes));
                }
                Act::Flood => {
                    self.flooding = true;
                    return Some(Step::Bytes(Bytes::from_static(b"{\"message\":{\"content\":\"")));
                }
                Act::Stall => pending().await,
                Act::Reset => {
                    self.end(End::Reset);
                    return Some(Step::Reset);
                }
            }
        }
    }

    /// A server that has told a length does not ask for more than it.
    fn end_with_the_last_act(&mut self) {
        if self.acts.as_slice().is_empty() {
            self.end(End::Finished);
        }
    }

    fn end(&mut self, end: End) {
        self.slot = None;
        if let Some(memory) = self.memory.take() {
            self.node.rest(&memory);
        }
        self.note(|request| {
            request.end.get_or_insert(end);
        });
    }

    fn note(&self, note: impl FnOnce(&mut Received)) {
        note(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        self.end(End::Left);
    }
}

/// A timer takes a millisecond at least.
async fn pass(time: Duration) {
    if time.is_zero() { yield_now().await } else { sleep(time).await }
}
