//! Which request meets which fault: the next the first, in order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Faults in their order. Clones are the same queue.
#[derive(Debug)]
pub(crate) struct Turns<F>(Arc<Mutex<VecDeque<F>>>);

impl<F> Turns<F> {
    pub(crate) fn push(&self, fault: F) {
        self.queue().push_back(fault);
    }

    pub(crate) fn next(&self) -> Option<F> {
        self.queue().pop_front()
    }

    pub(crate) fn clear(&self) {
        self.queue().clear();
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<F>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> Clone for Turns<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F> Default for Turns<F> {
    fn default() -> Self {
        Self(Arc::default())
    }
}
