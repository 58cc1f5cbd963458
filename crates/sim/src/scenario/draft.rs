//! Drafts: what a product is sent, whatever the models say.

use super::Situation::{Down, Up};
use super::Told::{Draft, DraftStream, Left};
use super::Who::Mini;
use super::{Ask, Expect, Reader, Scenario};

pub(super) const JSON: (&str, &str) = ("content-type", "application/json");
const STREAM: (&str, &str) = ("content-type", "text/event-stream");

/// Workers cannot tell a refused connection from a broken one.
const REFUSED: &str = "refused|broken";

pub(super) const PLAIN: &str = r#"{"daysOverdue":9}"#;

/// The primary writes it at once, and the reply is whole.
pub(super) const WELL: Scenario = Scenario {
    name: "",
    mini: Up("say"),
    cloud: Up("say"),
    ask: Ask::Draft(PLAIN),
    reader: Reader::Stays,
    expect: Expect {
        status: 200,
        headers: &[JSON, ("x-homefire-node", "mini"), ("x-homefire-model", "qwen3.5:latest")],
        timing: &[("mini", "draft")],
        told: Draft(&[
            ("/source", "\"model\""),
            ("/tone", "\"firm\""),
            ("/language", "\"en\""),
            ("/node", "\"mini\""),
            ("/attempts/0/outcome", "\"draft\""),
            ("/filled", ""),
        ]),
        asked: [1, 0],
        sent: &[],
        heartbeats: 0,
    },
};

/// The primary writes it when it is told what was wrong.
const REPAIRED: Expect = Expect {
    timing: &[],
    told: Draft(&[("/source", "\"repaired\""), ("/node", "\"mini\"")]),
    asked: [2, 0],
    ..WELL.expect
};

/// The fallback writes it.
const FAILED_OVER: Expect = Expect {
    headers: &[JSON, ("x-homefire-node", "cloud")],
    told: Draft(&[("/source", "\"model\""), ("/node", "\"cloud\"")]),
    asked: [1, 1],
    ..WELL.expect
};

/// Nobody writes it.
const TEMPLATE: Expect = Expect {
    headers: &[JSON, ("x-homefire-node", "")],
    told: Draft(&[("/source", "\"template\""), ("/node", ""), ("/model", "")]),
    ..WELL.expect
};

macro_rules! good {
    ($name:literal, $script:literal) => {
        Scenario { name: $name, mini: Up($script), ..WELL }
    };
}

/// Refused with this reason at first, good when asked again.
macro_rules! repaired {
    ($name:literal, $script:literal, $reason:literal) => {
        Scenario {
            name: $name,
            mini: Up(concat!($script, "; say,draft")),
            expect: Expect { timing: &[("mini", $reason), ("mini", "draft")], ..REPAIRED },
            ..WELL
        }
    };
}

macro_rules! failed_over {
    ($name:literal, $script:literal, $reason:literal) => {
        Scenario {
            name: $name,
            mini: Up($script),
            expect: Expect { timing: &[("mini", $reason), ("cloud", "draft")], ..FAILED_OVER },
            ..WELL
        }
    };
}

/// The whole draft in the last event, and its body word by word before; so many times it was begun anew.
macro_rules! streamed {
    ($name:literal, $mini:expr, $restarts:literal, $asked:expr, $fields:expr) => {
        Scenario {
            name: $name,
            mini: $mini,
            ask: Ask::DraftStream(PLAIN),
            expect: Expect {
                headers: &[STREAM],
                timing: &[],
                told: DraftStream($restarts, $fields),
                asked: $asked,
                ..WELL.expect
            },
            ..WELL
        }
    };
}

/// Values, and notes that hold them, too.
const VALUED: &str = r#"{"daysOverdue":9,"notes":"Zacharias Quill promised € 4711.23 by 2031-07-29.","values":{"clientName":"Zacharias Quill","amount":"€ 4711.23","dueDate":"2031-07-29","daysOverdue":"8,191"}}"#;

const FILLED: &[(&str, &str)] = &[
    ("/source", "\"model\""),
    ("/node", "\"cloud\""),
    ("/filled/subject", "\"A short reminder: € 4711.23, due on 2031-07-29\""),
    ("/unfilled", "[]"),
];

const TIMED: &[(&str, &str)] = &[("mini", "unknown_placeholder"), ("mini", "name"), ("cloud", "draft")];

/// Asked once more, and then another node.
macro_rules! valued {
    ($name:literal, $ask:expr, $header:expr, $told:expr, $timing:expr) => {
        Scenario {
            name: $name,
            mini: Up("say,draft-unknown,pace=1; say,draft-name,pace=1"),
            cloud: Up("say,draft,pace=1"),
            ask: $ask,
            expect: Expect {
                headers: &[$header],
                timing: $timing,
                told: $told,
                asked: [2, 1],
                ..WELL.expect
            },
            ..WELL
        }
    };
}

macro_rules! waited {
    ($name:literal, $mini:literal) => {
        Scenario {
            name: $name,
            mini: Up($mini),
            ask: Ask::DraftStream(PLAIN),
            expect: Expect {
                headers: &[STREAM],
                timing: &[],
                told: DraftStream(0, &[("/source", "\"model\""), ("/node", "\"cloud\"")]),
                asked: [1, 1],
                heartbeats: 3,
                ..WELL.expect
            },
            ..WELL
        }
    };
}

pub(super) const ROWS: &[Scenario] = &[
    Scenario { name: "draft_by_the_primary", ..WELL },
    Scenario {
        name: "draft_is_asked_for_with_a_schema",
        expect: Expect {
            sent: &[
                ("/format/required", r#"["subject","body"]"#),
                ("/format/properties/body/type", "\"string\""),
                ("/think", "false"),
                ("/options/num_ctx", "8192"),
                ("/options/num_predict", "700"),
            ],
            ..WELL.expect
        },
        ..WELL
    },
    good!("draft_in_a_fence", "say,draft-fenced"),
    good!("draft_behind_a_think_block", "say,draft-thinking"),
    good!("draft_after_lines_of_thinking", "say,draft,thinking"),
    good!("draft_in_one_chunk", "say,draft,joined"),
    Scenario {
        name: "draft_with_mangled_placeholders",
        mini: Up("say,draft-mangled"),
        expect: Expect {
            told: Draft(&[
                ("/source", "\"model\""),
                ("/subject", "\"Reminder: {amount}\""),
                ("/mended", r#"["{{amount}}","[Client Name]","<dueDate>","{days_overdue}"]"#),
            ]),
            ..WELL.expect
        },
        ..WELL
    },
    // One more ask on the same node.
    repaired!("draft_without_json", "say,draft-prose", "no_draft"),
    repaired!("draft_cut_by_its_length", "say,draft,length", "truncated"),
    repaired!("draft_with_an_unknown_placeholder", "say,draft-unknown", "unknown_placeholder"),
    repaired!("draft_with_a_literal_amount", "say,draft-amount", "number"),
    repaired!("draft_to_an_invented_name", "say,draft-name", "name"),
    Scenario {
        name: "draft_is_asked_for_again_with_what_was_wrong",
        mini: Up("say,draft-unknown; say,draft"),
        expect: Expect {
            timing: &[("mini", "unknown_placeholder"), ("mini", "draft")],
            sent: &[("/messages/2/role", "\"assistant\""), ("/messages/3/role", "\"user\"")],
            ..REPAIRED
        },
        ..WELL
    },
    // Then the next node.
    Scenario {
        name: "draft_bad_twice",
        mini: Up("say,draft-prose; say,draft-amount"),
        expect: Expect {
            timing: &[("mini", "no_draft"), ("mini", "number"), ("cloud", "draft")],
            asked: [2, 1],
            ..FAILED_OVER
        },
        ..WELL
    },
    failed_over!("draft_dies_mid_way", "reset@9", "broken"),
    failed_over!("draft_ends_mid_way", "end@9", "ended_early"),
    failed_over!("draft_stalls_mid_way", "stall@9", "idle_timeout"),
    failed_over!("draft_node_hangs", "hang", "first_word_timeout"),
    failed_over!("draft_node_is_busy", "503", "status_503"),
    failed_over!("draft_that_one_node_rejects", "400", "rejected"),
    Scenario {
        name: "draft_node_is_down",
        mini: Down,
        expect: Expect { timing: &[("mini", REFUSED), ("cloud", "draft")], asked: [0, 1], ..FAILED_OVER },
        ..WELL
    },
    // Then the template.
    Scenario {
        name: "draft_while_all_is_down",
        mini: Down,
        cloud: Down,
        expect: Expect { timing: &[("mini", REFUSED), ("cloud", REFUSED)], asked: [0, 0], ..TEMPLATE },
        ..WELL
    },
    Scenario {
        name: "draft_no_model_can_write",
        mini: Up("say,draft-name; say,draft-name"),
        cloud: Up("say,draft-unknown; say,blank"),
        expect: Expect {
            timing: &[
                ("mini", "name"),
                ("mini", "name"),
                ("cloud", "unknown_placeholder"),
                ("cloud", "empty"),
            ],
            asked: [2, 2],
            ..TEMPLATE
        },
        ..WELL
    },
    Scenario {
        name: "draft_takes_too_long",
        mini: Up("hang"),
        cloud: Up("say,draft,pace=400"),
        expect: Expect {
            timing: &[("mini", "first_word_timeout"), ("cloud", "answer_timeout")],
            asked: [1, 1],
            ..TEMPLATE
        },
        ..WELL
    },
    Scenario {
        name: "draft_that_all_nodes_reject",
        mini: Up("400"),
        cloud: Up("400"),
        expect: Expect { timing: &[("mini", "rejected"), ("cloud", "rejected")], asked: [1, 1], ..TEMPLATE },
        ..WELL
    },
    Scenario {
        name: "draft_in_german_while_all_is_down",
        mini: Down,
        cloud: Down,
        ask: Ask::Draft(
            r#"{"daysOverdue":20,"language":"de-CH","sender":{"name":"Ada Example","business":"Quarry & Sons"}}"#,
        ),
        expect: Expect {
            timing: &[("mini", REFUSED), ("cloud", REFUSED)],
            told: Draft(&[
                ("/source", "\"template\""),
                ("/tone", "\"urgent\""),
                ("/language", "\"de\""),
                ("/subject", "\"Dringend: {amount}, offen seit {dueDate}\""),
            ]),
            asked: [0, 0],
            ..TEMPLATE
        },
        ..WELL
    },
    // Values are filled in here, and reach nobody else: that is looked at in every row.
    Scenario {
        name: "draft_is_filled",
        ask: Ask::Draft(VALUED),
        expect: Expect {
            told: Draft(&[
                ("/source", "\"model\""),
                ("/subject", "\"A short reminder: {amount}, due on {dueDate}\""),
                ("/filled/subject", "\"A short reminder: € 4711.23, due on 2031-07-29\""),
                ("/unfilled", "[]"),
            ]),
            ..WELL.expect
        },
        ..WELL
    },
    valued!(
        "draft_is_filled_behind_a_repair_and_another_node",
        Ask::Draft(VALUED),
        JSON,
        Draft(FILLED),
        TIMED
    ),
    valued!(
        "draft_streams_and_is_filled_behind_a_repair_and_another_node",
        Ask::DraftStream(VALUED),
        STREAM,
        DraftStream(2, FILLED),
        &[]
    ),
    Scenario {
        name: "draft_is_filled_as_far_as_it_goes",
        ask: Ask::Draft(r#"{"daysOverdue":9,"values":{"amount":"{dueDate}","dueDate":""}}"#),
        expect: Expect {
            told: Draft(&[
                ("/filled/subject", "\"A short reminder: {dueDate}, due on {dueDate}\""),
                ("/unfilled", r#"["clientName","dueDate","daysOverdue"]"#),
            ]),
            ..WELL.expect
        },
        ..WELL
    },
    // As it is written.
    streamed!("draft_streams", Up("say"), 0, [1, 0], &[("/source", "\"model\""), ("/node", "\"mini\"")]),
    streamed!("draft_streams_from_a_fence", Up("say,draft-fenced"), 0, [1, 0], &[("/source", "\"model\"")]),
    streamed!(
        "draft_streams_and_breaks_the_contract",
        Up("say,draft-amount; say,draft"),
        1,
        [2, 0],
        &[("/source", "\"repaired\"")]
    ),
    streamed!(
        "draft_streams_and_dies",
        Up("reset@30"),
        1,
        [1, 1],
        &[("/source", "\"model\""), ("/node", "\"cloud\"")]
    ),
    streamed!(
        "draft_streams_what_can_be_seen",
        Up("say,draft-hidden"),
        0,
        [1, 0],
        &[("/source", "\"model\"")]
    ),
    streamed!("draft_streams_and_is_mended", Up("say,draft-mangled"), 1, [1, 0], &[("/source", "\"model\"")]),
    Scenario {
        name: "draft_streams_the_template",
        mini: Down,
        cloud: Down,
        ask: Ask::DraftStream(PLAIN),
        expect: Expect {
            headers: &[STREAM],
            timing: &[],
            told: DraftStream(0, &[("/source", "\"template\"")]),
            asked: [0, 0],
            ..WELL.expect
        },
        ..WELL
    },
    // Who waits for a word is kept company, before it and in the middle.
    waited!("draft_streams_behind_a_node_that_hangs", "hang"),
    waited!("draft_streams_behind_a_node_that_stalls", "stall@9"),
    // The client leaves.
    Scenario {
        name: "draft_reader_leaves",
        mini: Up("say,draft,pace=30"),
        ask: Ask::DraftStream(PLAIN),
        reader: Reader::LeavesAfterWords(3),
        expect: Expect { headers: &[STREAM], timing: &[], told: Left(Mini), ..WELL.expect },
        ..WELL
    },
    Scenario {
        name: "draft_client_leaves_before_the_head",
        mini: Up("hang"),
        reader: Reader::LeavesBeforeHead(200),
        expect: Expect { told: Left(Mini), ..WELL.expect },
        ..WELL
    },
];
