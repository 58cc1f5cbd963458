//! The scenario table in its worlds, with guards before the nodes and without: one trial a row and world, named after both.
//! And the monitor's stories.
//!
//! A world that cannot start fails every trial of it; none is ever skipped. A row in which a reader leaves before his
//! reply has a head has no trial on Vercel and in workerd, where nobody sees it: [`Scenario::needs_early_sight`].

#![expect(clippy::print_stdout, reason = "what was looked at is told to whoever reads the results")]

mod worlds;

use std::sync::Arc;

use homefire_sim::scenario::{self, Scenario};
use libtest_mimic::{Arguments, Failed, Trial};
use worlds::{Worlds, in_process};

fn main() {
    let mut arguments = Arguments::from_args();
    // The trials wait more than they work, and those of one world take turns.
    arguments.test_threads = arguments.test_threads.or(Some(8));
    let worlds = Arc::new(Worlds::default());
    let mut trials = Vec::new();
    let in_world = |name: &'static str, row: &'static Scenario| {
        let worlds = Arc::clone(&worlds);
        trial(name, row, move || worlds.play(name, row))
    };
    for row in scenario::all() {
        trials.push(trial("virtual", row, move || in_process::play(row)));
        let names = worlds::NAMES.into_iter();
        let names = names.filter(|name| !row.needs_early_sight() || worlds::has_early_sight(name));
        trials.extend(names.map(|name| in_world(name, row)));
    }
    // Without the lane only what it has a part in.
    for row in scenario::questions().filter(|row| !row.needs_early_sight()) {
        trials.extend(worlds::OFF_LANE.into_iter().map(|name| in_world(name, row)));
    }
    for row in scenario::guarded() {
        let names = worlds::NAMES.into_iter().chain(worlds::OFF_LANE).filter(|name| worlds::is_guarded(name));
        trials.extend(names.map(|name| in_world(name, row)));
    }
    for story in worlds::STORIES {
        let (world, store) = story;
        let name = format!("monitor/{world}_{store}");
        trials.push(Trial::test(name, move || worlds::tell(story).map_err(Failed::from)));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let left = worlds.end();
    println!("{} requests that reached a node were searched for drafts' values\n", scenario::searched());
    if let Err(what) = left {
        println!("{what}");
        std::process::exit(1);
    }
    conclusion.exit();
}

fn trial(
    world: &str,
    row: &'static Scenario,
    play: impl FnOnce() -> Result<(), String> + Send + 'static,
) -> Trial {
    Trial::test(format!("{world}/{}", row.name), move || play().map_err(Failed::from))
}
