//! How many requests a second are taken, and what the headers say about it.

use bytes::Bytes;
use http::Response;
use tokio::time::{Duration, Instant};

use crate::outside::tell;

const WINDOW: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Rate {
    limit: u32,
    used: u32,
    since: Instant,
}

impl Rate {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, used: 0, since: Instant::now() }
    }

    /// Counts a request; the error is in how many seconds the next is taken.
    pub(super) fn count(&mut self) -> Result<(), u64> {
        if self.since.elapsed() >= WINDOW {
            (self.used, self.since) = (0, Instant::now());
        }
        if self.used == self.limit {
            return Err(WINDOW.as_secs());
        }
        self.used += 1;
        Ok(())
    }

    pub(super) fn tell(&self, response: &mut Response<Bytes>) {
        tell(response, "ratelimit-limit", self.limit);
        tell(response, "ratelimit-remaining", self.limit - self.used);
        tell(response, "ratelimit-reset", WINDOW.as_secs());
        tell(response, "ratelimit-policy", format_args!("{};w={}", self.limit, WINDOW.as_secs()));
    }
}
