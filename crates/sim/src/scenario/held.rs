//! Readers who hold the beginning of an answer, whose stream ended without an end, and ask for the rest.

use super::Situation::{Down, Up};
use super::Told::{Answer, Behind};
use super::Who::{Cloud, Mini};
use super::terminal::{FAILED_OVER, WELL};
use super::{Ask, Expect, Scenario};

const HELD: &str = "You asked about “What do you build";

const ASK: Ask = Ask::Body(
    r#"{"query":"What do you build, and why at home?","resume":"You asked about “What do you build"}"#,
);

/// The node goes on where the reader is.
const GOES_ON: Scenario = Scenario {
    ask: ASK,
    expect: Expect {
        told: Behind(Mini, HELD, 0),
        sent: &[
            ("/messages/1/content", "\"What do you build, and why at home?\""),
            ("/messages/2/role", "\"assistant\""),
            ("/messages/2/content", "\"You asked about “What do you build\""),
        ],
        ..WELL.expect
    },
    ..WELL
};

/// The node says all of it, and what the reader holds is cleared.
const STARTS_OVER: Expect =
    Expect { told: Behind(Mini, HELD, 1), sent: &[("/messages/2", "")], ..WELL.expect };

pub(super) const ROWS: &[Scenario] = &[
    Scenario { name: "reader_holds_a_beginning", ..GOES_ON },
    Scenario { name: "reader_holds_what_comes_twice", mini: Up("say,repeat=3"), ..GOES_ON },
    Scenario {
        name: "reader_holds_a_space_at_the_end",
        ask: Ask::Body(
            r#"{"query":"What do you build, and why at home?","resume":"You asked about “What do "}"#,
        ),
        expect: Expect {
            told: Behind(Mini, "You asked about “What do ", 0),
            sent: &[("/messages/2/content", "\"You asked about “What do\"")],
            ..WELL.expect
        },
        ..WELL
    },
    Scenario {
        name: "reader_holds_what_another_node_goes_on_with",
        mini: Down,
        expect: Expect {
            timing: &[("mini", "refused|broken"), ("cloud", "word")],
            told: Behind(Cloud, HELD, 0),
            asked: [0, 1],
            ..FAILED_OVER
        },
        ..GOES_ON
    },
    Scenario {
        name: "reader_holds_what_the_node_begins_anew",
        mini: Up("say,text=You%20asked%20about%20nothing%20at%20all%2E"),
        expect: Expect { told: Behind(Mini, HELD, 1), ..GOES_ON.expect },
        ..GOES_ON
    },
    Scenario {
        name: "reader_holds_too_little",
        ask: Ask::Body(r#"{"query":"What do you build, and why at home?","resume":"You asked"}"#),
        expect: STARTS_OVER,
        ..WELL
    },
    Scenario {
        name: "reader_holds_what_the_node_refuses",
        mini: Up("400;say"),
        expect: Expect {
            // The request that was refused may still be counted when the next one arrives.
            headers: &[("x-homefire-node", "mini"), ("x-homefire-model", "*")],
            timing: &[("mini", "rejected"), ("mini", "word")],
            asked: [2, 0],
            ..STARTS_OVER
        },
        ..GOES_ON
    },
    Scenario {
        name: "reader_holds_nothing_yet",
        ask: Ask::Body(r#"{"query":"What do you build, and why at home?","resume":""}"#),
        expect: Expect {
            told: Answer(Mini, &[("/node", "\"mini\"")]),
            sent: &[("/messages/2", "")],
            ..WELL.expect
        },
        ..WELL
    },
];
