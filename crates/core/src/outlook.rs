//! What an instance has heard of the monitor: who is known to be down is asked last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::breaker::{Breaker, Standing};
use crate::by_name::ByName;
use crate::config::{Config, Node};
use crate::failure::Failure;
use crate::hedge::Budget;
use crate::monitor::{Health, Record, State};
use crate::platform::{Moment, Platform};
use crate::service::Service;
use crate::store::{self, Record as Kept};

/// From one reading of the record to the next, at the least.
const EVERY: Duration = Duration::from_secs(15);

/// How long a node that had no place is not asked for a hedge.
const BUSY: Duration = Duration::from_secs(5);

/// Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Outlook(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// When somebody last set out to read it.
    asked: Moment,
    /// When it was last read.
    read: Moment,
    /// The record as it was last read.
    record: Record,
    /// By their names.
    nodes: ByName<Heard>,
    hedges: Budget,
}

/// What was heard of one node.
#[derive(Debug, Default)]
struct Heard {
    /// The record puts it out.
    is_out: bool,
    /// Its guard chooses the model.
    is_guarded: bool,
    breaker: Option<Breaker>,
    /// When each of its models last spoke.
    spoken: Vec<(String, Moment)>,
    /// When it last had no place for one more.
    busy: Option<Moment>,
}

/// The nodes of one question, in the order in which they are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Their places in the configuration.
    pub nodes: Vec<usize>,
    /// So many of them are not known to be out.
    pub well: usize,
}

impl Outlook {
    /// Those that are known to be out go last. Where the monitor has not looked for long, its word counts for nothing.
    pub fn order(&self, config: &Config, now: Moment) -> Order {
        let mut inner = self.inner();
        let is_stale = config.monitor.is_stale(inner.record.checked, now);
        let is_out = |at: &usize| {
            inner
                .nodes
                .get(&config.nodes[*at].name)
                .is_some_and(|heard| heard.standing(now) == Standing::Open || (!is_stale && heard.is_out))
        };
        let (out, mut nodes): (Vec<_>, Vec<_>) = (0..config.nodes.len()).partition(is_out);
        let well = nodes.len();
        nodes.extend(out);
        // Whoever is asked first is asked indeed.
        let first = &*config.nodes[nodes[0]].name;
        if let Some(breaker) = inner.breaker(first) {
            breaker.try_it(now, config.breaker);
        }
        Order { nodes, well }
    }

    /// A node has spoken: whatever was heard of it is over.
    pub fn spoke(&self, node: &str, model: &str, now: Moment) {
        let mut inner = self.inner();
        let heard = inner.heard(node);
        heard.spoken.retain(|(other, _)| other != model);
        heard.spoken.push((model.to_owned(), now));
        (heard.is_out, heard.busy) = (false, None);
        if let Some(breaker) = &mut heard.breaker {
            breaker.spoke();
        }
    }

    /// Whether this instance has heard a node speak since then.
    pub(crate) fn has_spoken(&self, node: &str, since: Moment) -> bool {
        self.inner().nodes.get(node).is_some_and(|heard| heard.has_spoken(since))
    }

    /// A node has said all that was wanted.
    pub fn completed(&self, node: &str) {
        self.inner().heard(node).breaker = None;
    }

    /// Whether a node must load `model` before it can speak, as far as the monitor has seen.
    pub fn is_cold(&self, config: &Config, node: &Node, model: &str, now: Moment) -> bool {
        let inner = self.inner();
        let checked = inner.record.checked;
        let has_spoken = inner.nodes.get(&node.name).is_some_and(|heard| {
            heard.spoken.iter().any(|(known, spoken)| known == model && (*spoken).min(now) >= checked)
        });
        if config.monitor.is_stale(checked, now) || has_spoken {
            return false;
        }
        let known = inner.record.nodes.get(&node.name).and_then(|known| known.resident.as_ref());
        known.is_some_and(|resident| !resident.iter().any(|name| name == model))
    }

    /// A request has failed at a node.
    pub fn failed(&self, config: &Config, node: &str, why: Failure, now: Moment) {
        let mut inner = self.inner();
        let heard = inner.heard(node);
        heard.breaker.get_or_insert_default().failed(why, now, config.breaker);
        if why == Failure::Busy {
            heard.busy = Some(now);
        }
    }

    /// Whether a node had no place for one more a moment ago.
    pub fn is_busy(&self, node: &str, now: Moment) -> bool {
        // No longer by a clock that was ahead: `since` knows of no time before.
        let busy = self.inner().nodes.get(node).and_then(|heard| heard.busy);
        busy.is_some_and(|since| since <= now && now.since(since) < BUSY)
    }

    /// A request came.
    pub(crate) fn earn_hedge(&self, config: &Config) {
        self.inner().hedges.earn(config.hedge.budget);
    }

    /// Whether a second node may be asked; if so, that much of the budget is spent.
    pub(crate) fn spend_hedge(&self, config: &Config) -> bool {
        self.inner().hedges.spend(config.hedge.budget)
    }

    /// A node has answered, through a guard or not.
    pub fn guarded(&self, node: &str, is_guarded: bool) {
        self.inner().heard(node).is_guarded = is_guarded;
    }

    /// Whether every node is known to have a guard that counts.
    pub fn are_guarded(&self, config: &Config) -> bool {
        let inner = self.inner();
        config.nodes.iter().all(|node| inner.nodes.get(&node.name).is_some_and(|heard| heard.is_guarded))
    }

    /// Whether it is time to read the record; if so, nobody else is told so.
    fn is_due(&self, now: Moment) -> bool {
        let mut inner = self.inner();
        // Where the clock was set back the wait begins anew.
        (inner.read, inner.asked) = (inner.read.min(now), inner.asked.min(now));
        let is_due = now.since(inner.read.max(inner.asked)) >= EVERY;
        if is_due {
            inner.asked = now;
        }
        is_due
    }

    /// Takes in a record, unless it was taken in before: a node that has spoken since is not put out by an old look, nor
    /// by one that found it well. One by a clock that was ahead gives way to any other.
    fn take(&self, record: &Record, now: Moment) {
        let mut inner = self.inner();
        if record.checked <= inner.record.checked && inner.record.checked <= now {
            return;
        }
        let is_out = |state: &State| match state.health {
            Health::Down => state.why.is_some(),
            Health::Drained => true,
            Health::Up | Health::Unknown => false,
        };
        let is_well = |state: &State| state.health == Health::Up && state.why.is_none();
        for heard in inner.nodes.values_mut() {
            heard.is_out = false;
        }
        for (name, known) in record.nodes.iter() {
            let heard = inner.heard(name);
            // Where a clock was ahead, it has spoken now, and the next look counts again.
            heard.spoken.iter_mut().for_each(|(_, spoken)| *spoken = now.min(*spoken));
            heard.is_out = is_out(&known.state) && !heard.has_spoken(record.checked);
            if let Some(breaker) = heard.breaker.as_mut().filter(|_| is_well(&known.state)) {
                breaker.seen_well(record.checked);
            }
        }
        inner.record = record.clone();
    }

    /// The record, if it was read a moment ago.
    pub(crate) fn fresh(&self, now: Moment) -> Option<Record> {
        let inner = self.inner();
        let is_fresh = inner.read != Moment::default() && inner.read <= now && now.since(inner.read) < EVERY;
        is_fresh.then(|| inner.record.clone())
    }

    /// The record was read now, for whatever purpose; none where the keeper was away. What is known is the answer.
    pub(crate) fn read(&self, record: Option<&Record>, now: Moment) -> Record {
        if let Some(record) = record {
            self.take(record, now);
        }
        let mut inner = self.inner();
        inner.read = now;
        inner.record.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn heard(&mut self, node: &str) -> &mut Heard {
        self.nodes.entry(node)
    }

    fn breaker(&mut self, node: &str) -> Option<&mut Breaker> {
        self.nodes.get_mut(node)?.breaker.as_mut()
    }
}

impl Heard {
    fn has_spoken(&self, since: Moment) -> bool {
        self.spoken.iter().any(|(_, spoken)| *spoken >= since)
    }

    fn standing(&self, now: Moment) -> Standing {
        self.breaker.as_ref().map_or(Standing::Closed, |breaker| breaker.standing(now))
    }
}

/// Reads the record behind the request's back, if it is time.
pub(crate) fn refresh<P: Platform>(platform: &P, service: &Service) {
    if !service.outlook.is_due(platform.now()) {
        return;
    }
    let (platform, service) = (platform.clone(), service.clone());
    platform.clone().wait_until(async move {
        if let Ok(Some(text)) = store::load(&platform, &service, Kept::Monitor).await {
            service.outlook.read(Some(&Record::parse(&text)), platform.now());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::diagnosis::Diagnosis;
    use crate::monitor::{Damping, Finding};

    #[test]
    fn who_is_out_goes_last() {
        let nodes = r#"[{"name":"mini","url":"http://mini"},{"name":"cloud","url":"http://cloud"}]"#;
        let read = |name: &str| (name == "HOMEFIRE_NODES").then(|| nodes.to_owned());
        let config = Config::from_reader(read).unwrap();
        let outlook = Outlook::default();
        let check = |at: u64, nodes: [usize; 2], well: usize, what: &str| {
            let order = Order { nodes: nodes.to_vec(), well };
            assert_eq!(outlook.order(&config, Moment(at)), order, "{what}");
        };
        check(0, [0, 1], 2, "nothing was heard");
        let mut record = Record::default();
        let mut look = |at: u64, mini: Finding| {
            let found = [("mini".to_owned(), mini), ("cloud".to_owned(), Finding::Good)];
            record.observe(&found, Moment(at), Damping { fall: 1, rise: 2 });
            record.clone()
        };
        let bad = || Finding::Bad(Diagnosis::Refused);
        let take = |record: &Record| outlook.take(record, Moment(900_003));
        let down = look(1, bad());
        take(&down);
        check(2, [1, 0], 1, "it is down");
        check(900_002, [0, 1], 2, "the monitor has not looked for long");
        outlook.spoke("mini", "m", Moment(2));
        check(2, [0, 1], 2, "it has spoken");
        take(&down);
        check(2, [0, 1], 2, "an old look puts nobody out");
        take(&look(3, Finding::Good));
        check(3, [0, 1], 2, "it is well, and not believed to be yet");
        take(&look(4, bad()));
        check(4, [1, 0], 1, "it is not");
        outlook.spoke("mini", "m", Moment(6));
        take(&look(5, bad()));
        check(6, [0, 1], 2, "it has spoken since the look that is read only now");
        take(&look(7, Finding::Drained));
        check(7, [1, 0], 1, "it is drained");
        take(&look(2_000_000, Finding::Drained));
        take(&look(8, Finding::Good));
        take(&look(9, Finding::Good));
        check(9, [0, 1], 2, "a look by a clock that was ahead gives way");
        outlook.spoke("mini", "m", Moment(5_000_000));
        outlook.take(&look(10, bad()), Moment(10));
        check(10, [0, 1], 2, "it has spoken, whenever that was");
        outlook.take(&look(11, bad()), Moment(11));
        check(11, [1, 0], 1, "by a clock that was ahead: no longer");
    }

    #[test]
    fn who_has_no_place_is_remembered_for_a_moment() {
        let read = |name: &str| (name == "OLLAMA_PRIMARY_URL").then(|| "http://mini".to_owned());
        let config = Config::from_reader(read).unwrap();
        let outlook = Outlook::default();
        let is_busy = |at| outlook.is_busy("primary", Moment(at));
        outlook.failed(&config, "primary", Failure::Refused, Moment(1000));
        assert!(!is_busy(1000), "it is broken, not busy");
        outlook.failed(&config, "primary", Failure::Busy, Moment(1000));
        assert!(is_busy(1000) && is_busy(5999) && !is_busy(6000));
        assert!(!is_busy(999), "by a clock that was ahead");
        outlook.failed(&config, "primary", Failure::Busy, Moment(9000));
        outlook.spoke("primary", "m", Moment(9001));
        assert!(!is_busy(9001), "it has spoken");
    }

    #[test]
    fn guards_are_remembered() {
        let nodes = r#"[{"name":"mini","url":"http://mini"},{"name":"cloud","url":"http://cloud"}]"#;
        let read = |name: &str| (name == "HOMEFIRE_NODES").then(|| nodes.to_owned());
        let config = Config::from_reader(read).unwrap();
        let outlook = Outlook::default();
        let check = |node: &str, is_guarded: bool, expect: bool| {
            outlook.guarded(node, is_guarded);
            assert_eq!(outlook.are_guarded(&config), expect, "{node} {is_guarded}");
        };
        check("mini", true, false);
        check("cloud", true, true);
        check("mini", false, false);
    }

    #[test]
    fn at_most_every_fifteen_seconds() {
        let outlook = Outlook::default();
        let due = [20_000, 20_001, 34_999, 35_000].map(|at| outlook.is_due(Moment(at)));
        assert_eq!(due, [true, false, false, true]);
        outlook.read(None, Moment(50_000));
        let fresh = [50_000, 49_999].map(|at| outlook.fresh(Moment(at)).is_some());
        assert_eq!(fresh, [true, false], "the clock was set back");
        assert_eq!([30_000, 44_999, 45_000].map(|at| outlook.is_due(Moment(at))), [false, false, true]);
    }
}
