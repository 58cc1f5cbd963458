//! State that outlives one request: of this instance in its [`Memory`], of all instances in records that a keeper keeps.
//!
//! A record is a text that is read whole and replaced whole, by compare-and-swap: who was not first changes nothing.

mod memory;
pub mod upstash;

use std::fmt;
use std::future::Future;
use std::time::Duration;

pub use memory::{CountedIn, Memory};

use crate::config::Keeping;
use crate::event::Event;
use crate::limits::Key;
use crate::platform::{Moment, Platform, within};
use crate::service::Service;

/// Until a keeper has answered.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a lease is counted that is neither renewed nor returned: its instance has died.
pub const LEASE: Duration = Duration::from_secs(120);

/// Bytes of a record that are read.
pub const LONGEST_RECORD: usize = 256 * 1024;

/// What is kept for all instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// What the monitor knows of the nodes, and what it has not told yet.
    Monitor,
    /// Nothing: `doctor` tries the keeper with it.
    Doctor,
    /// What the owner did lately, as it was last heard.
    Activity,
}

impl Record {
    /// Its name in the keeper.
    pub fn key(self) -> &'static str {
        match self {
            Self::Monitor => "homefire:monitor",
            Self::Doctor => "homefire:doctor",
            Self::Activity => "homefire:activity",
        }
    }
}

/// A record that was not read or not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The keeper could not be reached, did not answer in time, or has had enough. What was to be written may have been
    /// written.
    Away,
    /// The keeper does not accept the token.
    Unauthorized,
    /// The keeper answers something else.
    Garbage,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Away => "away",
            Self::Unauthorized => "unauthorized",
            Self::Garbage => "garbage",
        })
    }
}

impl std::error::Error for StoreError {}

/// A place of the platform's own that keeps records for all instances.
pub trait Keeper: Send + Sync {
    /// The record, if there is one.
    fn load(&self, record: Record) -> impl Future<Output = Result<Option<String>, StoreError>> + Send;

    /// Puts `new` in the place of `old`; `false` where something else is there by now.
    fn swap(
        &self,
        record: Record,
        old: Option<&str>,
        new: &str,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Counts `lease` in until `until`, again if it was there, and gives how many are in at `now`, this one included.
    /// One without a name only looks, and is not counted.
    fn enter(
        &self,
        lease: &str,
        now: Moment,
        until: Moment,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// Counts `lease` out, if it is in.
    fn leave(&self, lease: &str) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A platform without such a place.
#[derive(Clone, Copy, Debug)]
pub enum Nowhere {}

impl Keeper for Nowhere {
    async fn load(&self, _: Record) -> Result<Option<String>, StoreError> {
        match *self {}
    }

    async fn swap(&self, _: Record, _: Option<&str>, _: &str) -> Result<bool, StoreError> {
        match *self {}
    }

    async fn enter(&self, _: &str, _: Moment, _: Moment) -> Result<usize, StoreError> {
        match *self {}
    }

    async fn leave(&self, _: &str) -> Result<(), StoreError> {
        match *self {}
    }
}

/// Whether other instances, and this one when it starts anew, find what is kept.
pub fn is_shared<P: Platform>(platform: &P, service: &Service) -> bool {
    match service.config.keeping {
        Keeping::Upstash(_) => true,
        Keeping::Best | Keeping::Durable => platform.keeper().is_some(),
        Keeping::Memory => false,
    }
}

/// The record from the keeper that is configured.
pub async fn load<P: Platform>(
    platform: &P,
    service: &Service,
    record: Record,
) -> Result<Option<String>, StoreError> {
    let load = async {
        match (&service.config.keeping, platform.keeper()) {
            (Keeping::Upstash(upstash), _) => upstash::load(platform, upstash, record).await,
            (Keeping::Best | Keeping::Durable, Some(keeper)) => keeper.load(record).await,
            (Keeping::Best | Keeping::Durable | Keeping::Memory, _) => Ok(service.memory.load(record)),
        }
    };
    within(platform, PATIENCE, load).await.unwrap_or(Err(StoreError::Away))
}

/// Replaces the record in the keeper that is configured.
pub async fn swap<P: Platform>(
    platform: &P,
    service: &Service,
    record: Record,
    old: Option<&str>,
    new: &str,
) -> Result<bool, StoreError> {
    let swap = async {
        match (&service.config.keeping, platform.keeper()) {
            (Keeping::Upstash(upstash), _) => upstash::swap(platform, upstash, record, old, new).await,
            (Keeping::Best | Keeping::Durable, Some(keeper)) => keeper.swap(record, old, new).await,
            (Keeping::Best | Keeping::Durable | Keeping::Memory, _) => {
                Ok(service.memory.swap(record, old, new))
            }
        }
    };
    within(platform, PATIENCE, swap).await.unwrap_or(Err(StoreError::Away))
}

/// Counts a lease in among those of all instances, or renews it; gives how many are in. One without a name
/// only looks.
pub async fn enter<P: Platform>(platform: &P, service: &Service, lease: &str) -> Result<usize, StoreError> {
    let now = platform.now();
    let until = now + LEASE;
    let enter = async {
        match (&service.config.keeping, platform.keeper()) {
            (Keeping::Upstash(upstash), _) => upstash::enter(platform, upstash, lease, now, until).await,
            (Keeping::Best | Keeping::Durable, Some(keeper)) => keeper.enter(lease, now, until).await,
            (Keeping::Best | Keeping::Durable | Keeping::Memory, _) => Ok(service.memory.in_flight(now)),
        }
    };
    within(platform, PATIENCE, enter).await.unwrap_or(Err(StoreError::Away))
}

/// Counts a visit of `key` among those to all instances, or says how long to wait for the next one. `None` where no
/// keeper counts them.
pub(crate) async fn visit<P: Platform>(
    platform: &P,
    service: &Service,
    key: &Key,
    now: Moment,
) -> Result<Option<Result<(), Duration>>, StoreError> {
    match &service.config.keeping {
        Keeping::Upstash(upstash) => {
            upstash::visit(platform, upstash, key, now, service.config.limits.rate).await.map(Some)
        }
        Keeping::Best | Keeping::Durable | Keeping::Memory => Ok(None),
    }
}

/// Counts a lease out.
pub async fn leave<P: Platform>(platform: &P, service: &Service, lease: &str) -> Result<(), StoreError> {
    let leave = async {
        match (&service.config.keeping, platform.keeper()) {
            (Keeping::Upstash(upstash), _) => upstash::leave(platform, upstash, lease).await,
            (Keeping::Best | Keeping::Durable, Some(keeper)) => keeper.leave(lease).await,
            (Keeping::Best | Keeping::Durable | Keeping::Memory, _) => Ok(()),
        }
    };
    within(platform, PATIENCE, leave).await.unwrap_or(Err(StoreError::Away))
}

/// A question was not counted among all instances: that is told now and then, not of each one.
pub(crate) fn failed<P: Platform>(platform: &P, service: &Service, error: StoreError) {
    if service.memory.tells_failure(platform.now()) {
        platform.log(&Event::StoreFailed { reason: error.to_string() });
    }
}
