//! State that outlives one request: the count of requests in flight, and the last drafts.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Meaning, not commands: each keeper decides how it stores what it is told.
pub trait Store: Clone + Send + Sync + 'static {
    /// Counts one request in. It is counted out when the lease is dropped.
    fn lease(&self) -> impl Future<Output = Lease> + Send;

    /// Requests in flight, as far as this keeper can see.
    fn in_flight(&self) -> impl Future<Output = usize> + Send;

    /// Keeps a draft's body, placeholders and all, until many others have come: feedback is measured against it.
    fn keep_draft(&self, id: &str, body: &str) -> impl Future<Output = ()> + Send;

    /// The body that was kept under `id`, if it still is.
    fn draft(&self, id: &str) -> impl Future<Output = Option<String>> + Send;
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
    drafts: Arc<Mutex<VecDeque<(String, String)>>>,
}

/// Drafts that this keeper remembers, the newest.
const MOST_DRAFTS: usize = 128;

impl Memory {
    fn drafts(&self) -> MutexGuard<'_, VecDeque<(String, String)>> {
        self.drafts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Memory {
    async fn lease(&self) -> Lease {
        let in_flight = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        Lease::new(in_flight, CountOut(Arc::clone(&self.in_flight)))
    }

    async fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    async fn keep_draft(&self, id: &str, body: &str) {
        let mut drafts = self.drafts();
        drafts.push_back((id.to_owned(), body.to_owned()));
        if drafts.len() > MOST_DRAFTS {
            drafts.pop_front();
        }
    }

    async fn draft(&self, id: &str) -> Option<String> {
        self.drafts().iter().find(|(known, _)| known == id).map(|(_, body)| body.clone())
    }
}

struct CountOut(Arc<AtomicUsize>);

impl Drop for CountOut {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
