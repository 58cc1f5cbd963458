//! Drafts: what a product is sent, whatever the models say.

use super::Situation::{Down, Up};
use super::Told::{Draft, DraftStream, Json, Left, Nothing};
use super::Who::Mini;
use super::{Ask, DRAFT_KEY, Expect, Reader, Scenario};

const JSON: (&str, &str) = ("content-type", "application/json");
const STREAM: (&str, &str) = ("content-type", "text/event-stream");
const KEY: (&str, &str) = ("authorization", DRAFT_KEY);

/// Workers cannot tell a refused connection from a broken one.
const REFUSED: &str = "refused|broken";

const PLAIN: &str = r#"{"daysOverdue":9}"#;

/// The primary writes it at once, and the reply is whole.
const WELL: Scenario = Scenario {
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
            ("/filled", "null"),
        ]),
        asked: [1, 0],
        sent: &[],
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
    told: Draft(&[("/source", "\"template\""), ("/node", "null"), ("/model", "null")]),
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

macro_rules! refused {
    ($name:literal, $ask:expr, $status:literal, $code:literal) => {
        Scenario {
            name: $name,
            ask: $ask,
            expect: Expect {
                status: $status,
                headers: &[JSON],
                timing: &[],
                told: Json(&[("/error/code", concat!("\"", $code, "\""))]),
                asked: [0, 0],
                ..WELL.expect
            },
            ..WELL
        }
    };
}

macro_rules! feedback {
    ($name:literal, $body:literal) => {
        Scenario {
            name: $name,
            ask: Ask::Raw("POST", "/api/feedback", &[JSON, KEY], $body),
            expect: Expect {
                status: 202,
                headers: &[],
                timing: &[],
                told: Nothing,
                asked: [0, 0],
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
        ask: Ask::Draft(
            r#"{"daysOverdue":9,"notes":"Zacharias Quill promised € 4711.23 by 2031-07-29.","values":{"clientName":"Zacharias Quill","amount":"€ 4711.23","dueDate":"2031-07-29","daysOverdue":"8191"}}"#,
        ),
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
    // The client leaves.
    Scenario {
        name: "draft_reader_leaves",
        mini: Up("say,draft,pace=80"),
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
    // Bad input.
    refused!("draft_without_a_key", Ask::Raw("POST", "/api/draft", &[JSON], PLAIN), 401, "unauthorized"),
    refused!(
        "draft_with_a_wrong_key",
        Ask::Raw("POST", "/api/draft", &[JSON, ("authorization", "Bearer hunter2")], PLAIN),
        401,
        "unauthorized"
    ),
    refused!(
        "draft_with_a_wrong_method",
        Ask::Raw("GET", "/api/draft", &[KEY], ""),
        405,
        "method_not_allowed"
    ),
    refused!(
        "draft_as_a_form",
        Ask::Raw(
            "POST",
            "/api/draft",
            &[KEY, ("content-type", "application/x-www-form-urlencoded")],
            "daysOverdue=9"
        ),
        415,
        "unsupported_media_type"
    ),
    refused!("draft_that_is_no_json", Ask::Draft("daysOverdue=9"), 400, "invalid_json"),
    refused!("draft_with_a_long_body", Ask::LongDraft(65 * 1024), 413, "body_too_large"),
    refused!("draft_without_days", Ask::Draft("{}"), 422, "invalid_days_overdue"),
    refused!("draft_with_negative_days", Ask::Draft(r#"{"daysOverdue":-1}"#), 422, "invalid_days_overdue"),
    refused!("draft_with_absurd_days", Ask::Draft(r#"{"daysOverdue":99999}"#), 422, "invalid_days_overdue"),
    refused!("draft_in_no_tone", Ask::Draft(r#"{"daysOverdue":9,"tone":"angry"}"#), 422, "invalid_tone"),
    refused!(
        "draft_in_no_language",
        Ask::Draft(r#"{"daysOverdue":9,"language":"x"}"#),
        422,
        "invalid_language"
    ),
    refused!(
        "draft_after_minus_one",
        Ask::Draft(r#"{"daysOverdue":9,"previous":-1}"#),
        422,
        "invalid_previous"
    ),
    refused!("draft_with_wrong_notes", Ask::Draft(r#"{"daysOverdue":9,"notes":[]}"#), 422, "invalid_notes"),
    refused!(
        "draft_by_a_wrong_sender",
        Ask::Draft(r#"{"daysOverdue":9,"sender":"me"}"#),
        422,
        "invalid_sender"
    ),
    refused!(
        "draft_with_unknown_values",
        Ask::Draft(r#"{"daysOverdue":9,"values":{"iban":"x"}}"#),
        422,
        "invalid_values"
    ),
    // What became of it.
    feedback!("feedback_accepted", r#"{"id":"01932c07-2000-7abc-8def-0123456789ab","event":"accepted"}"#),
    feedback!(
        "feedback_edited",
        r#"{"id":"01932c07-2000-7abc-8def-0123456789ab","event":"edited","body":"Zacharias Quill, pay € 4711.23."}"#
    ),
    refused!(
        "feedback_without_a_key",
        Ask::Raw(
            "POST",
            "/api/feedback",
            &[JSON],
            r#"{"id":"01932c07-2000-7abc-8def-0123456789ab","event":"accepted"}"#
        ),
        401,
        "unauthorized"
    ),
    refused!(
        "feedback_on_nothing",
        Ask::Raw("POST", "/api/feedback", &[JSON, KEY], r#"{"id":"7","event":"accepted"}"#),
        422,
        "invalid_id"
    ),
    refused!(
        "feedback_of_no_kind",
        Ask::Raw(
            "POST",
            "/api/feedback",
            &[JSON, KEY],
            r#"{"id":"01932c07-2000-7abc-8def-0123456789ab","event":"liked"}"#
        ),
        422,
        "invalid_event"
    ),
    refused!(
        "feedback_edited_without_a_body",
        Ask::Raw(
            "POST",
            "/api/feedback",
            &[JSON, KEY],
            r#"{"id":"01932c07-2000-7abc-8def-0123456789ab","event":"edited"}"#
        ),
        422,
        "invalid_body"
    ),
];
