//! Commands, bad input and browsers: what is answered without a node.

use super::Situation::{Down, Up};
use super::Told::{Json, Nothing};
use super::{Ask, Expect, Reader, Scenario};

const JSON: (&str, &str) = ("content-type", "application/json");

/// A command, all nodes down.
const COMMAND: Scenario = Scenario {
    name: "",
    mini: Down,
    cloud: Down,
    ask: Ask::Query("help"),
    reader: Reader::Stays,
    expect: Expect {
        status: 200,
        headers: &[JSON],
        timing: &[],
        told: Json(&[("/type", "\"answer\""), ("/source", "\"local\""), ("/command", "\"help\"")]),
        asked: [0, 0],
        sent: &[],
        heartbeats: 0,
    },
};

macro_rules! refused {
    ($name:literal, $ask:expr, $status:literal, $code:literal) => {
        Scenario {
            name: $name,
            mini: Up("say"),
            cloud: Up("say"),
            ask: $ask,
            expect: Expect {
                status: $status,
                told: Json(&[("/error/code", concat!("\"", $code, "\""))]),
                ..COMMAND.expect
            },
            ..COMMAND
        }
    };
}

macro_rules! command {
    ($name:literal, $query:literal, $command:literal) => {
        Scenario {
            name: $name,
            ask: Ask::Query($query),
            expect: Expect { told: Json(&[("/command", concat!("\"", $command, "\""))]), ..COMMAND.expect },
            ..COMMAND
        }
    };
}

const PATH: &str = "/api/terminal";

pub(super) const ROWS: &[Scenario] = &[
    Scenario { name: "help_while_all_is_down", ..COMMAND },
    command!("case_and_space_do_not_matter", "  LIST \t Products ", "list products"),
    command!("a_product", "show paychasers", "show paychasers"),
    command!("status", "status", "status"),
    Scenario {
        name: "did_you_mean",
        ask: Ask::Query("show paychaser"),
        expect: Expect {
            told: Json(&[("/command", "\"did you mean\""), ("/data/candidates/0", "\"show paychasers\"")]),
            ..COMMAND.expect
        },
        ..COMMAND
    },
    refused!("not_json", Ask::Body("query=hi"), 400, "invalid_json"),
    refused!("no_query", Ask::Body("{}"), 422, "missing_query"),
    refused!("empty_query", Ask::Query("  "), 422, "missing_query"),
    refused!("long_query", Ask::LongQuery(2001), 422, "query_too_long"),
    refused!(
        "wrong_history",
        Ask::Body(r#"{"query":"hi","history":[{"role":"system","content":"x"}]}"#),
        422,
        "invalid_history"
    ),
    refused!("long_resume", Ask::LongResume(16 * 1024 + 1), 422, "invalid_resume"),
    Scenario {
        name: "command_where_an_answer_is_held",
        ask: Ask::Body(r#"{"query":"help","resume":"You asked about “What do you build"}"#),
        ..COMMAND
    },
    refused!("long_body", Ask::LongBody(65 * 1024), 413, "body_too_large"),
    refused!("unknown_path", Ask::Raw("POST", "/api/nothing", &[JSON], "{}"), 404, "not_found"),
    refused!(
        "wrong_content_type",
        Ask::Raw("POST", PATH, &[("content-type", "text/plain")], "{}"),
        415,
        "unsupported_media_type"
    ),
    refused!("no_content_type", Ask::Raw("POST", PATH, &[], "{}"), 415, "unsupported_media_type"),
    Scenario {
        name: "wrong_method",
        ask: Ask::Raw("GET", PATH, &[], ""),
        expect: Expect {
            status: 405,
            headers: &[JSON, ("allow", "POST, OPTIONS")],
            told: Json(&[("/error/code", "\"method_not_allowed\"")]),
            ..COMMAND.expect
        },
        ..COMMAND
    },
    Scenario {
        name: "wrong_method_of_what_may_be_watched",
        ask: Ask::Raw("POST", "/api/status", &[JSON], "{}"),
        expect: Expect {
            status: 405,
            headers: &[JSON, ("allow", "GET, HEAD, OPTIONS")],
            told: Json(&[("/error/code", "\"method_not_allowed\"")]),
            ..COMMAND.expect
        },
        ..COMMAND
    },
    Scenario {
        name: "preflight",
        ask: Ask::Raw(
            "OPTIONS",
            PATH,
            &[("origin", "https://example.com"), ("access-control-request-method", "POST")],
            "",
        ),
        expect: Expect {
            status: 204,
            headers: &[
                ("access-control-allow-origin", "https://example.com"),
                ("access-control-allow-methods", "POST, OPTIONS"),
                ("access-control-allow-headers", "content-type, x-request-id"),
            ],
            told: Nothing,
            ..COMMAND.expect
        },
        ..COMMAND
    },
    Scenario {
        name: "preflight_from_elsewhere",
        ask: Ask::Raw("OPTIONS", PATH, &[("origin", "https://evil.example")], ""),
        expect: Expect {
            status: 204,
            headers: &[("access-control-allow-origin", "")],
            told: Nothing,
            ..COMMAND.expect
        },
        ..COMMAND
    },
    Scenario {
        name: "a_page_of_the_owners_may_read",
        ask: Ask::Raw("POST", PATH, &[JSON, ("origin", "https://example.com")], r#"{"query":"help"}"#),
        expect: Expect {
            headers: &[JSON, ("access-control-allow-origin", "https://example.com"), ("vary", "origin")],
            ..COMMAND.expect
        },
        ..COMMAND
    },
];
