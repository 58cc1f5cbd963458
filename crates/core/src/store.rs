//! State that outlives one request: for now the count of requests in flight.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Meaning, not commands: each keeper decides how it stores what it is told.
pub trait Store: Clone + Send + Sync + 'static {
    /// Counts one request in. It is counted out when the lease is dropped.
    fn lease(&self) -> impl Future<Output = Lease> + Send;

    /// Requests in flight, as far as this keeper can see.
    fn in_flight(&self) -> impl Future<Output = usize> + Send;
}

/// One request in flight, for as long as this value lives.
#[must_use = "a lease is returned when it is dropped"]
pub struct Lease {
    in_flight: usize,
    _return: Box<dyn Send + Sync>,
}

impl Lease {
    /// `on_drop` is dropped with the lease and gives it back.
    pub fn new(in_flight: usize, on_drop: impl Send + Sync + 'static) -> Self {
        Self { in_flight, _return: Box::new(on_drop) }
    }

    /// Requests in flight when this one was counted in, itself included: at least one.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}

/// Keeps everything in this instance's memory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    in_flight: Arc<AtomicUsize>,
}

impl Store for Memory {
    async fn lease(&self) -> Lease {
        let in_flight = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        Lease::new(in_flight, CountOut(Arc::clone(&self.in_flight)))
    }

    async fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }
}

struct CountOut(Arc<AtomicUsize>);

impl Drop for CountOut {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
