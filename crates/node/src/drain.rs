//! The owner's switch: nothing new comes in, what is in flight goes on.

pub mod control;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Whether requests are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    #[default]
    Open,
    /// Until then, or until the owner says so.
    Draining(Option<Instant>),
    /// The guard is about to stop; nothing opens it again.
    Closing,
}

/// What the owner says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Take nothing new, for so long, or until `Resume`.
    Drain(Option<Duration>),
    /// Take requests again.
    Resume,
}

impl State {
    pub(crate) fn obey(self, order: Order, now: Instant) -> Self {
        match (self, order) {
            (Self::Closing, _) => Self::Closing,
            (_, Order::Drain(span)) => Self::Draining(span.and_then(|span| now.checked_add(span))),
            (_, Order::Resume) => Self::Open,
        }
    }

    pub(crate) fn is_draining(self, now: Instant) -> bool {
        match self {
            Self::Open => false,
            Self::Draining(until) => until.is_none_or(|until| now < until),
            Self::Closing => true,
        }
    }
}

/// The state, for all to see.
#[derive(Debug, Default)]
pub(crate) struct Switch(Mutex<State>);

impl Switch {
    pub(crate) fn is_draining(&self) -> bool {
        self.state().is_draining(Instant::now())
    }

    pub(crate) fn obey(&self, order: Order) {
        let mut state = self.state();
        *state = state.obey(order, Instant::now());
    }

    pub(crate) fn close(&self) {
        *self.state() = State::Closing;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn orders() {
        let (start, hour) = (Instant::now(), Duration::from_secs(3600));
        let check = |orders: &[Order], after: Duration, expect: bool| {
            let state = orders.iter().fold(State::Open, |state, order| state.obey(*order, start));
            assert_eq!(state.is_draining(start + after), expect, "{orders:?}");
        };
        use Order::{Drain, Resume};
        check(&[], hour, false);
        check(&[Drain(None)], hour * 1000, true);
        check(&[Drain(Some(hour))], hour / 2, true);
        check(&[Drain(Some(hour))], hour, false);
        check(&[Drain(Some(Duration::MAX))], hour, true);
        check(&[Drain(None), Resume], Duration::ZERO, false);
        check(&[Resume, Drain(Some(hour)), Drain(None)], hour, true);
        assert!(State::Closing.obey(Resume, start).is_draining(start));
    }
}
