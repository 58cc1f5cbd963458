//! How somebody can be reached, and when that ends for whoever is inside.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use homefire_core::platform::FetchError;
use tokio::sync::Notify;

use crate::socket::Reach;

/// Clones are the same door. Who waits inside is woken in the order of his coming: a run can be had again.
#[derive(Clone, Debug)]
pub(super) struct Door(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// How it is, and how often it has shut.
    state: Mutex<(Reach, u64)>,
    shut: Notify,
}

/// Somebody inside.
#[derive(Debug)]
pub(super) struct Guest {
    door: Door,
    since: u64,
}

impl Default for Door {
    fn default() -> Self {
        Self(Arc::new(Inner { state: Mutex::new((Reach::Up, 0)), shut: Notify::new() }))
    }
}

impl Door {
    pub(super) fn reach(&self) -> Reach {
        self.state().0
    }

    pub(super) fn set(&self, reach: Reach) {
        let mut state = self.state();
        state.0 = reach;
        if reach != Reach::Up {
            state.1 += 1;
            self.0.shut.notify_waiters();
        }
    }

    pub(super) fn enter(&self) -> Guest {
        Guest { door: self.clone(), since: self.state().1 }
    }

    fn state(&self) -> MutexGuard<'_, (Reach, u64)> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    pub(super) fn is_out(&self) -> bool {
        self.door.state().1 > self.since
    }

    /// Does `task`, unless the door shuts before.
    pub(super) async fn stay<T>(&self, task: impl Future<Output = T>) -> Result<T, FetchError> {
        let mut shut = pin!(self.door.0.shut.notified());
        shut.as_mut().enable();
        if self.is_out() {
            return Err(FetchError::Broken);
        }
        tokio::select! {
            biased;
            () = shut => Err(FetchError::Broken),
            value = task => Ok(value),
        }
    }
}
