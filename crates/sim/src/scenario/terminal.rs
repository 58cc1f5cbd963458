//! Questions: which node answers, and how an answer ends.

use super::Situation::{Down, Silent, Up};
use super::Told::{Answer, Cut, Error, Json, Left};
use super::Who::{Cloud, Mini};
use super::{Ask, Expect, Reader, Scenario};

const QUESTION: Ask = Ask::Query("What do you build, and why at home?");

const STREAM: (&str, &str) = ("content-type", "text/event-stream");

/// Workers cannot tell a refused connection from a broken one.
const REFUSED: &str = "refused|broken";

/// The primary answers.
pub(super) const WELL: Scenario = Scenario {
    name: "",
    mini: Up("say"),
    cloud: Up("say"),
    ask: QUESTION,
    reader: Reader::Stays,
    expect: Expect {
        status: 200,
        headers: &[STREAM, ("x-homefire-node", "mini"), ("x-homefire-model", "qwen3.5:latest")],
        timing: &[("mini", "word")],
        told: Answer(
            Mini,
            &[("/node", "\"mini\""), ("/model", "\"qwen3.5:latest\""), ("/reason", "\"stop\"")],
        ),
        asked: [1, 0],
        sent: &[],
        heartbeats: 0,
    },
};

/// The fallback answers.
pub(super) const FAILED_OVER: Expect = Expect {
    headers: &[STREAM, ("x-homefire-node", "cloud"), ("x-homefire-model", "qwen3.5:latest")],
    told: Answer(Cloud, &[("/node", "\"cloud\"")]),
    asked: [1, 1],
    ..WELL.expect
};

/// Nobody answers.
pub(super) const NOBODY: Expect = Expect {
    status: 503,
    headers: &[("content-type", "application/json"), ("retry-after", "*"), ("x-homefire-node", "")],
    told: Json(&[("/error/code", "\"no_node\"")]),
    asked: [1, 1],
    ..WELL.expect
};

macro_rules! failed_over {
    ($name:literal, $script:literal, $reason:literal) => {
        Scenario {
            name: $name,
            mini: Up($script),
            expect: Expect { timing: &[("mini", $reason), ("cloud", "word")], ..FAILED_OVER },
            ..WELL
        }
    };
}

macro_rules! whole {
    ($name:literal, $script:literal) => {
        Scenario { name: $name, mini: Up($script), ..WELL }
    };
}

pub(super) const ROWS: &[Scenario] = &[
    Scenario { name: "primary_answers", ..WELL },
    Scenario {
        name: "nodes_are_asked_as_ollama_is_asked",
        expect: Expect {
            sent: &[
                ("/model", "\"qwen3.5:latest\""),
                ("/stream", "true"),
                ("/think", "false"),
                ("/keep_alive", "-1"),
                ("/options/num_ctx", "8192"),
                ("/messages/0/role", "\"system\""),
                ("/messages/1/role", "\"user\""),
                ("/messages/1/content", "\"What do you build, and why at home?\""),
            ],
            ..WELL.expect
        },
        ..WELL
    },
    Scenario {
        name: "history_is_passed_on",
        ask: Ask::Body(
            r#"{"query":"And then?","history":[{"role":"user","content":"One?"},{"role":"assistant","content":"Two."}]}"#,
        ),
        expect: Expect {
            sent: &[
                ("/messages/1/content", "\"One?\""),
                ("/messages/2/role", "\"assistant\""),
                ("/messages/3/content", "\"And then?\""),
            ],
            ..WELL.expect
        },
        ..WELL
    },
    // The primary does not come to a word.
    Scenario {
        name: "primary_refused",
        mini: Down,
        expect: Expect { timing: &[("mini", REFUSED), ("cloud", "word")], asked: [0, 1], ..FAILED_OVER },
        ..WELL
    },
    Scenario {
        name: "primary_does_not_accept",
        mini: Silent,
        expect: Expect {
            timing: &[("mini", "connect_timeout|first_word_timeout"), ("cloud", "word")],
            asked: [0, 1],
            ..FAILED_OVER
        },
        ..WELL
    },
    failed_over!("primary_hangs", "hang", "first_word_timeout"),
    failed_over!("primary_hangs_after_head", "hang-after-head", "first_word_timeout"),
    failed_over!("primary_thinks_too_long", "say,thinking,stall@0", "first_word_timeout"),
    failed_over!("primary_lacks_the_model", "404", "status_404"),
    failed_over!("primary_refuses_the_token", "401", "status_401"),
    failed_over!("primary_refuses_the_host", "403", "status_403"),
    failed_over!("primary_limits_the_rate", "429", "status_429"),
    failed_over!("primary_crashes_at_once", "500", "status_500"),
    failed_over!("primary_is_busy", "503", "status_503"),
    failed_over!("primary_model_cannot_do_it", "400-capability", "status_400"),
    failed_over!("tunnel_down_json", "edge-530-json", "status_530"),
    failed_over!("tunnel_down_html", "edge-530-html", "status_530"),
    failed_over!("tunnel_down_plain", "edge-530-plain", "status_530"),
    failed_over!("proxy_wants_another_scheme", "edge-400", "status_400"),
    failed_over!("tunnel_finds_no_ollama", "edge-502", "status_502"),
    failed_over!("tunnel_waits_too_long", "edge-524", "status_524"),
    failed_over!("access_shows_its_login_page", "edge-302", "redirect"),
    failed_over!("edge_refuses_the_agent", "edge-403", "status_403"),
    failed_over!("web_page_in_place_of_ollama", "edge-html", "html"),
    failed_over!("garbage_before_a_word", "garbage@0", "garbage"),
    failed_over!("error_line_before_a_word", "error@0", "error_line"),
    failed_over!("end_before_a_word", "end@0", "ended_early"),
    failed_over!("reset_before_a_word", "reset@0", "broken"),
    failed_over!("endless_line_before_a_word", "long-line@0", "line_too_long"),
    failed_over!("empty_answer", "say,empty", "empty"),
    failed_over!("blank_answer", "say,blank", "empty"),
    // The answer is whole, however it arrives.
    whole!("thinking_comes_first", "say,thinking"),
    whole!("byte_by_byte", "say,bytes,pace=0,text=Hearth%20and%20home%20%E2%80%94%20gr%C3%BC%C3%9Fe%21"),
    whole!("all_in_one_chunk", "say,joined"),
    whole!("characters_split_between_chunks", "say,split,pace=2"),
    whole!("last_line_without_its_end", "say,no-newline"),
    whole!("markup_and_escapes", "say,markup"),
    whole!("tool_call_on_the_way", "say,tools"),
    Scenario {
        name: "answer_without_figures",
        mini: Up("say,no-metrics"),
        expect: Expect { told: Answer(Mini, &[("/tokens", "")]), ..WELL.expect },
        ..WELL
    },
    Scenario {
        name: "answer_at_the_models_limit",
        mini: Up("say,length"),
        expect: Expect { told: Answer(Mini, &[("/reason", "\"length\"")]), ..WELL.expect },
        ..WELL
    },
    // The answer breaks off after its first word.
    Scenario {
        name: "answer_takes_too_long",
        mini: Up("say,pace=150"),
        expect: Expect { told: Cut(Mini, "timeout"), ..WELL.expect },
        ..WELL
    },
    // Nobody answers, or late.
    Scenario {
        name: "all_down",
        mini: Down,
        cloud: Down,
        expect: Expect { timing: &[("mini", REFUSED), ("cloud", REFUSED)], asked: [0, 0], ..NOBODY },
        ..WELL
    },
    Scenario {
        name: "all_busy",
        mini: Up("503"),
        cloud: Up("429"),
        expect: Expect { timing: &[("mini", "status_503"), ("cloud", "status_429")], ..NOBODY },
        ..WELL
    },
    Scenario {
        name: "all_hang",
        mini: Up("hang"),
        cloud: Up("hang"),
        expect: Expect {
            headers: &[STREAM, ("x-homefire-node", "")],
            timing: &[("mini", "first_word_timeout")],
            told: Error("no_node"),
            asked: [1, 1],
            // One each 100 ms, for 2.2 s.
            heartbeats: 10,
            ..WELL.expect
        },
        ..WELL
    },
    Scenario {
        name: "last_node_is_slow",
        mini: Down,
        cloud: Up("say,first=1500"),
        expect: Expect {
            headers: &[STREAM, ("x-homefire-node", "")],
            timing: &[("mini", REFUSED)],
            told: Answer(Cloud, &[("/node", "\"cloud\"")]),
            asked: [0, 1],
            ..WELL.expect
        },
        ..WELL
    },
    Scenario {
        name: "request_is_wrong_everywhere",
        mini: Up("400"),
        expect: Expect {
            status: 422,
            headers: &[("retry-after", "")],
            timing: &[("mini", "rejected")],
            told: Json(&[("/error/code", "\"rejected\"")]),
            ..WELL.expect
        },
        ..WELL
    },
    // Load, and readers who leave. That the lease is back is looked at before every row.
    Scenario {
        name: "second_in_flight_gets_the_lighter_model",
        reader: Reader::AsksTwice,
        expect: Expect {
            headers: &[STREAM, ("x-homefire-node", "mini"), ("x-homefire-model", "qwen2.5-coder:7b")],
            told: Answer(Mini, &[("/model", "\"qwen2.5-coder:7b\"")]),
            asked: [2, 0],
            ..WELL.expect
        },
        ..WELL
    },
    Scenario {
        name: "reader_leaves_in_mid_answer",
        // Its end comes before any deadline: a leaving that nobody notices is no leaving.
        mini: Up("say,pace=60"),
        reader: Reader::LeavesAfterWords(3),
        expect: Expect { told: Left(Mini), ..WELL.expect },
        ..WELL
    },
    Scenario {
        name: "reader_leaves_while_the_node_is_silent",
        mini: Up("stall@3"),
        reader: Reader::LeavesAfterWords(3),
        expect: Expect { told: Left(Mini), ..WELL.expect },
        ..WELL
    },
    Scenario {
        name: "reader_leaves_before_a_word",
        mini: Down,
        // All of it at once: who does not notice the leaving by then never does.
        cloud: Up("say,joined,first=2300"),
        reader: Reader::LeavesAfterHead,
        expect: Expect {
            headers: &[STREAM],
            timing: &[("mini", REFUSED)],
            told: Left(Cloud),
            asked: [0, 1],
            ..WELL.expect
        },
        ..WELL
    },
    Scenario {
        name: "reader_leaves_before_the_head",
        mini: Up("hang"),
        reader: Reader::LeavesBeforeHead(200),
        expect: Expect { told: Left(Mini), ..WELL.expect },
        ..WELL
    },
];
