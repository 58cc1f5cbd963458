//! What an instance has heard of the monitor: who is known to be down is asked last.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::monitor::{Health, Record};
use crate::platform::{Moment, Platform};
use crate::service::Service;
use crate::store::{self, Record as Kept};

/// From one reading of the record to the next, at the least.
const EVERY: Duration = Duration::from_secs(15);

/// Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Outlook(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    read: Moment,
    /// When the monitor looked, as it was last read.
    checked: Moment,
    out: HashSet<String>,
}

impl Outlook {
    /// The nodes in the order in which they are asked: those that are known to be out go last.
    pub fn order<'a>(&self, nodes: impl Iterator<Item = &'a str>) -> Vec<usize> {
        let inner = self.inner();
        let (out, mut order): (Vec<_>, Vec<_>) =
            nodes.enumerate().partition(|(_, name)| inner.out.contains(*name));
        order.extend(out);
        order.into_iter().map(|(at, _)| at).collect()
    }

    /// A node has spoken: whatever was heard of it is over.
    pub fn spoke(&self, node: &str) {
        self.inner().out.remove(node);
    }

    /// Whether it is time to read the record; if so, nobody else is told so.
    fn is_due(&self, now: Moment) -> bool {
        let mut inner = self.inner();
        let is_due = now.since(inner.read) >= EVERY;
        if is_due {
            inner.read = now;
        }
        is_due
    }

    /// Takes in a record, unless it was taken in before: a node that has spoken since is not put out by an old look.
    pub(crate) fn take(&self, record: &Record) {
        let mut inner = self.inner();
        if record.checked <= inner.checked {
            return;
        }
        inner.checked = record.checked;
        let is_out = |health: Health| matches!(health, Health::Down | Health::Drained);
        let out = record.nodes.iter().filter(|(_, known)| is_out(known.state.health));
        inner.out = out.map(|(name, _)| name.clone()).collect();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
            service.outlook.take(&Record::parse(&text));
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
        let outlook = Outlook::default();
        let order = || outlook.order(["mini", "cloud"].into_iter());
        assert_eq!(order(), [0, 1]);
        let mut record = Record::default();
        let mut look = |at: u64, mini: Finding| {
            let found = [("mini".to_owned(), mini), ("cloud".to_owned(), Finding::Good)];
            record.observe(&found, Moment(at), Damping { fall: 1, rise: 1 });
            record.clone()
        };
        let down = look(1, Finding::Bad(Diagnosis::Refused));
        outlook.take(&down);
        assert_eq!(order(), [1, 0]);
        outlook.spoke("mini");
        assert_eq!(order(), [0, 1]);
        outlook.take(&down);
        assert_eq!(order(), [0, 1], "an old look puts nobody out");
        outlook.take(&look(2, Finding::Drained));
        assert_eq!(order(), [1, 0]);
        outlook.take(&look(3, Finding::Good));
        assert_eq!(order(), [0, 1]);
    }

    #[test]
    fn at_most_every_fifteen_seconds() {
        let outlook = Outlook::default();
        let due = [20_000, 20_001, 34_999, 35_000].map(|at| outlook.is_due(Moment(at)));
        assert_eq!(due, [true, false, false, true]);
    }
}
