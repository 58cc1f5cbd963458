//! Behind a guard: what other rows come to there, and what only a guard does.

use super::Situation::{Down, Guarded, Silent, Up};
use super::Ward::{Draining, Full, Reopened};
use super::terminal::{FAILED_OVER, NOBODY, WELL};
use super::{Expect, Scenario};

/// What the edge hears of a node behind its guard, where that is not what it would hear of Ollama itself.
pub(super) fn heard(scenario: &Scenario, node: &str) -> Option<&'static str> {
    let situation = if node == "mini" { scenario.mini } else { scenario.cloud };
    match situation {
        // The guard is there, and says that Ollama is not.
        Down => Some("status_503"),
        // This guard says so before it waits any longer, in the stream that it has begun.
        Silent if node == EARLY => Some("error_line"),
        Silent => Some("status_503"),
        // No guard says 502: the edge of the network would put a page of its own in its place.
        Up("edge-502") => Some("status_503"),
        Up(_) | Guarded(_) => None,
    }
}

/// The node whose guard sends a head before there is a word, and blank lines until it is there. The other's does not.
pub const EARLY: &str = "mini";

/// What a guard says that takes no request now.
const BUSY: &str = "busy";

macro_rules! failed_over {
    ($name:literal, $mini:expr, $reason:expr, $asked:literal) => {
        Scenario {
            name: $name,
            mini: $mini,
            expect: Expect {
                timing: &[("mini", $reason), ("cloud", "word")],
                asked: [$asked, 1],
                ..FAILED_OVER
            },
            ..WELL
        }
    };
}

pub(super) const ROWS: &[Scenario] = &[
    // The head is there before the word.
    Scenario { name: "slow_word_behind_an_early_head", mini: Up("say,first=500"), ..WELL },
    failed_over!("error_line_behind_an_early_head", Up("error@0,first=500"), "error_line", 1),
    failed_over!("end_behind_an_early_head", Up("end@0,first=500"), "ended_early", 1),
    failed_over!("reset_behind_an_early_head", Up("reset@0,first=500"), "broken", 1),
    failed_over!("ollama_unreachable_behind_an_early_head", Silent, "error_line", 0),
    // The guard takes no request.
    failed_over!("no_place_at_the_model", Guarded(Full), BUSY, 0),
    failed_over!("owner_drains_the_node", Guarded(Draining), BUSY, 0),
    Scenario { name: "owner_has_the_node_serve_again", mini: Guarded(Reopened), ..WELL },
    Scenario {
        name: "owner_drains_both_nodes",
        mini: Guarded(Draining),
        cloud: Guarded(Draining),
        expect: Expect { timing: &[("mini", BUSY), ("cloud", BUSY)], asked: [0, 0], ..NOBODY },
        ..WELL
    },
];
