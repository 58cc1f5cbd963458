//! A storm: many readers, nodes that fail at every point, a store and a mail service that vanish; all of it drawn by a seed.
//!
//! In scope: what is drawn, what must be true of every reply whatever was drawn, and the table of what came of it. Out of
//! scope: how the service is run; that is a [`Town`]'s.

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
use tokio::time::{Instant, sleep};

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

/// After a storm, until nothing may be under way any more.
const CALM: Duration = Duration::from_secs(6);

/// How long the store counts the lease of whoever is gone.
const LEASE: Duration = Duration::from_secs(121);

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
    aftermath(town, &ledger).await;
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
    let (share, prompt) = town.rules().prompt;
    let slow = ledger.read(|report| report.command(share));
    if slow > prompt {
        ledger.breach(format!("local commands took {slow:?}, and {prompt:?} is what they may take"));
    }
}

/// Flat: what is held at the end is what was held in the middle, but for what an allocator keeps.
async fn memory<T: Town>(town: &T, ledger: &Ledger, until: Instant) {
    while town.memory().is_some() && pause(Duration::from_secs(1), until).await {
        town.memory().into_iter().for_each(|bytes| ledger.memory(bytes));
    }
    let held = ledger.read(|report| report.memory.clone());
    if let (Some(middle), Some(end)) = (held.get(held.len() / 2), held.last())
        && *end > middle + middle * 3 / 10 + (20 << 20)
    {
        ledger.breach(format!("{middle} bytes were held in the middle, and {end} at the end"));
    }
}

/// The sky is clear: nothing is held any more, nobody was written to twice, and the next question is answered.
async fn aftermath<T: Town>(town: &T, ledger: &Ledger) {
    sleep(CALM).await;
    match reader::local(town, "status").await {
        Ok(status) if status["data"]["in_flight"] == 0 => {}
        Ok(status) => ledger.breach(format!("leases are out when all is over: {status}")),
        Err(what) => ledger.breach(format!("the status when all is over: {what}")),
    }
    for (nth, node) in town.nodes().iter().enumerate() {
        if !node.is_idle() {
            ledger.breach(format!("node {nth} still works when all is over"));
        }
    }
    let mut keys: Vec<_> = town.mail().mails().into_iter().map(|mail| mail.key).collect();
    let count = keys.len();
    keys.sort();
    keys.dedup();
    if keys.len() < count {
        ledger.breach(format!("{count} letters under {} keys", keys.len()));
    }
    if town.rules().is_patient {
        sleep(LEASE).await;
    }
    if reader::ask(town, ledger, &Plan::fair()).await != Some(Outcome::Whole) {
        ledger.breach("all is well, and a question is not answered".to_owned());
    }
    if town.rules().is_patient {
        sleep(CALM).await;
        let leases = town.store().engine().members("homefire:leases");
        if leases > 0 {
            ledger.breach(format!("{leases} leases are in the store when all is over"));
        }
    }
}
