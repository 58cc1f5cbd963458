//! Heads, requests, and whatever bytes a place may send.

use proptest::prelude::*;
use serde_json::json;

use super::field::{LONGEST, MOST};
use super::*;

#[test]
fn heads() {
    let check = |status: u16, is_conditional: bool, expect: Result<Answer, &str>| {
        let judged = judge(StatusCode::from_u16(status).unwrap(), is_conditional);
        assert_eq!(judged.map_err(|miss| miss.to_string()), expect.map_err(str::to_owned), "{status}");
    };
    check(200, false, Ok(Answer::Body));
    check(200, true, Ok(Answer::Body));
    check(304, true, Ok(Answer::Same));
    check(304, false, Err("status_304"));
    check(204, false, Err("status_204"));
    check(301, true, Err("redirect"));
    check(302, false, Err("redirect"));
    check(403, false, Err("status_403"));
    check(404, false, Err("status_404"));
    check(429, false, Err("status_429"));
    check(500, false, Err("status_500"));
}

#[test]
fn what_is_asked() {
    let token = HeaderValue::from_static("Bearer hunter2");
    let check = |token: Option<HeaderValue>, etag: Option<&str>, expect: &[&str]| {
        let forge = Forge { url: "https://api.example".to_owned(), token };
        let request = request(Place::GitHub, &forge, "https://api.example/users/ada/events", etag);
        assert_eq!((request.method(), request.uri().path()), (&Method::GET, "/users/ada/events"));
        assert_eq!(request.headers()[ACCEPT], "application/vnd.github+json");
        let names: Vec<&str> = request.headers().keys().map(http::HeaderName::as_str).collect();
        let all: Vec<&str> = ["user-agent", "accept"].iter().chain(expect).copied().collect();
        assert!(all.len() == names.len() && all.iter().all(|name| names.contains(name)), "{names:?}");
    };
    check(None, None, &[]);
    check(Some(token.clone()), None, &["authorization"]);
    check(Some(token), Some("W/\"1\""), &["authorization", "if-none-match"]);
    check(None, Some("line\nbreak"), &[]);
}

#[test]
fn names_of_answers() {
    let check = |etag: &[u8], expect: Option<&str>| {
        let headers = HeaderMap::from_iter([(ETAG, HeaderValue::from_bytes(etag).unwrap())]);
        assert_eq!(name(&headers).as_deref(), expect);
    };
    check(b"W/\"5f\"", Some("W/\"5f\""));
    check(b"", None);
    check(b"\"\xff\"", None);
    check(&[b'x'; LONGEST_ETAG + 1], None);
    assert_eq!(name(&HeaderMap::new()), None);
}

/// Anything that JSON can say, often under the names that are read.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let words = "type|repo|name|created_at|payload|ref|ref_type|commits|message|action|number|title|issue|release|\
                 pull_request|action_name|project_id|push_data|commit_title|target_type|target_iid|target_title";
    let text = prop_oneof![
        "PushEvent|PullRequestEvent|IssuesEvent|CreateEvent|ReleaseEvent|opened|pushed|created|branch|MergeRequest",
        Just("2026-11-19T09:30:00Z".to_owned()),
        Just("a/b".to_owned()),
        Just("refs/heads/main".to_owned()),
        ".{0,200}",
    ];
    let leaf = prop_oneof![
        text.prop_map(|text| json!(text)),
        any::<u64>().prop_map(|number| json!(number)),
        Just(json!(null)),
        Just(json!(true)),
    ];
    leaf.prop_recursive(4, 64, 12, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| json!(list)),
            prop::collection::hash_map(words, inner, 0..12).prop_map(|map| json!(map)),
        ]
    })
}

fn check(body: &[u8]) -> Result<(), TestCaseError> {
    for place in PLACES {
        for act in place.acts(body, "ada-example").iter().flatten() {
            for text in [&act.repo, &act.date, &act.line] {
                prop_assert!((1..=LONGEST).contains(&text.chars().count()), "{text:?}");
                prop_assert!(!text.chars().any(char::is_control) && text.lines().count() == 1, "{text:?}");
            }
            prop_assert_eq!(act.date.len(), 10);
        }
        prop_assert!(place.acts(body, "ada-example").is_none_or(|acts| acts.len() <= MOST));
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes(body in prop::collection::vec(any::<u8>(), 0..2_000)) {
        check(&body)?;
    }

    #[test]
    fn any_list(events in prop::collection::vec(value(), 0..20)) {
        check(json!(events).to_string().as_bytes())?;
    }

    #[test]
    fn any_event_with_a_sound_frame(payload in value(), text in "(?s).{0,300}", number in any::<u64>()) {
        let frame = |kind: &str, payload: &serde_json::Value| json!({
            "type": kind, "action_name": "opened", "project_id": number, "target_type": "Issue",
            "target_iid": number, "target_title": text, "push_data": payload, "payload": payload,
            "repo": {"name": "a/b"}, "created_at": "2026-11-19T09:30:00Z",
        });
        let pull = json!({"action": "opened", "number": number, "pull_request": {"title": text}});
        let push = json!({"commits": [{"message": text}], "ref": text, "action": "pushed", "ref_type": "branch",
            "commit_title": text});
        let events = [frame("PullRequestEvent", &pull), frame("PushEvent", &push), frame("IssuesEvent", &payload),
            frame("PushEvent", &payload), frame("ReleaseEvent", &payload)];
        check(json!(events).to_string().as_bytes())?;
    }
}

#[test]
fn the_keeper_is_not_asked_for_each() {
    let lately = Lately::default();
    let check = |at: u64, expect: bool| assert_eq!(lately.is_due(Moment(at)), expect, "at {at}");
    check(20_000, true);
    check(20_000, true);
    lately.keep(Snapshot::default(), Moment(20_000));
    check(20_000, false);
    check(34_999, false);
    check(35_000, true);
    check(5_000, true);
    check(5_001, false);
}
