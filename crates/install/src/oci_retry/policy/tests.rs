//! How tries follow one another, without a clock.

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
    let limited = || Outcome::Limited("limit".into());
    let no_shape = || Outcome::NoShape("shape".into());
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
        check(token, &[TooOften, limited()], r#"120 A/1, Refused("limit")"#);
        check(
            token,
            &[NoCapacity, limited(), limited(), NoCapacity, limited()],
            "60 B/1, 1800 B/1, 1800 B/1, 60 A/2, 1800 A/2",
        );
        check(token, &[no_shape(), NoCapacity, NoCapacity], "60 B/1, 60 B/2, 60 B/1");
        check(
            token,
            &[NoCapacity, no_shape(), NoCapacity, no_shape()],
            r#"60 B/1, 60 A/2, 60 A/1, Refused("shape")"#,
        );
    }
    check(token, &[unclear(), faulty(), NoCapacity, unclear()], "60 A/1, 120 A/1, 60 B/1, 60 B/1");
    check(None, &[faulty(), unclear()], r#"60 A/1, InDoubt("x")"#);
    check(token, &[unclear(), TooOften, refused()], r#"60 A/1, 120 A/1, InDoubt("no")"#);
    check(token, &[TooOften, refused()], r#"120 A/1, Refused("no")"#);
    check(token, &[unclear(), no_shape()], r#"60 A/1, InDoubt("shape")"#);
    check(token, &[unclear(), limited()], r#"60 A/1, InDoubt("limit")"#);
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
    assert_eq!(resume(&policy, places()).next(1_011), Next::Try { target: places()[1].clone(), at: 1_070 });
    let fewer = vec![places()[0].clone()];
    assert_eq!(resume(&policy, fewer.clone()).next(9_999), Next::Try { target: fewer[0].clone(), at: 9_999 });
    policy.after(&Outcome::Refused("mended by then".into()), 1_100, 0.0);
    assert!(matches!(resume(&policy, places()).next(2_000), Next::Try { .. }));
    policy.after(&Outcome::Launched(None), 1_200, 0.0);
    assert_eq!(resume(&policy, places()).next(2_000), Next::Stop(End::Launched(None)));
}

proptest::proptest! {
    #[test]
    fn at_least_a_minute_apart(ends in proptest::collection::vec((0..5_u8, 0.0..=1.0), 1..50)) {
        let mut policy = Policy::new(places(), State::default());
        let mut now = 1_000_000;
        for (end, chance) in ends {
            policy.begin(Some("t"), now);
            let outcome = match end {
                0 => Outcome::NoCapacity,
                1 => Outcome::TooOften,
                2 => Outcome::Limited("x".into()),
                3 => Outcome::NoShape("x".into()),
                _ => Outcome::Unclear("x".into()),
            };
            let Next::Try { at, .. } = policy.after(&outcome, now, chance) else { break };
            proptest::prop_assert!((PAUSE_S..=LONGEST_PAUSE_S * 3 / 2).contains(&(at - now)));
            now = at;
        }
    }
}
