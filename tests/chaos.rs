//! The storm in virtual time: tens of thousands of questions, faults at every point, and what must be true of each reply.
//!
//! `CHAOS_SEED` in the environment takes the place of the seed that is drawn anew each time.

#![expect(
    clippy::print_stdout,
    reason = "the seed and what came of it are told to whoever reads the results"
)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use homefire_sim::chaos::{OUTCOMES, Report, VirtualTown, storm};

fn rage(seed: u64, seconds: u64) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without sockets starts");
    runtime.block_on(async { storm(&VirtualTown::default(), seed, Duration::from_secs(seconds)).await })
}

/// Ten virtual minutes: some six thousand questions.
fn check(seed: u64) {
    let report = rage(seed, 600);
    println!("{report}");
    assert_eq!(report.breaches, 0, "again: CHAOS_SEED={seed} cargo test --test chaos anew\n{report}");
    assert!(report.questions() > 5000, "only {} questions", report.questions());
    let rounds = report.weather.get("a round").copied().unwrap_or_default();
    assert!(rounds > 100, "only {rounds} rounds of the monitor");
    for outcome in OUTCOMES {
        assert!(report.outcomes.contains_key(&outcome), "nothing has ended as {outcome:?}");
    }
}

#[test]
fn one() {
    check(1);
}

#[test]
fn two() {
    check(2);
}

#[test]
fn anew() {
    #[expect(clippy::disallowed_methods, reason = "no test would look where the last one did")]
    let (given, now) = (std::env::var("CHAOS_SEED"), SystemTime::now());
    let drawn = now.duration_since(UNIX_EPOCH).expect("it is later than 1970").as_secs();
    check(given.map_or(drawn, |seed| seed.parse().expect("CHAOS_SEED is a number")));
}

#[test]
fn a_seed_is_a_run() {
    assert_eq!(rage(7, 20), rage(7, 20));
}
