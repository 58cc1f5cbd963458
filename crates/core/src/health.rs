//! The monitor's round: look at all nodes, keep what was seen, tell what is untold.
//!
//! Whatever fails on the way, a flip is kept before anything is sent, and is sent under a key that makes a second time
//! no second letter. Rounds that overlap, come twice or are left out change nothing about that.

pub mod probe;
pub mod tell;

use futures_util::future::join_all;
use http::StatusCode;
use serde::Serialize;

use crate::activity;
use crate::error::Error;
use crate::event::Event;
use crate::monitor::diagnosis::Diagnosis;
use crate::monitor::{Finding, Health, Record};
use crate::platform::Platform;
use crate::reply::{self, Reply};
use crate::service::Service;
use crate::store::{self, Record as Kept, StoreError};
use probe::Look;
use tell::Heard;

/// Every so many rounds a node that is idle is asked for a word: it may list its models while generation hangs.
const WORD_EVERY: u64 = 3;

/// What came of a round.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "round")]
pub struct Outcome {
    /// Which one it was.
    pub round: u64,
    /// The nodes, as they are known now.
    pub nodes: Vec<Seen>,
    /// Letters that were accepted in it.
    pub told: usize,
    /// Letters that are still to be sent.
    pub untold: usize,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Its name.
    pub node: String,
    /// How it is.
    pub state: Health,
    /// What this look found wrong.
    pub why: Option<&'static str>,
}

/// `GET /api/cron/health`: plays one round.
pub async fn handle<P: Platform>(platform: &P, service: &Service) -> Result<Reply, Error> {
    match round(platform, service).await {
        Ok(outcome) => Ok(reply::json(StatusCode::OK, &outcome)),
        Err(_) => Err(Error::StoreAway),
    }
}

/// Plays one round. The error is the keeper's: without it nothing is believed and nothing is told.
pub async fn round<P: Platform>(platform: &P, service: &Service) -> Result<Outcome, StoreError> {
    let result = play(platform, service).await;
    match &result {
        Ok(outcome) => platform.log(&Event::Round { round: outcome.round, nodes: outcome.nodes.clone() }),
        Err(error) => platform.log(&Event::StoreFailed { reason: error.to_string() }),
    }
    result
}

async fn play<P: Platform>(platform: &P, service: &Service) -> Result<Outcome, StoreError> {
    let old = store::load(platform, service, Kept::Monitor).await?;
    if old.is_none() && !store::is_shared(platform, service) {
        platform.log(&Event::MemoryOnly);
    }
    let mut record = old.as_deref().map(Record::parse).unwrap_or_default();
    let mut kept = old.clone().unwrap_or_default();
    let mut findings = Vec::new();
    // A round that comes again at once, retried or triggered twice, is no second look; what is untold it tells.
    let now = platform.now();
    // Where a clock was ahead, the record lies in the future: that is no reason to look no more.
    let is_early = record.checked <= now && now.since(record.checked) < service.config.monitor.period / 2;
    if !is_early {
        let looks = look(platform, service, &record).await;
        findings = looks.iter().map(|(name, look)| (name.clone(), look.finding.clone())).collect();
        record.observe(&findings, platform.now(), service.config.monitor.damping);
        looks.into_iter().for_each(|(name, look)| record.note_resident(&name, look.resident));
        kept = record.to_text();
        if !store::swap(platform, service, Kept::Monitor, old.as_deref(), &kept).await? {
            return Ok(outcome(&record, &findings, 0));
        }
    }
    service.outlook.read(Some(&record), platform.now());
    let told = tell(platform, service, &mut record, &mut kept).await?;
    // Who waits for the beat shall notice, too, that the owner cannot be told.
    if !is_early && record.untold.is_empty() {
        tell::beat(platform, service).await;
    }
    refresh(platform, service);
    Ok(outcome(&record, &findings, told))
}

fn outcome(record: &Record, findings: &[(String, Finding)], told: usize) -> Outcome {
    let found = |name: &str| findings.iter().find(|(found, _)| found == name).map(|(_, finding)| finding);
    let nodes = record.nodes.iter().map(|(name, known)| Seen {
        node: name.to_owned(),
        state: known.state.health,
        why: match found(name) {
            Some(Finding::Bad(why)) => Some(why.name()),
            Some(Finding::Good | Finding::Drained) | None => None,
        },
    });
    Outcome { round: record.round, nodes: nodes.collect(), told, untold: record.untold.len() }
}

/// The owner's activity, behind the round's back: the round waits for nobody in it.
fn refresh<P: Platform>(platform: &P, service: &Service) {
    let (platform, service) = (platform.clone(), service.clone());
    platform.clone().wait_until(async move { activity::refresh(&platform, &service).await });
}

/// A word is asked for in every third round of a node that is idle, and in every one while it is thought to hang: a look
/// at its models would not tell.
async fn look<P: Platform>(platform: &P, service: &Service, record: &Record) -> Vec<(String, Look)> {
    let config = &service.config;
    let is_turn = (record.round + 1).is_multiple_of(WORD_EVERY) && service.memory.in_flight() == 0;
    let looks = config.nodes.iter().map(|node| async move {
        let why = record.nodes.get(&node.name).and_then(|known| known.state.why.as_ref());
        let asks_word = is_turn || why == Some(&Diagnosis::Hangs);
        (node.name.clone(), probe::look(platform, config, node, asks_word).await)
    });
    join_all(looks).await
}

/// Sends what is untold, the oldest first, and notes each letter that was accepted. Who loses a race meanwhile stops: the
/// other one goes on.
async fn tell<P: Platform>(
    platform: &P,
    service: &Service,
    record: &mut Record,
    kept: &mut String,
) -> Result<usize, StoreError> {
    let mut told = 0;
    for letter in record.untold.clone() {
        if platform.now() < record.quiet_until {
            break;
        }
        match tell::send(platform, &service.config.monitor, &letter).await {
            Heard::Accepted => {
                record.told(&letter);
                told += 1;
                platform.log(&Event::Told { subject: letter.subject() });
            }
            Heard::Later(wait) => record.quiet_until = platform.now() + wait,
            Heard::Refused(reason) => {
                platform.log(&Event::Untold { subject: letter.subject(), reason });
                continue;
            }
            Heard::Failed(reason) => {
                platform.log(&Event::Untold { subject: letter.subject(), reason });
                break;
            }
        }
        let new = record.to_text();
        if !store::swap(platform, service, Kept::Monitor, Some(kept), &new).await? {
            break;
        }
        *kept = new;
    }
    Ok(told)
}
