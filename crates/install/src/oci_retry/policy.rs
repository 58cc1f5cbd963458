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
        }
        // The owner may have named other targets; a try whose end is unknown is asked about first.
        let unfinished = state.open.as_ref().map(|open| &open.target);
        if let Some(place) = unfinished.and_then(|open| targets.iter().position(|target| target == open)) {
            state.cursor = place;
        }
        state.cursor %= targets.len();
        Self { targets, state }
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
        let state = &mut self.state;
        if !matches!(outcome, Outcome::Unclear(_) | Outcome::Faulty(_)) {
            state.unclear = 0;
        }
        let pause = match outcome {
            Outcome::Launched(id) => return self.stop(End::Launched(id.clone())),
            Outcome::Refused(why) => return self.give_up(why.clone()),
            Outcome::NoCapacity => {
                state.too_often = 0;
                state.cursor = (state.cursor + 1) % self.targets.len();
                PAUSE_S
            }
            Outcome::TooOften => {
                state.too_often = state.too_often.saturating_add(1);
                backed_off(state.too_often)
            }
            Outcome::Unclear(why) | Outcome::Faulty(why) => {
                state.unclear += 1;
                if state.open.as_ref().is_some_and(|open| open.token.is_none()) {
                    return self.give_up(why.clone());
                }
                if state.unclear >= MOST_UNCLEAR {
                    return self.give_up(format!("{MOST_UNCLEAR} times in a row: {why}"));
                }
                backed_off(state.unclear - 1)
            }
        };
        let jitter = (pause as f64 * JITTER * chance.clamp(0.0, 1.0)) as u64;
        self.state.not_before = now + pause + jitter;
        self.next(now)
    }

    /// Whether after this answer nothing is left that could have been launched unseen.
    fn settles(&self, outcome: &Outcome) -> bool {
        let Some(open) = &self.state.open else { return true };
        match outcome {
            Outcome::Launched(_) | Outcome::NoCapacity => true,
            // It launched nothing itself, and says nothing of an earlier try with the same token.
            Outcome::TooOften | Outcome::Refused(_) => open.tries == 1,
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

    fn give_up(&mut self, why: String) -> Next {
        let is_settled = self.state.open.is_none();
        self.stop(if is_settled { End::Refused(why) } else { End::InDoubt(why) })
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
    fn check(token: Option<&str>, outcomes: &[Outcome], expect: &str) {
        let mut policy = Policy::new(places(), State::default());
        let (mut now, mut told) = (1_000, Vec::new());
        for outcome in outcomes {
            policy.begin(token, now);
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
        let faulty = || Outcome::Faulty("y".into());
        let refused = || Outcome::Refused("no".into());
        let token = Some("token");
        for token in [token, None] {
            check(token, &[], "");
            check(token, &vec![NoCapacity; 5], "60 B/1, 60 A/2, 60 B/2, 60 A/1, 60 B/1");
            check(
                token,
                &[NoCapacity, TooOften, TooOften, NoCapacity, TooOften],
                "60 B/1, 120 B/1, 240 B/1, 60 A/2, 120 A/2",
            );
            check(token, &vec![TooOften; 6], "120 A/1, 240 A/1, 480 A/1, 960 A/1, 1800 A/1, 1800 A/1");
            check(token, &[Outcome::Launched(Some("ocid1".into()))], r#"Launched(Some("ocid1"))"#);
            check(token, &[NoCapacity, refused()], r#"60 B/1, Refused("no")"#);
            check(token, &[faulty(), faulty(), NoCapacity, faulty()], "60 A/1, 120 A/1, 60 B/1, 60 B/1");
        }
        check(token, &[unclear(), faulty(), NoCapacity, unclear()], "60 A/1, 120 A/1, 60 B/1, 60 B/1");
        check(None, &[faulty(), unclear()], r#"60 A/1, InDoubt("x")"#);
        check(token, &[unclear(), TooOften, refused()], r#"60 A/1, 120 A/1, InDoubt("no")"#);
        check(token, &[TooOften, refused()], r#"120 A/1, Refused("no")"#);
        let last = |token, outcome: Outcome| {
            let mut policy = Policy::new(places(), State::default());
            let mut play = |_| {
                policy.begin(token, 0);
                policy.after(&outcome, 0, 0.0)
            };
            (0..10).map(&mut play).last()
        };
        let stop = |end: fn(String) -> End, why: &str| Some(Next::Stop(end(why.to_owned())));
        assert_eq!(last(token, unclear()), stop(End::InDoubt, "10 times in a row: x"));
        assert_eq!(last(None, faulty()), stop(End::Refused, "10 times in a row: y"));
    }

    #[test]
    fn a_token_stays_while_the_end_is_unknown() {
        let begin = |policy: &mut Policy, fresh, now| policy.begin(Some(fresh), now).unwrap();
        let mut policy = Policy::new(places(), State::default());
        assert_eq!(begin(&mut policy, "a", 0), "a");
        policy.after(&Outcome::TooOften, 1, 0.0);
        assert_eq!(begin(&mut policy, "b", 100), "b", "the only try is known to have launched nothing");
        policy.after(&Outcome::Unclear("x".into()), 101, 0.0);
        assert_eq!(begin(&mut policy, "c", 200), "b");
        policy.after(&Outcome::TooOften, 201, 0.0);
        assert_eq!(begin(&mut policy, "d", 300), "b", "that it was too often says nothing of the first");
        policy.after(&Outcome::Faulty("x".into()), 301, 0.0);
        let kept = serde_json::to_string(policy.state()).unwrap();
        let mut resumed = Policy::new(places(), serde_json::from_str(&kept).unwrap());
        assert_eq!(begin(&mut resumed, "e", 400), "b", "after a restart, too");
        resumed.after(&Outcome::NoCapacity, 401, 0.0);
        assert_eq!(begin(&mut resumed, "f", 500), "f");
    }

    #[test]
    fn what_nobody_can_ask_about_again_ends_it() {
        let check = |token, places: Vec<Target>, now, expect: Option<&str>| {
            let mut policy = Policy::new(self::places(), State::default());
            policy.begin(token, 1_000);
            match (Policy::new(places, policy.state().clone()).next(now), expect) {
                (Next::Try { .. }, None) => {}
                (Next::Stop(End::InDoubt(why)), Some(part)) => assert!(why.contains(part), "{why}"),
                other => panic!("{other:?}"),
            }
        };
        check(Some("a"), places(), 2_000, None);
        check(Some("a"), places(), 1_000 + TOKEN_LIFE_S, Some("has forgotten"));
        check(Some("a"), places()[1..].to_vec(), 2_000, Some("none of those"));
        check(None, places(), 2_000, Some("not known"));
        let earlier = r#"{"tries": 3, "cursor": 0, "not_before": 0, "too_often": 0, "unclear": 1, "end": null,
            "token": {"value": "a", "since": 1000, "target": {"availability": "A", "fault": "1"}}}"#;
        let policy = Policy::new(places(), serde_json::from_str(earlier).unwrap());
        assert!(matches!(policy.next(2_000), Next::Stop(End::InDoubt(_))), "an earlier version's state");
    }

    #[test]
    fn a_restart_goes_on() {
        let mut policy = Policy::new(places(), State::default());
        policy.begin(Some("a"), 1_000);
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
                policy.begin(Some("t"), now);
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
