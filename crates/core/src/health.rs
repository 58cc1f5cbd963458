//! The monitor's round: look at all nodes, keep what was seen, tell what is untold.
//!
//! Whatever fails on the way, a flip is kept before anything is sent, and is sent under a key that makes a second time
//! no second letter. Rounds that overlap, come twice or are left out change nothing about that.

pub mod probe;
pub mod tell;

use std::time::Duration;

use futures_channel::oneshot::channel;
use http::StatusCode;
use serde::Serialize;

use crate::activity;
use crate::config::Config;
use crate::error::Error;
use crate::event::Event;
use crate::monitor::diagnosis::Diagnosis;
use crate::monitor::letter::Letter;
use crate::monitor::{Finding, Health, Record};
use crate::platform::{Moment, Platform, all};
use crate::reply::{self, Reply};
use crate::service::Service;
use crate::store::{self, Record as Kept, StoreError};
use probe::{Asking, Look};
use tell::Heard;

/// Every so many rounds a node that is idle is asked for a word: it may list its models while generation hangs.
const WORD_EVERY: u64 = 3;

/// Every so many rounds it is asked whoever is being answered. Where nobody ever is for a moment, a node that hangs would
/// else be told of never; and one that is only busy has been free by the second time.
const INSIST_EVERY: u64 = 12;

/// Nodes that are looked at at once. Workers have six connections for heads that have not come: a look that waits for one
/// would find its node slow.
const AT_ONCE: usize = 5;

/// How often it is tried to keep what came of a letter.
const NOTES: usize = 3;

/// The mail service has had enough for now.
const LATER: &str = "mail_later";

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

/// `GET /api/cron/health`: plays one round, to its end even where whoever has called leaves before.
pub async fn handle<P: Platform>(platform: &P, service: &Service) -> Result<Reply, Error> {
    let (tell, told) = channel();
    let (own, service) = (platform.clone(), service.clone());
    platform.wait_until(async move { drop(tell.send(round(&own, &service).await)) });
    match told.await {
        Ok(Ok(outcome)) => Ok(reply::json(StatusCode::OK, &outcome)),
        Ok(Err(_)) | Err(_) => Err(Error::StoreAway),
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
    // Where a clock was far ahead, the record lies in the future: that is no reason to look no more.
    let since = now.since(record.checked).max(record.checked.since(now));
    let is_early = since < service.config.monitor.period / 2;
    if !is_early {
        let looks = look(platform, service, &record).await;
        findings =
            looks.iter().filter_map(|(name, look)| Some((name.clone(), look.finding.clone()?))).collect();
        // A node that is no longer configured is nobody's business.
        record.nodes.retain(|name| looks.iter().any(|(looked, _)| looked == name));
        // As of when it began: a look that takes long would make the next one too early.
        let dropped = record.observe(&findings, now, service.config.monitor.damping);
        looks.into_iter().for_each(|(name, look)| record.note_resident(&name, look.resident));
        kept = record.to_text();
        if !store::swap(platform, service, Kept::Monitor, old.as_deref(), &kept).await? {
            return Ok(outcome(&record, &findings, 0));
        }
        if let Some(letter) = dropped {
            platform.log(&untold(&letter, "mail_dropped"));
        }
    }
    service.outlook.read(Some(&record), platform.now());
    let told = tell(platform, service, &mut record, &mut kept, now).await;
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

/// How long the looks of a round may take together, the store's part left out.
pub fn longest_looks(config: &Config) -> Duration {
    config.nodes.chunks(AT_ONCE).map(|_| probe::longest(config)).sum()
}

/// A word is asked for in every third round, and in every one while a node is thought to hang: a look at its models would
/// not tell.
async fn look<P: Platform>(platform: &P, service: &Service, record: &Record) -> Vec<(String, Look)> {
    let config = &service.config;
    let is_turn = |every| (record.round + 1).is_multiple_of(every);
    let mut looks = Vec::new();
    for nodes in config.nodes.chunks(AT_ONCE) {
        let asked = nodes.iter().map(|node| async move {
            let why = record.nodes.get(&node.name).and_then(|known| known.state.why.as_ref());
            let hangs = why == Some(&Diagnosis::Hangs);
            let word = hangs || is_turn(WORD_EVERY);
            let asking = Asking { word, insists: is_turn(INSIST_EVERY), hangs, since: record.checked };
            (node.name.clone(), probe::look(platform, service, node, asking).await)
        });
        looks.extend(all(asked).await);
    }
    looks
}

/// Sends what is untold, the oldest first, and notes what came of each letter.
async fn tell<P: Platform>(
    platform: &P,
    service: &Service,
    record: &mut Record,
    kept: &mut String,
    began: Moment,
) -> usize {
    let monitor = &service.config.monitor;
    let mut told = 0;
    for letter in record.untold.clone() {
        if record.is_quiet(platform.now()) {
            platform.log(&untold(&letter, LATER));
            break;
        }
        let noted = match tell::send(platform, monitor, &letter, began).await {
            Heard::Accepted => {
                let noted = note(platform, service, record, kept, &|record| record.told(&letter)).await;
                // Without a mail service the log is where it is told, by whoever has noted it.
                if monitor.mail.is_some() || noted.here {
                    platform.log(&Event::Told { subject: letter.subject() });
                    told += 1;
                }
                noted
            }
            Heard::Later(wait) => {
                platform.log(&untold(&letter, LATER));
                let until = platform.now() + wait;
                note(platform, service, record, kept, &|record| record.be_quiet(until)).await
            }
            Heard::Refused(reason) => {
                platform.log(&untold(&letter, reason));
                continue;
            }
            Heard::Failed(reason) => {
                platform.log(&untold(&letter, reason));
                break;
            }
        };
        if !noted.here || noted.raced {
            break;
        }
    }
    told
}

fn untold(letter: &Letter, reason: &'static str) -> Event {
    Event::Untold { subject: letter.subject(), reason }
}

/// What came of a change of the record.
struct Noted {
    /// It is kept, and this round has kept it.
    here: bool,
    /// Another round is at it, too, and goes on.
    raced: bool,
}

/// Keeps what `change` makes of the record, unless that is nothing. Where another round was first, or the keeper is away,
/// it is tried again with what is there by then: a letter that was taken and is not noted would be sent once more.
async fn note<P: Platform>(
    platform: &P,
    service: &Service,
    record: &mut Record,
    kept: &mut String,
    change: &(dyn Fn(&mut Record) -> bool + Sync),
) -> Noted {
    let mut noted = Noted { here: false, raced: false };
    let mut may_be_kept = false;
    for _ in 0..NOTES {
        let mut changed = record.clone();
        if !change(&mut changed) {
            noted.here = may_be_kept;
            return noted;
        }
        let new = changed.to_text();
        match store::swap(platform, service, Kept::Monitor, Some(kept), &new).await {
            Ok(true) => {
                (*record, *kept, noted.here) = (changed, new, true);
                return noted;
            }
            Ok(false) => noted.raced = true,
            Err(error) => {
                platform.log(&Event::StoreFailed { reason: error.to_string() });
                may_be_kept = true;
            }
        }
        if let Ok(Some(text)) = store::load(platform, service, Kept::Monitor).await {
            (*record, *kept) = (Record::parse(&text), text);
        }
    }
    noted
}
