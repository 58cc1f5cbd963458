//! A storm: many readers, nodes that fail at every point, a store and a mail service that vanish; all of it drawn by a seed.
//!
//! In scope: what is drawn, what must be true of every reply whatever was drawn, and the table of what came of it. Out of
//! scope: how the service is run; that is a [`Town`]'s.

mod aftermath;
mod chance;
mod heard;
mod in_process;
mod judge;
mod plan;
mod reader;
mod report;
mod town;
mod weather;

use std::time::Duration;

use futures_util::future::{FutureExt, LocalBoxFuture};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use chance::Chance;
pub use in_process::{PACE, VirtualTown};
pub use judge::{OUTCOMES, Outcome};
use plan::Plan;
use report::Ledger;
pub use report::Report;
pub use town::{MAIL_KEY, NODES, Part, Rules, STORE_TOKEN, Town, variables};
use weather::pause;

/// From one local command to the next.
const COMMAND: Duration = Duration::from_millis(200);

/// Rages for `span`, and says what came of it.
pub async fn storm<T: Town>(town: &T, seed: u64, span: Duration) -> Report {
    let ledger = Ledger::new(seed);
    let until = Instant::now() + span;
    let mut all: FuturesUnordered<LocalBoxFuture<'_, ()>> = FuturesUnordered::new();
    for place in 0..town.rules().readers {
        all.push(read(town, &ledger, seed, place, until).boxed_local());
    }
    all.extend(weather::rage(town, &ledger, seed, until));
    all.push(commands(town, &ledger, until).boxed_local());
    all.push(memory(town, &ledger, until).boxed_local());
    while all.next().await.is_some() {}
    drop(all);
    aftermath::look(town, &ledger).await;
    ledger.close()
}

/// One reader after the other, at one place.
async fn read<T: Town>(town: &T, ledger: &Ledger, seed: u64, place: usize, until: Instant) {
    let mut chance = Chance::new(seed, place as u64);
    let mut nth = 0;
    while pause(chance.millis(0, 60), until).await {
        let plan = Plan::draw(&mut chance, place, nth);
        reader::ask(town, ledger, &plan).await;
        nth += 1;
    }
}

async fn commands<T: Town>(town: &T, ledger: &Ledger, until: Instant) {
    let mut chance = Chance::new(0, 0);
    while pause(COMMAND, until).await {
        let query = chance.of(&["help", "list products", "show paychasers"]);
        let began = Instant::now();
        match reader::local(town, query).await {
            Ok(_) => ledger.command(began.elapsed()),
            Err(what) => ledger.breach(format!("the command {query:?}: {what}")),
        }
    }
    if ledger.read(|report| report.commands.is_empty()) {
        ledger.breach("no local command was answered".to_owned());
    }
    let (share, prompt) = town.rules().prompt;
    let slow = ledger.read(|report| report.command(share));
    if slow > prompt {
        ledger.breach(format!("local commands took {slow:?}, and {prompt:?} is what they may take"));
    }
}

/// Flat: what is held at the end is what was held in the middle, but for what an allocator keeps.
async fn memory<T: Town>(town: &T, ledger: &Ledger, until: Instant) {
    if town.memory().is_none() {
        return;
    }
    while pause(Duration::from_secs(1), until).await {
        match town.memory() {
            Some(bytes) => ledger.memory(bytes),
            None => ledger.breach("what is held cannot be seen any more".to_owned()),
        }
    }
    let held = ledger.read(|report| report.memory.clone());
    if let (Some(middle), Some(end)) = (held.get(held.len() / 2), held.last())
        && *end > middle + middle * 3 / 10 + (20 << 20)
    {
        ledger.breach(format!("{middle} bytes were held in the middle, and {end} at the end"));
    }
}
