//! One request being answered: acts are carried out as they are asked for.

use std::future::pending;
use std::time::Duration;
use std::vec;

use bytes::Bytes;
use http::StatusCode;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::{End, Node};
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
    nth: usize,
    acts: vec::IntoIter<Act>,
    slot: Option<OwnedSemaphorePermit>,
    flooding: bool,
}

impl Play {
    pub(super) fn new(node: Node, nth: usize, acts: Vec<Act>) -> Self {
        Self { node, nth, acts: acts.into_iter(), slot: None, flooding: false }
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
                Act::Queue => {
                    let slot = self.node.inner.slot.clone().acquire_owned().await;
                    self.slot = Some(slot.expect("the slot is never closed"));
                }
                Act::Leak => {
                    if let Some(slot) = self.slot.take() {
                        slot.forget();
                    }
                }
                // A timer takes a millisecond at least.
                Act::Wait(Duration::ZERO) => yield_now().await,
                Act::Wait(time) => sleep(time).await,
                Act::Head(status, headers) => return Some(Step::Head(status, headers)),
                Act::Bytes { bytes, said } => {
                    self.record(|request| request.said.push_str(&said));
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

    fn end(&mut self, end: End) {
        self.slot = None;
        self.record(|request| {
            request.end.get_or_insert(end);
        });
    }

    fn record(&self, note: impl FnOnce(&mut super::Received)) {
        // A reset of the node forgets what it received; who was being answered then is of no interest any more.
        if let Some(request) = self.node.state().received.get_mut(self.nth) {
            note(request);
        }
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        self.end(End::Left);
    }
}
