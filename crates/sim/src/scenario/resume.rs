//! Answers that break off after their first word: another node goes on, or the reader is told.

use super::Situation::{Down, Up};
use super::Told::{Cut, Left, Resumed};
use super::Who::{Cloud, Mini};
use super::terminal::WELL;
use super::{Expect, Reader, Scenario};

/// The other node goes on where the first one broke off.
const GOES_ON: Expect = Expect { told: Resumed(0), asked: [1, 1], ..WELL.expect };

/// The other node says it again from its beginning.
const STARTS_OVER: Expect = Expect { told: Resumed(1), ..GOES_ON };

macro_rules! cut {
    ($name:literal, $script:literal) => {
        Scenario {
            name: concat!("cut_by_", $name),
            mini: Up($script),
            cloud: Down,
            expect: Expect { told: Cut(Mini, "cut"), ..WELL.expect },
            ..WELL
        }
    };
}

macro_rules! resumed {
    ($name:literal, $mini:literal, $cloud:literal, $expect:expr) => {
        Scenario { name: $name, mini: Up($mini), cloud: Up($cloud), expect: $expect, ..WELL }
    };
}

pub(super) const ROWS: &[Scenario] = &[
    cut!("a_reset", "reset@5"),
    cut!("a_clean_end", "end@5"),
    cut!("an_error_line", "error@5"),
    cut!("garbage", "garbage@5"),
    cut!("silence", "stall@5"),
    cut!("an_endless_line", "long-line@5"),
    resumed!("resumed_after_a_reset", "reset@5", "say", GOES_ON),
    resumed!("resumed_after_a_clean_end", "end@6", "say", GOES_ON),
    resumed!("resumed_after_an_error_line", "error@7", "say", GOES_ON),
    resumed!("resumed_after_garbage", "garbage@8", "say", GOES_ON),
    resumed!("resumed_after_silence", "stall@9", "say", GOES_ON),
    resumed!("resumed_after_an_endless_line", "long-line@10", "say", GOES_ON),
    resumed!("resumed_in_split_characters", "reset@12", "say,split", GOES_ON),
    resumed!("last_words_come_twice", "reset@12", "say,repeat=3", GOES_ON),
    resumed!("other_node_says_all_of_it_again", "reset@12", "say,anew", GOES_ON),
    resumed!(
        "other_node_starts_over",
        "reset@12",
        "say,text=You%20asked%20about%20nothing%20at%20all%2E",
        STARTS_OVER
    ),
    Scenario {
        name: "who_goes_on_is_slow",
        mini: Up("reset@12"),
        cloud: Up("say,first=500"),
        expect: Expect { heartbeats: 3, ..GOES_ON },
        ..WELL
    },
    resumed!("too_little_to_go_on_with", "reset@2", "say", STARTS_OVER),
    resumed!("other_node_refuses_to_go_on", "reset@12", "400;say", Expect { asked: [1, 2], ..STARTS_OVER }),
    resumed!("other_node_breaks_over_it", "reset@12", "error@0;say", Expect { asked: [1, 2], ..STARTS_OVER }),
    Scenario {
        name: "reader_leaves_behind_the_seam",
        mini: Up("reset@5"),
        cloud: Up("say,pace=60"),
        reader: Reader::LeavesAfterWords(8),
        expect: Expect { told: Left(Cloud), ..GOES_ON },
        ..WELL
    },
];
