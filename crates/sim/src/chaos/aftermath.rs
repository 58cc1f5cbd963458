//! The sky is clear: nothing is held any more, nobody was written to twice, and everything works again.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::judge::Outcome;
use super::plan::Plan;
use super::reader;
use super::report::Ledger;
use super::town::{Part, Town};
use super::weather::{ROUND, round};
use crate::socket::Reach;

/// After a storm, until nothing may be under way any more.
const CALM: Duration = Duration::from_secs(6);

/// How long the store counts the lease of whoever is gone.
const LEASE: Duration = Duration::from_secs(121);

/// Within so many rounds of the monitor all that has happened is told.
const MOST_ROUNDS: usize = 12;

/// Where the leases are in the store.
const LEASES: &str = "homefire:leases";

/// From one look at the store to the next.
const GLANCE: Duration = Duration::from_millis(1);

pub(super) async fn look<T: Town>(town: &T, ledger: &Ledger) {
    sleep(CALM).await;
    nothing_is_held(town, ledger).await;
    if let Err(what) = flips_are_told(town).await {
        ledger.breach(format!("all is well, and the monitor does not work: {what}"));
    }
    // Over sockets nobody waits until those who were left behind have expired.
    if town.rules().is_patient {
        sleep(LEASE).await;
    } else {
        town.store().engine().wipe();
    }
    if let Err(what) = a_question_is_counted(town, ledger).await {
        ledger.breach(format!("all is well, and {what}"));
    }
}

async fn nothing_is_held<T: Town>(town: &T, ledger: &Ledger) {
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
}

/// One fall and one rise are told, each once.
async fn flips_are_told<T: Town>(town: &T) -> Result<(), String> {
    let is_up = |node: &Value| node["state"] == "up";
    let is_down = |node: &Value| node["state"] == "down";
    let nodes = |round: &Value| round["nodes"].as_array().cloned().unwrap_or_default();
    rounds(town, "every node is up", |round| nodes(round).iter().all(is_up)).await?;
    let before = town.mail().mails().len();
    town.set(Part::Node(0), Reach::Down).await;
    rounds(town, "a node is down", |round| nodes(round).iter().any(is_down)).await?;
    town.set(Part::Node(0), Reach::Up).await;
    rounds(town, "every node is up again", |round| nodes(round).iter().all(is_up)).await?;
    match town.mail().mails().len() - before {
        2 => Ok(()),
        letters => Err(format!("{letters} letters told of a fall and a rise")),
    }
}

/// The monitor's rounds, until one of them is so, and all is told.
async fn rounds<T: Town>(town: &T, what: &str, is_so: impl Fn(&Value) -> bool) -> Result<(), String> {
    let mut last = Value::Null;
    for _ in 0..MOST_ROUNDS {
        sleep(ROUND).await;
        let (status, body) = round(town).await?;
        if status != 200 {
            return Err(format!("a round was answered with {status}"));
        }
        last = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        if is_so(&last) && last["untold"] == 0 {
            return Ok(());
        }
    }
    Err(format!("it is never seen that {what}: {last}"))
}

/// A question is answered, and counted in the store until then.
async fn a_question_is_counted<T: Town>(town: &T, ledger: &Ledger) -> Result<(), String> {
    let leases = || town.store().engine().members(LEASES);
    let seen = Cell::new(false);
    let watch = pin!(async {
        loop {
            seen.set(seen.get() || leases() > 0);
            sleep(GLANCE).await;
        }
    });
    let plan = Plan::fair();
    let asked = pin!(reader::ask(town, ledger, &plan));
    match select(asked, watch).await {
        Either::Left((Some(Outcome::Whole), _)) => {}
        Either::Left((outcome, _)) => return Err(format!("a question is not answered: {outcome:?}")),
        Either::Right(((), _)) => unreachable!("who watches does not stop"),
    }
    if !town.rules().counts_here {
        return Ok(());
    }
    if !seen.get() {
        return Err("a question is not counted in the store".to_owned());
    }
    let ended = Instant::now();
    while leases() > 0 {
        if ended.elapsed() > CALM {
            return Err(format!("{} leases are in the store when all is over", leases()));
        }
        sleep(GLANCE).await;
    }
    Ok(())
}
