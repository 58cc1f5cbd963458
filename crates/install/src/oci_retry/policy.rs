//! Where to try next, and when, and when never again. Knows no clock, no chance and no file.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::reply::Outcome;

/// The least pause between two tries, in seconds.
pub const PAUSE_S: u64 = 60;
/// The longest pause, in seconds, before chance is added.
pub const LONGEST_PAUSE_S: u64 = 30 * 60;
/// What chance adds at most, as a part of the pause.
const JITTER: f64 = 0.5;
/// So many tries in a row whose end is unknown are enough.
const MOST_UNCLEAR: u32 = 10;
/// So many answers in a row that a limit is reached are enough: five hours at least, and users tell of one or a few.
const MOST_LIMITED: u32 = 12;
/// Oracle forgets a token after 24 hours; ours is given up before.
const TOKEN_LIFE_S: u64 = 23 * 60 * 60;

/// A place for an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// An availability domain, such as `Uocm:PHX-AD-1`.
    pub availability: String,
    /// A fault domain in it; Oracle chooses if none.
    pub fault: Option<String>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.availability, self.fault.as_deref().unwrap_or("any"))
    }
}

/// Every availability domain in the first fault domain, then in the second, and so on: neighbours fill up together.
pub fn targets(availability: &[String], faults: &[String]) -> Vec<Target> {
    let at = |fault: Option<&String>| {
        let target = move |name: &String| Target { availability: name.clone(), fault: fault.cloned() };
        availability.iter().map(target).collect::<Vec<_>>()
    };
    if faults.is_empty() { at(None) } else { faults.iter().flat_map(|fault| at(Some(fault))).collect() }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Launch at `target`, at `at` seconds since 1970 or as soon after as can be.
    Try {
        /// Where.
        target: Target,
        /// When.
        at: u64,
    },
    /// Nothing more.
    Stop(End),
}

/// Why there is no further try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// There is an instance; its OCID, where the reply told it.
    Launched(Option<String>),
    /// Trying again does not help; the words say why.
    Refused(String),
    /// A try may have launched something, and trying again may launch a second one; the words say why.
    InDoubt(String),
}

/// All that a restart needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Tries so far.
    pub tries: u64,
    /// The number of the target that is due.
    cursor: usize,
    /// No try before this, in seconds since 1970.
    not_before: u64,
    /// How often in a row Oracle said that it is asked too often.
    too_often: u32,
    /// How many tries in a row had an unknown end.
    unclear: u32,
    /// Whether Oracle has ever said that there is no room: the account's limits allow what is wanted.
    #[serde(default)]
    no_room: bool,
    /// How often Oracle has said that a limit is reached since it last said that there is no room.
    #[serde(default)]
    limited: u32,
    /// A try that may have launched something. Earlier versions wrote a token, of which nobody knows whether it was sent.
    #[serde(alias = "token")]
    open: Option<Open>,
    /// How it ended, if it did.
    end: Option<End>,
}

/// A try that has begun, and those that were made after it for the same machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    /// Makes Oracle see them as one request; none where the command line takes none.
    token: Option<String>,
    /// When the first began, in seconds since 1970.
    since: u64,
    /// A token belongs to one place.
    target: Target,
    /// How many there were.
    #[serde(default)]
    tries: u32,
}

/// The rule.
#[derive(Debug, Clone)]
pub struct Policy {
    targets: Vec<Target>,
    /// Availability domains that do not have the shape. A restart asks them again: the owner may have named another shape.
    struck: Vec<String>,
    state: State,
}

impl Policy {
    /// Goes on from `state`. There must be a target.
    ///
    /// An end that the owner may have mended is forgotten; a launch is not, nor a try whose end is unknown.
    pub fn new(targets: Vec<Target>, mut state: State) -> Self {
        assert!(!targets.is_empty(), "there is somewhere to try");
        if matches!(state.end, Some(End::Refused(_) | End::InDoubt(_))) {
            state.end = None;
            state.unclear = 0;
            state.limited = 0;
        }
        // The owner may have named other targets; a try whose end is unknown is asked about first.
        let unfinished = state.open.as_ref().map(|open| &open.target);
        if let Some(place) = unfinished.and_then(|open| targets.iter().position(|target| target == open)) {
            state.cursor = place;
        }
        state.cursor %= targets.len();
        Self { targets, struck: Vec::new(), state }
    }

    /// What to do now.
    pub fn next(&self, now: u64) -> Next {
        let at = self.state.not_before.max(now);
        let doubt = self.state.open.as_ref().and_then(|open| self.doubt(open, at));
        match (&self.state.end, doubt) {
            (Some(end), _) => Next::Stop(end.clone()),
            (None, Some(doubt)) => Next::Stop(End::InDoubt(doubt.to_owned())),
            (None, None) => Next::Try { target: self.target().clone(), at },
        }
    }

    /// Why nobody can ask again for what an open try may have launched.
    fn doubt(&self, open: &Open, at: u64) -> Option<&'static str> {
        if open.token.is_none() {
            Some("the reply to the last try is not known")
        } else if at.saturating_sub(open.since) >= TOKEN_LIFE_S {
            Some("Oracle has forgotten the token of a try whose reply is not known")
        } else if open.target != *self.target() {
            Some("the place of a try whose reply is not known is none of those that were named")
        } else {
            None
        }
    }

    /// Notes that a try begins, and says with which token: `fresh`, unless an earlier try there has an unknown end.
    ///
    /// Only after [`Next::Try`]. Without a `fresh` one the command line takes none.
    pub fn begin(&mut self, fresh: Option<&str>, now: u64) -> Option<String> {
        let (token, target) = (fresh.map(str::to_owned), self.target().clone());
        self.state.tries += 1;
        // A restart in mid-try waits, too.
        self.state.not_before = now + PAUSE_S;
        let open = self.state.open.get_or_insert(Open { token, since: now, target, tries: 0 });
        open.tries += 1;
        open.token.clone()
    }

    /// Takes in how a try ended at `now`; `chance` is from 0 to 1.
    pub fn after(&mut self, outcome: &Outcome, now: u64, chance: f64) -> Next {
        if self.settles(outcome) {
            self.state.open = None;
        }
        let pause = match self.pause_after(outcome) {
            Ok(pause) => pause,
            Err(end) => return self.stop(end),
        };
        let jitter = (pause as f64 * JITTER * chance.clamp(0.0, 1.0)) as u64;
        self.state.not_before = now + pause + jitter;
        self.next(now)
    }

    /// Seconds until the next try, at the place that is then due.
    fn pause_after(&mut self, outcome: &Outcome) -> Result<u64, End> {
        let state = &mut self.state;
        if !matches!(outcome, Outcome::Unclear(_) | Outcome::Faulty(_)) {
            state.unclear = 0;
        }
        match outcome {
            Outcome::Launched(id) => Err(End::Launched(id.clone())),
            Outcome::Refused(why) => Err(self.given_up(why.clone())),
            Outcome::NoCapacity => {
                (state.no_room, state.too_often, state.limited) = (true, 0, 0);
                self.go_on();
                Ok(PAUSE_S)
            }
            Outcome::TooOften => {
                state.too_often = state.too_often.saturating_add(1);
                Ok(backed_off(state.too_often))
            }
            Outcome::Limited(why) if !state.no_room => Err(self.given_up(why.clone())),
            Outcome::Limited(why) => {
                state.limited += 1;
                // By then an instance that nobody knows of is the likelier reason.
                let words = || End::InDoubt(format!("{MOST_LIMITED} times in a row: {why}"));
                if state.limited >= MOST_LIMITED { Err(words()) } else { Ok(LONGEST_PAUSE_S) }
            }
            Outcome::NoShape(why) => {
                self.struck.push(self.target().availability.clone());
                let is_settled = self.state.open.is_none();
                if is_settled && self.go_on() { Ok(PAUSE_S) } else { Err(self.given_up(why.clone())) }
            }
            Outcome::Unclear(why) | Outcome::Faulty(why) => {
                state.unclear += 1;
                if state.open.as_ref().is_some_and(|open| open.token.is_none()) {
                    return Err(self.given_up(why.clone()));
                }
                if state.unclear >= MOST_UNCLEAR {
                    return Err(self.given_up(format!("{MOST_UNCLEAR} times in a row: {why}")));
                }
                Ok(backed_off(state.unclear - 1))
            }
        }
    }

    /// Makes the next place due that is not struck; false if all are.
    fn go_on(&mut self) -> bool {
        let places = self.targets.len();
        let mut others = (1..=places).map(|steps| (self.state.cursor + steps) % places);
        let next = others.find(|place| !self.struck.contains(&self.targets[*place].availability));
        self.state.cursor = next.unwrap_or(self.state.cursor);
        next.is_some()
    }

    /// Whether after this answer nothing is left that could have been launched unseen.
    fn settles(&self, outcome: &Outcome) -> bool {
        let Some(open) = &self.state.open else { return true };
        match outcome {
            Outcome::Launched(_) | Outcome::NoCapacity => true,
            // It launched nothing itself, and says nothing of an earlier try with the same token.
            Outcome::TooOften | Outcome::Limited(_) | Outcome::NoShape(_) | Outcome::Refused(_) => {
                open.tries == 1
            }
            // A fault rarely hides a machine: without a token it is not worth an end.
            Outcome::Faulty(_) => open.token.is_none(),
            Outcome::Unclear(_) => false,
        }
    }

    /// What a restart needs.
    pub fn state(&self) -> &State {
        &self.state
    }

    fn target(&self) -> &Target {
        &self.targets[self.state.cursor]
    }

    fn given_up(&self, why: String) -> End {
        if self.state.open.is_none() { End::Refused(why) } else { End::InDoubt(why) }
    }

    fn stop(&mut self, end: End) -> Next {
        self.state.end = Some(end.clone());
        Next::Stop(end)
    }
}

/// The pause, doubled `times` times.
fn backed_off(times: u32) -> u64 {
    (PAUSE_S << times.min(10)).min(LONGEST_PAUSE_S)
}

#[cfg(test)]
mod tests;
