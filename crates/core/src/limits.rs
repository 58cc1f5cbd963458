//! How much of the service one address, and all of them together, may take: who stands over it, hears when to come again.
//!
//! Where somebody counts for all instances he is asked, for 50 ms at most. Where he is away, or slow, nobody is refused
//! for it: this instance's own count holds.

mod address;
mod places;
mod window;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::Error;
use crate::event::Event;
use crate::lease::PATIENCE;
use crate::platform::{Moment, Platform, within};
use crate::reply::{Body, Reply};
use crate::service::Service;
use crate::store::{self, Nowhere, StoreError};

pub use address::{Address, Key};
pub use places::Limit;
pub use window::WINDOW;

use places::Places;
use window::Window;

/// A place of the platform's own that counts how often somebody comes.
pub trait Limiter: Send + Sync {
    /// Whether whoever goes by `key` may come once more within a minute, which counts as coming. `None` where it does
    /// not say.
    fn admits(&self, key: &Key) -> impl Future<Output = Option<bool>> + Send;
}

impl Limiter for Nowhere {
    async fn admits(&self, _: &Key) -> Option<bool> {
        match *self {}
    }
}

/// Who is here, and who came lately, as far as this instance has seen. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Visitors(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    places: Places,
    window: Window,
}

impl Visitors {
    /// Nothing here is left half done by a panic, so a poisoned lock is as good as any.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the streams that this instance has room for, for as long as this value lives.
#[derive(Debug)]
#[must_use = "a place is free again when it is dropped"]
pub(crate) struct Place {
    visitors: Visitors,
    number: u64,
}

impl Place {
    /// The reply, which keeps the place until its end, or until its reader has left.
    pub(crate) fn kept_by(self, reply: Reply) -> Reply {
        if let Body::Events(events) = reply.body() {
            events.keep(self);
        }
        reply
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.visitors.inner().places.leave(self.number);
    }
}

/// Lets a question in. Where the platform gives no address there is nobody to count it for, and only the cap on all
/// streams holds.
pub(crate) async fn admit<P: Platform>(
    platform: &P,
    service: &Service,
    address: Option<&Address>,
) -> Result<Place, Error> {
    let admitted = enter(platform, service, address.map(Address::key)).await;
    admitted.map_err(|limit| {
        platform.log(&Event::Limited { reason: limit.name() });
        limit.into()
    })
}

async fn enter<P: Platform>(platform: &P, service: &Service, key: Option<Key>) -> Result<Place, Limit> {
    let (visitors, config, now) = (&service.visitors, &service.config, platform.now());
    let number = visitors.inner().places.enter(key, &config.limits, now, config.deadlines.gone(now))?;
    let place = Place { visitors: visitors.clone(), number };
    if let (Some(key), most @ 1..) = (key, config.limits.rate) {
        count(platform, service, &key, most).await?;
    }
    Ok(place)
}

/// Who has used up his share here has used it up everywhere; only others are counted elsewhere, too.
async fn count<P: Platform>(platform: &P, service: &Service, key: &Key, most: usize) -> Result<(), Limit> {
    let now = platform.now();
    service.visitors.inner().window.enter(key, now, most).map_err(Limit::Rate)?;
    let counted = within(platform, PATIENCE, count_elsewhere(platform, service, key, now)).await;
    match counted {
        Ok(Ok(Some(Err(wait)))) => {
            service.visitors.inner().window.leave(key, now);
            return Err(Limit::Rate(wait));
        }
        // Who is slow is not asked for his reasons; the monitor waits for him longer.
        Ok(Ok(Some(Ok(())) | None)) | Err(_) => {}
        Ok(Err(error)) => store::failed(platform, service, error),
    }
    Ok(())
}

/// What whoever counts for all instances says; `None` where there is nobody, or he does not say.
async fn count_elsewhere<P: Platform>(
    platform: &P,
    service: &Service,
    key: &Key,
    now: Moment,
) -> Result<Option<Result<(), Duration>>, StoreError> {
    let Some(limiter) = platform.limiter() else { return store::visit(platform, service, key, now).await };
    Ok(limiter.admits(key).await.map(|admits| if admits { Ok(()) } else { Err(WINDOW) }))
}
