//! Told once: whatever the nodes, the store, the mail service and the rounds do. Over random schedules.

use std::time::Duration;

use homefire_sim::{mail, redis};
use proptest::prelude::*;

use crate::house::{House, NAMES, Step, quiet};

/// The rule of damping, written once more and apart: what an owner expects to be told.
#[derive(Default)]
struct Expected {
    is_up: Option<bool>,
    row: (bool, u32),
    told: Vec<String>,
}

impl Expected {
    fn look(&mut self, up: bool) {
        let (last, count) = self.row;
        self.row = if last == up { (up, count + 1) } else { (up, 1) };
        let is_believed = self.row.1 >= 2 || (up && self.is_up.is_none());
        if is_believed && self.is_up != Some(up) {
            let is_news = !up || self.is_up.is_some();
            self.is_up = Some(up);
            if is_news {
                let way = if up { "rose" } else { "fell" };
                self.told.push(format!("{way} {}", self.told.len() + 1));
            }
        }
    }
}

async fn told_once(schedule: &[Step]) -> Result<(), String> {
    let house = House::new();
    let mut expected: [Expected; 2] = Default::default();
    let mut rounds = 0;
    let last = schedule.last().map_or([true; 2], |step| step.up);
    for step in schedule.iter().chain(std::iter::repeat_n(&quiet(last), 4)) {
        house.play(step).await;
        let now = house.record()["round"].as_u64().unwrap_or_default();
        for _ in rounds..now {
            expected.iter_mut().zip(step.up).for_each(|(node, up)| node.look(up));
        }
        rounds = now;
    }
    let (told, record) = (house.told()?, house.record());
    for ((name, expected), up) in NAMES.iter().zip(&expected).zip(last) {
        let told = told.get(*name).cloned().unwrap_or_default();
        if told != expected.told {
            return Err(format!("{name}: expected {:?}, told {told:?}", expected.told));
        }
        let health = &record["nodes"][name]["health"];
        if *health != (if up { "up" } else { "down" }) {
            return Err(format!("{name} is {}, and is known as {health}", if up { "up" } else { "down" }));
        }
    }
    match record["untold"].as_array() {
        Some(untold) if untold.is_empty() => Ok(()),
        untold => Err(format!("still untold: {untold:?}")),
    }
}

fn step() -> impl Strategy<Value = Step> {
    use mail::Fault as M;
    use redis::Fault as R;
    let seconds = Duration::from_secs;
    let store = prop::sample::select(vec![
        R::Spared,
        R::Spared,
        R::Spared,
        R::Unavailable,
        R::Lost,
        R::Slow(seconds(1)),
        R::Slow(seconds(20)),
        R::Hang,
        R::Garbage,
        R::Unauthorized,
        R::Quota,
    ]);
    let mail = prop::sample::select(vec![
        M::Spared,
        M::Spared,
        M::TooMany(400),
        M::TooMany(1),
        M::Failing,
        M::Lost,
        M::Slow(seconds(2)),
        M::Slow(seconds(30)),
        M::Hang,
        M::Unauthorized,
    ]);
    let faults = (prop::collection::vec(store, 0..5), prop::collection::vec(mail, 0..3));
    let rounds = prop::sample::select(vec![0, 1, 1, 1, 1, 2, 3]);
    (any::<[bool; 2]>(), faults, any::<[bool; 3]>(), rounds).prop_map(|(up, (store, mail), calm, rounds)| {
        Step {
            // Most steps change nothing: what lasts is what is told.
            up,
            store: if calm[0] { Vec::new() } else { store },
            mail: if calm[1] { Vec::new() } else { mail },
            rounds,
            is_retried: calm[2],
        }
    })
}

/// Steps in which a node stays as it is for a while.
fn schedule() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((step(), 1_usize..5), 1..10).prop_map(|stretches| {
        let mut schedule: Vec<Step> = Vec::new();
        for (step, length) in stretches {
            let calm = quiet(step.up);
            schedule.push(step);
            schedule.extend(std::iter::repeat_n(calm, length - 1));
        }
        schedule
    })
}

proptest! {
    // More with PROPTEST_CASES.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(1000),
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_flip_that_lasts_is_told_once(schedule in schedule()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(told_once(&schedule)).map_err(TestCaseError::fail)?;
    }
}
