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
    /// The token of a try that may have launched something.
    token: Option<Token>,
    /// How it ended, if it did.
    end: Option<End>,
}

/// What makes Oracle see two requests as one. It belongs to one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Token {
    value: String,
    since: u64,
    target: Target,
}

/// The rule.
#[derive(Debug, Clone)]
pub struct Policy {
    targets: Vec<Target>,
    state: State,
}

impl Policy {
    /// Goes on from `state`. There must be a target.
    ///
    /// An end that the owner may have mended is forgotten; a launch is not.
    pub fn new(targets: Vec<Target>, mut state: State) -> Self {
        assert!(!targets.is_empty(), "there is somewhere to try");
        if matches!(state.end, Some(End::Refused(_))) {
            state.end = None;
            state.unclear = 0;
        }
        // The owner may have named other targets; a try whose end is unknown is asked about first.
        let unfinished = state.token.as_ref().map(|token| &token.target);
        if let Some(place) = unfinished.and_then(|open| targets.iter().position(|target| target == open)) {
            state.cursor = place;
        }
        state.cursor %= targets.len();
        Self { targets, state }
    }

    /// What to do first.
    pub fn next(&self, now: u64) -> Next {
        match &self.state.end {
            Some(end) => Next::Stop(end.clone()),
            None => Next::Try { target: self.target().clone(), at: self.state.not_before.max(now) },
        }
    }

    /// Notes that a try begins, and says with which token: `fresh`, unless an earlier try there has an unknown end.
    pub fn begin(&mut self, fresh: &str, now: u64) -> String {
        let target = self.target().clone();
        let lives = |token: &&Token| token.target == target && now.saturating_sub(token.since) < TOKEN_LIFE_S;
        let old = self.state.token.as_ref().filter(lives).cloned();
        let token = old.unwrap_or(Token { value: fresh.to_owned(), since: now, target });
        self.state.tries += 1;
        // A restart in mid-try waits, too.
        self.state.not_before = now + PAUSE_S;
        self.state.token.insert(token).value.clone()
    }

    /// Takes in how a try ended at `now`; `chance` is from 0 to 1.
    pub fn after(&mut self, outcome: &Outcome, now: u64, chance: f64) -> Next {
        let state = &mut self.state;
        let clear = !matches!(outcome, Outcome::Unclear(_));
        if clear {
            state.unclear = 0;
            state.token = None;
        }
        let pause = match outcome {
            Outcome::Launched(id) => return self.stop(End::Launched(id.clone())),
            Outcome::Refused(why) => return self.stop(End::Refused(why.clone())),
            Outcome::NoCapacity => {
                state.too_often = 0;
                state.cursor = (state.cursor + 1) % self.targets.len();
                PAUSE_S
            }
            Outcome::TooOften => {
                state.too_often = state.too_often.saturating_add(1);
                backed_off(state.too_often)
            }
            Outcome::Unclear(why) => {
                state.unclear += 1;
                if state.unclear >= MOST_UNCLEAR {
                    return self.stop(End::Refused(format!("{MOST_UNCLEAR} times in a row: {why}")));
                }
                backed_off(state.unclear - 1)
            }
        };
        let jitter = (pause as f64 * JITTER * chance.clamp(0.0, 1.0)) as u64;
        state.not_before = now + pause + jitter;
        self.next(now)
    }

    /// What a restart needs.
    pub fn state(&self) -> &State {
        &self.state
    }

    fn target(&self) -> &Target {
        &self.targets[self.state.cursor]
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
mod tests {
    use super::*;

    fn places() -> Vec<Target> {
        targets(&["A".into(), "B".into()], &["1".into(), "2".into()])
    }

    /// Plays outcomes without any chance; each is told as the pause and the next place.
    fn check(outcomes: &[Outcome], expect: &str) {
        let mut policy = Policy::new(places(), State::default());
        let (mut now, mut told) = (1_000, Vec::new());
        for outcome in outcomes {
            policy.begin("token", now);
            match policy.after(outcome, now, 0.0) {
                Next::Try { target, at } => {
                    told.push(format!("{} {target}", at - now));
                    now = at;
                }
                Next::Stop(end) => told.push(format!("{end:?}")),
            }
        }
        assert_eq!(told.join(", "), expect);
    }

    #[test]
    fn outcomes() {
        use Outcome::{NoCapacity, TooOften};
        let unclear = || Outcome::Unclear("x".into());
        check(&[], "");
        check(&vec![NoCapacity; 5], "60 B/1, 60 A/2, 60 B/2, 60 A/1, 60 B/1");
        check(
            &[NoCapacity, TooOften, TooOften, NoCapacity, TooOften],
            "60 B/1, 120 B/1, 240 B/1, 60 A/2, 120 A/2",
        );
        check(&vec![TooOften; 6], "120 A/1, 240 A/1, 480 A/1, 960 A/1, 1800 A/1, 1800 A/1");
        check(&[unclear(), unclear(), NoCapacity, unclear()], "60 A/1, 120 A/1, 60 B/1, 60 B/1");
        check(&[Outcome::Launched(Some("ocid1".into()))], r#"Launched(Some("ocid1"))"#);
        check(&[NoCapacity, Outcome::Refused("no".into())], r#"60 B/1, Refused("no")"#);
        let last = |outcomes: &[Outcome]| {
            let mut policy = Policy::new(places(), State::default());
            outcomes.iter().map(|outcome| policy.after(outcome, 0, 0.0)).last()
        };
        let stop = Next::Stop(End::Refused("10 times in a row: x".into()));
        assert_eq!(last(&vec![unclear(); 10]), Some(stop));
    }

    #[test]
    fn a_token_stays_while_the_end_is_unknown() {
        let mut policy = Policy::new(places(), State::default());
        assert_eq!(policy.begin("a", 0), "a");
        policy.after(&Outcome::Unclear("x".into()), 1, 0.0);
        assert_eq!(policy.begin("b", 100), "a");
        let kept = serde_json::to_string(policy.state()).unwrap();
        let mut resumed = Policy::new(places(), serde_json::from_str(&kept).unwrap());
        assert_eq!(resumed.begin("c", 200), "a", "after a restart, too");
        resumed.after(&Outcome::NoCapacity, 201, 0.0);
        assert_eq!(resumed.begin("d", 300), "d");
        resumed.after(&Outcome::Unclear("x".into()), 301, 0.0);
        assert_eq!(resumed.begin("e", 300 + TOKEN_LIFE_S), "e", "Oracle has forgotten the old one");
    }

    #[test]
    fn a_restart_goes_on() {
        let mut policy = Policy::new(places(), State::default());
        policy.begin("a", 1_000);
        let resume = |policy: &Policy, places| Policy::new(places, policy.state().clone());
        let mid_try = resume(&policy, places());
        assert_eq!(mid_try.next(1_001), Next::Try { target: places()[0].clone(), at: 1_060 });
        policy.after(&Outcome::NoCapacity, 1_010, 0.0);
        assert_eq!(
            resume(&policy, places()).next(1_011),
            Next::Try { target: places()[1].clone(), at: 1_070 }
        );
        let fewer = vec![places()[0].clone()];
        assert_eq!(
            resume(&policy, fewer.clone()).next(9_999),
            Next::Try { target: fewer[0].clone(), at: 9_999 }
        );
        policy.after(&Outcome::Refused("mended by then".into()), 1_100, 0.0);
        assert!(matches!(resume(&policy, places()).next(2_000), Next::Try { .. }));
        policy.after(&Outcome::Launched(None), 1_200, 0.0);
        assert_eq!(resume(&policy, places()).next(2_000), Next::Stop(End::Launched(None)));
    }

    proptest::proptest! {
        #[test]
        fn at_least_a_minute_apart(ends in proptest::collection::vec((0..3_u8, 0.0..=1.0), 1..50)) {
            let mut policy = Policy::new(places(), State::default());
            let mut now = 1_000_000;
            for (end, chance) in ends {
                policy.begin("t", now);
                let outcome = match end {
                    0 => Outcome::NoCapacity,
                    1 => Outcome::TooOften,
                    _ => Outcome::Unclear("x".into()),
                };
                let Next::Try { at, .. } = policy.after(&outcome, now, chance) else { break };
                proptest::prop_assert!((PAUSE_S..=LONGEST_PAUSE_S * 3 / 2).contains(&(at - now)));
                now = at;
            }
        }
    }
}
