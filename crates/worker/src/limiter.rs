//! How often an address comes, counted by Cloudflare: once a location, for all isolates.

use std::sync::Arc;

use homefire_core::limits::{Key, Limiter};
use worker::send::SendFuture;
use worker::{Env, RateLimiter};

/// The binding in `wrangler.toml`.
const BINDING: &str = "RATE_LIMITER";

/// The binding, which knows its own figures.
#[derive(Clone, Debug)]
pub(crate) struct Counter(Arc<RateLimiter>);

impl Counter {
    /// `None` where there is no such binding.
    pub(crate) fn bound(env: &Env) -> Option<Self> {
        env.rate_limiter(BINDING).ok().map(|limiter| Self(Arc::new(limiter)))
    }
}

impl Limiter for Counter {
    fn admits(&self, key: &Key) -> impl Future<Output = Option<bool>> + Send {
        let (limiter, key) = (Arc::clone(&self.0), key.to_string());
        SendFuture::new(async move { limiter.limit(key).await.ok().map(|outcome| outcome.success) })
    }
}
