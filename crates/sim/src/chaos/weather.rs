//! What befalls the town while its readers read: nodes die and return, the store and the mail falter, the monitor looks.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{FutureExt, LocalBoxFuture};
use futures_util::stream::StreamExt;
use http::Request;
use tokio::time::{Instant, sleep};

use super::chance::Chance;
use super::report::Ledger;
use super::town::{CRON_SECRET, NODES, Part, Town};
use crate::node::Node;
use crate::socket::Reach;
use crate::{mail, redis};

/// From one round of the monitor to the next: later than its `MONITOR_MS`.
pub(super) const ROUND: Duration = Duration::from_millis(1100);

/// Everything that befalls it, until `until`; then all can be reached again.
pub(super) fn rage<'a, T: Town>(
    town: &'a T,
    ledger: &'a Ledger,
    seed: u64,
    until: Instant,
) -> impl Iterator<Item = LocalBoxFuture<'a, ()>> {
    let chance = move |row| Chance::new(seed, row);
    let nodes =
        (0..NODES).map(move |nth| outages(town, ledger, chance(1000 + nth as u64), nth, until).boxed_local());
    nodes.chain([
        store(town, ledger, chance(2000), until).boxed_local(),
        mail(town, ledger, chance(2001), until).boxed_local(),
        rounds(town, ledger, until).boxed_local(),
    ])
}

async fn outages<T: Town>(town: &T, ledger: &Ledger, mut chance: Chance, nth: usize, until: Instant) {
    let part = Part::Node(nth);
    while pause(chance.millis(500, 5000), until).await {
        let reach = chance.of(&[Reach::Down, Reach::Down, Reach::Silent]);
        ledger.weather(if reach == Reach::Down { "a node dies" } else { "a node falls silent" }, nth);
        town.set(part, reach).await;
        pause(chance.millis(50, 2000), until).await;
        town.nodes()[nth].restart();
        town.set(part, Reach::Up).await;
        ledger.weather("a node returns", nth);
    }
}

async fn store<T: Town>(town: &T, ledger: &Ledger, mut chance: Chance, until: Instant) {
    use redis::Fault::{Garbage, Hang, Lost, Quota, Slow, Spared, Unauthorized, Unavailable};
    while pause(chance.millis(100, 1500), until).await {
        if chance.one_in(6) {
            ledger.weather("the store vanishes", 0);
            town.set(Part::Store, chance.of(&[Reach::Down, Reach::Silent])).await;
            pause(chance.millis(100, 3000), until).await;
            town.set(Part::Store, Reach::Up).await;
        } else {
            ledger.weather("the store falters", 0);
            let slow = Slow(chance.millis(1, 4000));
            let faults = [Unavailable, Lost, slow, Hang, Unauthorized, Garbage, Quota, Spared];
            (0..4).for_each(|_| town.store().queue(chance.of(&faults)));
        }
    }
    town.store().calm();
}

async fn mail<T: Town>(town: &T, ledger: &Ledger, mut chance: Chance, until: Instant) {
    use mail::Fault::{Failing, Hang, Lost, Slow, Spared, TooMany};
    while pause(chance.millis(500, 4000), until).await {
        if chance.one_in(3) {
            ledger.weather("the mail vanishes", 0);
            town.set(Part::Mail, Reach::Down).await;
            pause(chance.millis(500, 5000), until).await;
            town.set(Part::Mail, Reach::Up).await;
        } else {
            ledger.weather("the mail falters", 0);
            let slow = Slow(chance.millis(1, 4000));
            town.mail().queue(chance.of(&[Failing, Hang, Lost, slow, TooMany(1), Spared]));
        }
    }
    town.mail().calm();
}

/// The monitor's rounds; where the store is away they say so.
async fn rounds<T: Town>(town: &T, ledger: &Ledger, until: Instant) {
    while pause(ROUND, until).await {
        match round(town).await {
            Ok((200, _)) => ledger.weather("a round", 0),
            Ok((503, _)) => ledger.weather("a round without the store", 0),
            Ok((other, _)) => ledger.breach(format!("a round of the monitor was answered with {other}")),
            Err(error) => ledger.breach(format!("a round of the monitor got no reply: {error}")),
        }
        town.nodes().iter().for_each(Node::forget);
        town.tidy();
    }
}

/// One of them: its status, and what it says.
pub(super) async fn round<T: Town>(town: &T) -> Result<(u16, Vec<u8>), String> {
    let request = Request::get("/api/cron/health").header("authorization", format!("Bearer {CRON_SECRET}"));
    let request = request.header("content-type", "application/json").body(Bytes::new());
    let (head, mut body) = town.send(request.expect("the request is well formed")).await?.into_parts();
    let mut said = Vec::new();
    while let Some(Ok(chunk)) = body.next().await {
        said.extend(chunk);
    }
    Ok((head.status.as_u16(), said))
}

/// Waits; `false` when the storm is over.
pub(super) async fn pause(time: Duration, until: Instant) -> bool {
    let left = until.saturating_duration_since(Instant::now());
    sleep(time.min(left)).await;
    Instant::now() < until
}
