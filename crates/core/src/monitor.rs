//! What is known of the nodes: a state each, what was told of it, and what is still to be told.
//!
//! In scope: when a node counts as fallen or risen, and what a letter about it says. Nothing here waits: `health` asks
//! the nodes, keeps the record and sends the letters.

pub mod availability;
pub mod diagnosis;
pub mod letter;
pub mod report;
mod state;

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use crate::by_name::ByName;
use crate::json::{self, Raw};
use crate::platform::Moment;
use availability::Days;
use diagnosis::Diagnosis;
use letter::Letter;

pub use state::{Damping, Flip, Health, State, Way};

/// The longest wait of a mail service that is believed.
pub(crate) const LONGEST_QUIET: Duration = Duration::from_secs(86_400);

/// The letters that wait at the most; the oldest gives way.
const MOST_UNTOLD: usize = 64;

/// What one look at a node found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It answers as it should.
    Good,
    /// It does not, and why.
    Bad(Diagnosis),
    /// Its owner has drained it.
    Drained,
}

/// Everything that is kept about the nodes, for all instances.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Rounds so far.
    pub round: u64,
    /// When the last round that looked began.
    pub checked: Moment,
    /// The nodes by their names.
    pub nodes: ByName<Known>,
    /// Letters that nobody has accepted yet, the oldest first.
    pub untold: Vec<Letter>,
    /// Until then the mail service wants to hear nothing.
    pub quiet_until: Moment,
}

/// What is known of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Known {
    /// How it is.
    #[serde(flatten)]
    pub state: State,
    /// How it was, day by day.
    pub days: Days,
    /// Which of the configured models it had in memory, where the last look could see it.
    pub resident: Option<Vec<String>>,
}

/// Read twice, by [`json::read`] only, as serde's own `flatten` is a second reader of everything.
impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Rest {
            days: Days,
            resident: Option<Vec<String>>,
        }
        let Raw(json) = Raw::deserialize(deserializer)?;
        let read = json::read(json).and_then(|state| Ok((state, json::read(json)?)));
        let (state, Rest { days, resident }) = read.map_err(|_| D::Error::custom("no node's state"))?;
        Ok(Self { state, days, resident })
    }
}

impl Record {
    /// Reads a record; one that is not understood counts as none.
    pub fn parse(text: &str) -> Self {
        json::read(text).unwrap_or_default()
    }

    /// The record as it is kept.
    pub fn to_text(&self) -> String {
        json::text(self)
    }

    /// Takes in what a round that began `now` found. All that flips in it is one letter; another may have to give way to it.
    pub fn observe(
        &mut self,
        findings: &[(String, Finding)],
        now: Moment,
        damping: Damping,
    ) -> Option<Letter> {
        self.round += 1;
        self.checked = now;
        let mut flips = Vec::new();
        for (name, finding) in findings {
            let known = self.nodes.entry(name);
            if *finding != Finding::Drained {
                known.days.count(now, *finding == Finding::Good);
            }
            flips.extend(known.state.observe(name, finding, now, damping));
        }
        if flips.is_empty() {
            return None;
        }
        let answers = |state: &State| state.health == Health::Up && state.why.is_none();
        let answering = self.nodes.iter().filter(|(_, known)| answers(&known.state));
        let answering = answering.map(|(name, _)| name.to_owned()).collect();
        self.untold.push(Letter { flips, answering });
        (self.untold.len() > MOST_UNTOLD).then(|| self.untold.remove(0))
    }

    /// Takes in which models a node has in memory.
    pub fn note_resident(&mut self, node: &str, resident: Option<Vec<String>>) {
        if let Some(known) = self.nodes.get_mut(node) {
            known.resident = resident;
        }
    }

    /// Somebody has accepted this letter; `false` where it was not waited for any more.
    pub fn told(&mut self, letter: &Letter) -> bool {
        let waiting = self.untold.len();
        self.untold.retain(|untold| untold.key() != letter.key());
        self.untold.len() < waiting
    }

    /// The mail service wants to hear nothing until then; `false` where that is known.
    pub fn be_quiet(&mut self, until: Moment) -> bool {
        std::mem::replace(&mut self.quiet_until, until) != until
    }

    /// Whether it wants to hear nothing now. What lies further ahead than it ever says is by a clock that was.
    pub fn is_quiet(&self, now: Moment) -> bool {
        (1..=LONGEST_QUIET.as_millis()).contains(&self.quiet_until.since(now).as_millis())
    }
}

#[cfg(test)]
mod tests;
