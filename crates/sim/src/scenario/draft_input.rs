//! What is asked of the drafts and is wrong, and what became of one.

use super::Told::{Json, Nothing};
use super::draft::{JSON, PLAIN, WELL};
use super::{Ask, DRAFT_KEY, Expect, Scenario};

const KEY: (&str, &str) = ("authorization", DRAFT_KEY);

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
