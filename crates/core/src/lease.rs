//! A request is counted in, here and among all instances, until its reply has ended.

use std::convert::Infallible;
use std::time::Duration;

use futures_channel::oneshot::{Receiver, Sender, channel};

use crate::load::{Counted, Load};
use crate::platform::{Platform, new_id, within};
use crate::service::Service;
use crate::store::{self, CountedIn};

/// How long a request waits for a count of all instances.
pub(crate) const PATIENCE: Duration = Duration::from_millis(50);

/// From one renewal of a lease to the next.
const RENEW: Duration = Duration::from_secs(store::LEASE.as_secs() / 2);

/// One request in flight, for as long as this value lives.
#[derive(Debug)]
#[must_use = "a lease is returned when it is dropped"]
pub(crate) struct Lease {
    /// What was in flight when it was taken.
    pub(crate) load: Load,
    _here: CountedIn,
    _everywhere: Option<Sender<Infallible>>,
}

/// The lease of whoever only asks how many there are: it has no name, and nobody counts it.
const LOOK: &str = "";

/// Whether nobody is being answered, as far as the instances count each other. A keeper that is away does not say so.
pub(crate) async fn is_idle<P: Platform>(platform: &P, service: &Service) -> bool {
    let is_idle = service.memory.in_flight(platform.now()) == 0;
    if !is_idle || !store::is_shared(platform, service) {
        return is_idle;
    }
    store::enter(platform, service, LOOK).await == Ok(0)
}

/// Counts a request in. Where the keeper is away, or slow, the count is this instance's own; where every node has a
/// guard that counts nobody else needs to. Where no node has two models to choose from nobody waits for the count: it is
/// the monitor that wants to know.
pub(crate) async fn take<P: Platform>(platform: &P, service: &Service) -> Lease {
    let now = platform.now();
    let here = service.memory.lease(now, service.config.deadlines.gone(now));
    let own = Load { in_flight: here.in_flight(), counted: Counted::Instance };
    if service.outlook.are_guarded(&service.config) || !store::is_shared(platform, service) {
        return Lease { load: own, _here: here, _everywhere: None };
    }
    // Whoever is not alone here is not alone among all: the count would change nothing.
    let is_wanted = own.is_alone() && service.config.nodes.iter().any(Load::matters);
    let (tell, told) = is_wanted.then(channel).unzip();
    let (everywhere, returned) = channel();
    platform.wait_until(keep(platform.clone(), service.clone(), tell, returned));
    let load = match told {
        Some(told) => within(platform, PATIENCE, told).await.ok().and_then(Result::ok),
        None => None,
    };
    let load = load.map(|count| Load { in_flight: count.max(own.in_flight), counted: Counted::Fleet });
    Lease { load: load.unwrap_or(own), _here: here, _everywhere: Some(everywhere) }
}

/// Keeps a lease with the keeper until it is returned. One that was not confirmed may be there all the same.
async fn keep<P: Platform>(
    platform: P,
    service: Service,
    mut tell: Option<Sender<usize>>,
    mut returned: Receiver<Infallible>,
) {
    let name = new_id(&platform);
    // Where nobody waits for the count the words come first, and what soon ends is not counted at all.
    if tell.is_none() && within(&platform, PATIENCE, &mut returned).await.is_ok() {
        return;
    }
    loop {
        match (store::enter(&platform, &service, &name).await, tell.take()) {
            // Whoever waited for it may have given up.
            (Ok(count), Some(tell)) => drop(tell.send(count)),
            (Ok(_), None) => {}
            (Err(error), _) => store::failed(&platform, &service, error),
        }
        if within(&platform, RENEW, &mut returned).await.is_ok() {
            break;
        }
    }
    // What is not returned now is when its time is over.
    let _ = store::leave(&platform, &service, &name).await;
}
