//! One node's state, and when it flips.

use serde::{Deserialize, Serialize};

use super::{Diagnosis, Finding};
use crate::platform::Moment;

/// How a node is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Nobody has looked often enough.
    #[default]
    Unknown,
    /// It answers.
    Up,
    /// It does not.
    Down,
    /// Its owner keeps requests from it.
    Drained,
}

/// How often in a row something must be seen before it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damping {
    /// Misses until a node has fallen.
    pub fall: u32,
    /// Good looks until it has risen.
    pub rise: u32,
}

/// Which way a node went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// It answers no more.
    Fell,
    /// It answers again.
    Rose,
}

/// A change that its owner is told of, as it was when it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flip {
    /// The node.
    pub node: String,
    /// Counts this node's flips: with the way, it is what makes a flip this one and no other.
    pub epoch: u64,
    /// Which way.
    pub way: Way,
    /// When it was first seen so.
    pub since: Moment,
    /// When it fell, where it rose.
    pub fell: Option<Moment>,
    /// Why, where it fell.
    pub why: Option<Diagnosis>,
}

/// What is known of one node's health.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// How it is.
    pub health: Health,
    /// Since when.
    pub since: Moment,
    /// Its flips so far.
    pub epoch: u64,
    /// Misses in a row.
    pub misses: u32,
    /// Good looks in a row.
    pub goods: u32,
    /// When the row began.
    pub began: Moment,
    /// Why the last look was a miss.
    pub why: Option<Diagnosis>,
    /// When it fell, as long as its owner has not been told that it rose.
    pub fell: Option<Moment>,
}

impl State {
    /// Takes in one look. A first sight of a node that is up is no flip, nor is anything about draining.
    pub fn observe(&mut self, node: &str, finding: &Finding, now: Moment, damping: Damping) -> Option<Flip> {
        match finding {
            Finding::Good => {
                self.count(true, now);
                self.why = None;
                match self.health {
                    Health::Up => None,
                    Health::Unknown | Health::Drained if self.fell.is_none() => self.turn(Health::Up),
                    Health::Unknown | Health::Drained | Health::Down if self.goods < damping.rise => None,
                    Health::Unknown | Health::Drained | Health::Down => self.rise(node),
                }
            }
            Finding::Bad(why) => {
                self.count(false, now);
                self.why = Some(why.clone());
                match self.health {
                    Health::Down => None,
                    Health::Unknown | Health::Up | Health::Drained if self.misses < damping.fall => None,
                    // It fell, was drained, and is down again: that it fell is known.
                    Health::Unknown | Health::Up | Health::Drained if self.fell.is_some() => {
                        self.turn(Health::Down)
                    }
                    Health::Unknown | Health::Up | Health::Drained => self.fall(node),
                }
            }
            Finding::Drained => {
                (self.misses, self.goods, self.why) = (0, 0, None);
                if self.health != Health::Drained {
                    self.began = now;
                    self.turn(Health::Drained);
                }
                None
            }
        }
    }

    fn count(&mut self, is_good: bool, now: Moment) {
        let (row, other) = match is_good {
            true => (&mut self.goods, &mut self.misses),
            false => (&mut self.misses, &mut self.goods),
        };
        if *row == 0 {
            self.began = now;
        }
        *row = row.saturating_add(1);
        *other = 0;
    }

    fn turn(&mut self, health: Health) -> Option<Flip> {
        self.health = health;
        self.since = self.began;
        None
    }

    fn fall(&mut self, node: &str) -> Option<Flip> {
        self.turn(Health::Down);
        self.epoch += 1;
        self.fell = Some(self.since);
        Some(self.flip(node, Way::Fell, None))
    }

    fn rise(&mut self, node: &str) -> Option<Flip> {
        self.turn(Health::Up);
        self.epoch += 1;
        let fell = self.fell.take();
        Some(self.flip(node, Way::Rose, fell))
    }

    fn flip(&self, node: &str, way: Way, fell: Option<Moment>) -> Flip {
        Flip { node: node.to_owned(), epoch: self.epoch, way, since: self.since, fell, why: self.why.clone() }
    }
}
