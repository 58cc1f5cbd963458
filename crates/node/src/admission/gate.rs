//! The rules of admission behind a lock, with places that are given back when they are dropped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{Lane, Load, Rules, Verdict};

/// Where requests come in. Clones are the same gate.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    rules: Rules,
    calls: HashMap<u64, oneshot::Sender<Ticket>>,
}

/// A place in a lane. Dropping it gives it to whoever waits first.
#[derive(Debug)]
pub(crate) struct Ticket {
    gate: Gate,
    lane: Lane,
}

impl Gate {
    pub(crate) fn new(rules: Rules) -> Self {
        Self(Arc::new(Mutex::new(Inner { rules, calls: HashMap::new() })))
    }

    /// A place in `lane`, now or within `patience`. `None` means that it is busy.
    pub(crate) async fn enter(&self, lane: Lane, patience: Duration) -> Option<Ticket> {
        let (number, called) = {
            let mut inner = self.inner();
            match inner.rules.enter(lane) {
                Verdict::Go => return Some(self.ticket(lane)),
                Verdict::Busy => return None,
                Verdict::Wait(number) => {
                    let (call, called) = oneshot::channel();
                    inner.calls.insert(number, call);
                    (number, called)
                }
            }
        };
        let _waiting = Waiting { gate: self.clone(), lane, number };
        timeout(patience, called).await.ok()?.ok()
    }

    /// A place in `lane` if there is one.
    pub(crate) fn enter_now(&self, lane: Lane) -> Option<Ticket> {
        let mut inner = self.inner();
        let load = inner.rules.load(lane);
        (load.in_flight < load.limit && inner.rules.enter(lane) == Verdict::Go).then(|| self.ticket(lane))
    }

    pub(crate) fn pick(&self, lanes: &[Lane]) -> Option<Lane> {
        self.inner().rules.pick(lanes)
    }

    pub(crate) fn load(&self, lane: Lane) -> Load {
        self.inner().rules.load(lane)
    }

    fn ticket(&self, lane: Lane) -> Ticket {
        Ticket { gate: self.clone(), lane }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let call = {
            let mut inner = self.gate.inner();
            let next = inner.rules.leave(self.lane);
            next.and_then(|number| inner.calls.remove(&number))
        };
        if let Some(call) = call {
            // One that has just given up drops the ticket, and so hands it on.
            let _ = call.send(self.gate.ticket(self.lane));
        }
    }
}

/// Takes a number back when the one who waits with it leaves.
struct Waiting {
    gate: Gate,
    lane: Lane,
    number: u64,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut inner = self.gate.inner();
        if inner.rules.give_up(self.lane, self.number) {
            inner.calls.remove(&self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(100);

    #[tokio::test(start_paused = true)]
    async fn places_are_handed_on() {
        let gate = Gate::new(Rules::new([1], 2));
        let first = gate.enter(0, SOON).await.unwrap();
        assert!(gate.enter_now(0).is_none());
        let (second, third, ()) = tokio::join!(gate.enter(0, SOON), gate.enter(0, SOON), async {
            tokio::task::yield_now().await;
            assert_eq!(gate.load(0).waiting, 2);
            assert!(gate.enter(0, SOON).await.is_none(), "the queue is full");
            drop(first);
        });
        assert!(second.is_some() && third.is_none(), "the second has the place, the third waits in vain");
        assert_eq!(gate.load(0), Load { limit: 1, in_flight: 1, waiting: 0 });
        drop(second);
        assert_eq!(gate.load(0).in_flight, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_the_queue_is_not_called() {
        let gate = Gate::new(Rules::new([1], 1));
        let first = gate.enter(0, SOON).await.unwrap();
        assert!(timeout(SOON / 2, gate.enter(0, SOON)).await.is_err());
        assert_eq!(gate.load(0).waiting, 0);
        drop(first);
        assert_eq!(gate.load(0).in_flight, 0);
        assert!(gate.inner().calls.is_empty());
    }
}
