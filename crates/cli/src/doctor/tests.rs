//! Whole configurations over real sockets, and what is said of them.

mod continuation;
mod fake;

use std::collections::HashMap;
use std::sync::Mutex;

use homefire_sim::scenario::MODELS;
use homefire_sim::{Node, Pace, Reach, Server};
use serde_json::{Value, json};

use super::*;
use fake::Fake;

/// Every secret of these configurations has it in it.
const SECRET: &str = "hunter2";

const SETTINGS: [(&str, &str); 4] = [
    ("NODE_TOKEN", "hunter2-node-token"),
    ("CF_ACCESS_CLIENT_ID", "hunter2-access-id"),
    ("CF_ACCESS_CLIENT_SECRET", "hunter2-access-secret"),
    ("CONNECT_MS", "2000"),
];

/// What is said, with single spaces; nothing secret is.
async fn told(variables: &[(&str, &str)], sends_mail: bool) -> (Vec<String>, Value) {
    seen(variables, Scope::Whole { sends_mail }).await
}

async fn seen(variables: &[(&str, &str)], scope: Scope) -> (Vec<String>, Value) {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables: Vec<_> = SETTINGS.iter().chain(variables).map(owned).collect();
    heard(Ok(variables), scope).await
}

async fn heard(variables: Result<Vec<(String, String)>>, scope: Scope) -> (Vec<String>, Value) {
    let mut checks = Vec::new();
    examine(variables, scope, |check| checks.push(check)).await;
    let report = report(&checks);
    let lines: Vec<String> = checks.iter().map(Check::line).collect();
    let all = format!("{lines:?} {report}");
    assert!(!all.contains(SECRET), "{all}");
    (lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect(), report)
}

/// A line that begins and goes on like this, whatever time stands between.
fn has(lines: &[String], begin: &str, words: &str) {
    let is_it = |line: &String| line.starts_with(&format!("{begin} ")) && line.contains(words);
    assert!(lines.iter().any(is_it), "no line {begin:?} with {words:?} in\n  {}", lines.join("\n  "));
}

fn node(url: &str) -> String {
    json!([{"name": "mini", "url": url}]).to_string()
}

async fn sim(models: &[&str], scripts: &[&str]) -> Server {
    let node = Node::new(models, Pace::QUICK);
    for script in scripts {
        node.queue(script.parse().unwrap());
    }
    Server::start(node, 0, false).await.unwrap()
}

/// The last line of the one node at `url`.
async fn check(url: &str, settings: &[(&str, &str)], begin: &str, words: &str) {
    let nodes = node(url);
    let variables: Vec<_> = [("HOMEFIRE_NODES", nodes.as_str())].iter().chain(settings).copied().collect();
    let (lines, report) = told(&variables, false).await;
    let last = lines.iter().rfind(|line| line.contains(" mini ")).unwrap();
    has(std::slice::from_ref(last), begin, words);
    assert_eq!(report["ok"], !lines.iter().any(|line| line.starts_with("FAIL")));
}

#[tokio::test]
async fn nodes() {
    let soon = [("FIRST_WORD_MS", "300"), ("LAST_FIRST_WORD_MS", "300")];

    let well = sim(&MODELS, &[]).await;
    check(&well.url(), &[], "ok mini word", "qwen3.5:latest said a word.").await;

    let mut gone = sim(&MODELS, &[]).await;
    gone.set(Reach::Down).await.unwrap();
    check(
        &gone.url(),
        &[],
        "FAIL mini reached",
        "Nobody listens at its address. Look whether the machine is on",
    )
    .await;
    gone.set(Reach::Silent).await.unwrap();
    check(&gone.url(), &[("PROBE_MS", "300")], "FAIL mini reached", "It does not answer in time.").await;
    // Whether anybody answers that it is not known depends on the machine: what is said of which is in `node`.
    check("http://nowhere.invalid", &[], "FAIL mini dns", "").await;

    let other = sim(&MODELS[1..], &[]).await;
    check(&other.url(), &[], "FAIL mini models", "does not have qwen3.5:latest. On the machine: ollama pull")
        .await;

    let guarded = sim(&MODELS, &["401"]).await;
    check(&guarded.url(), &[], "FAIL mini word", "does not accept the service token").await;
    for script in ["hang", "hang-after-head", "wedge"] {
        let hanging = sim(&MODELS, &[script]).await;
        check(&hanging.url(), &soon, "FAIL mini word", "does not say a word. Restart Ollama").await;
    }
    let late = sim(&MODELS, &["say,first=400"]).await;
    check(&late.url(), &soon[..1], "warn mini word", "later than FIRST_WORD_MS").await;
    let busy = sim(&MODELS, &["503"]).await;
    check(&busy.url(), &[], "warn mini word", "is busy").await;
}

#[tokio::test]
async fn doors() {
    for (status, body, begin, words) in [
        (401, "", "FAIL mini token", "does not accept the service token"),
        (302, "", "FAIL mini token", "does not accept the service token"),
        (403, "", "FAIL mini reached", "httpHostHeader"),
        (530, "error code: 1033", "FAIL mini reached", "Its tunnel is down"),
        (502, "error code: 502", "FAIL mini reached", "Start Ollama on it"),
        (200, "<html>", "FAIL mini reached", "Something else answers"),
        (503, r#"{"error":"draining"}"#, "warn mini reached", "drained on purpose"),
    ] {
        let door = Fake::start(move |_, _| (status, body.to_owned())).await;
        check(&door.url(), &[], begin, words).await;
    }
    let none = [("NODE_TOKEN", ""), ("CF_ACCESS_CLIENT_ID", ""), ("CF_ACCESS_CLIENT_SECRET", "")];
    let door = Fake::start(|_, _| (401, String::new())).await;
    let variables = none.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut checks = Vec::new();
    let nodes = ("HOMEFIRE_NODES".to_owned(), node(&door.url()));
    examine(Ok([&variables[..], &[nodes]].concat()), Scope::Whole { sends_mail: false }, |check| {
        checks.push(check.line())
    })
    .await;
    assert!(
        checks.iter().any(|line| line.contains("It asks for a token, and none is configured.")),
        "{checks:?}"
    );
    let door = Fake::start(|head, _| match head.contains("hunter2-node-token") {
        true => (200, json!({"models": [{"name": MODELS[0]}]}).to_string()),
        false => (401, String::new()),
    })
    .await;
    let (lines, _) = told(&[("HOMEFIRE_NODES", &node(&door.url()))], false).await;
    has(&lines, "ok mini token", "without it nobody is");
}

/// As much of a Redis as the store asks for; `refuses` says whether it compares before it swaps.
fn redis(refuses: bool) -> impl Fn(&str, &str) -> (u16, String) {
    let kept: Mutex<HashMap<String, String>> = Mutex::default();
    move |head, body| {
        if !head.contains("hunter2-store") {
            return (401, r#"{"error":"WRONGPASS invalid or missing auth token"}"#.to_owned());
        }
        let command: Vec<Value> = serde_json::from_str(body).unwrap();
        let text = |at: usize| command[at].as_str().unwrap().to_owned();
        let mut kept = kept.lock().unwrap();
        let result = match text(0).as_str() {
            "GET" => json!(kept.get(&text(1))),
            "EVAL" => {
                let is_same = kept.get(&text(3)).map_or("", String::as_str) == text(4) || !refuses;
                if is_same {
                    kept.insert(text(3), text(5));
                }
                json!(u8::from(is_same))
            }
            other => panic!("{other}"),
        };
        (200, json!({ "result": result }).to_string())
    }
}

#[tokio::test]
async fn all_is_well_and_in_its_order() {
    let (mini, cloud) = (sim(&MODELS, &[]).await, sim(&MODELS, &[]).await);
    let (redis, mail) = (Fake::start(redis(true)).await, Fake::start(|_, _| (422, "{}".to_owned())).await);
    let beat = Fake::start(|_, _| (200, String::new())).await;
    let nodes =
        json!([{"name": "mini", "url": mini.url()}, {"name": "cloud", "url": cloud.url()}]).to_string();
    let (redis_url, mail_url, beat_url) = (redis.url(), mail.url(), format!("{}/hunter2", beat.url()));
    let variables = [
        ("HOMEFIRE_NODES", nodes.as_str()),
        ("UPSTASH_REDIS_REST_URL", redis_url.as_str()),
        ("UPSTASH_REDIS_REST_TOKEN", "hunter2-store"),
        ("RESEND_API_KEY", "hunter2-mail"),
        ("RESEND_BASE_URL", mail_url.as_str()),
        ("MAIL_FROM", "Homefire <homefire@example.com>"),
        ("MAIL_TO", "hunter2@example.com"),
        ("CRON_SECRET", "hunter2-cron-secret"),
        ("DRAFT_KEY", "hunter2-draft-key"),
        ("HEARTBEAT_URL", beat_url.as_str()),
    ];
    let (lines, report) = told(&variables, false).await;
    has(&lines, "warn mini warm", "No configured model is in memory");
    has(&lines, "ok mini word", "qwen3.5:latest said a word.");
    assert_eq!(report["ok"], true);

    let (lines, report) = told(&variables, false).await;
    assert!(lines.iter().all(|line| line.starts_with("ok ")), "{lines:#?}");
    let checks = report["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    let node = ["dns", "reached", "token", "models", "warm", "word"];
    let nodes = ["mini", "cloud"].iter().flat_map(|name| node.map(|what| format!("{name} {what}")));
    let rest = [
        "store chosen", "store read", "store swap", "mail key", "cron secret", "draft key", "heartbeat",
        "site",
    ];
    let expect: Vec<String> =
        ["variables".to_owned()].into_iter().chain(nodes).chain(rest.map(str::to_owned)).collect();
    assert_eq!(names, expect);
    let word = checks.iter().find(|check| check["name"] == "mini word").unwrap();
    assert!(word["ms"].is_u64() && word["state"] == "ok" && word["advice"].is_null(), "{word}");
    assert!(beat.heard().is_empty(), "a beat was counted");
    // One letter a run, with nothing in it.
    assert!(mail.heard().iter().all(|(head, body)| head.contains("idempotency-key") && body == "{}"));
}

#[tokio::test]
async fn stores() {
    let well = sim(&MODELS, &[]).await;
    let nodes = node(&well.url());
    let careless = Fake::start(redis(false)).await;
    let wrong = Fake::start(|_, _| (400, r#"{"error":"ERR"}"#.to_owned())).await;
    let old = Fake::start(|_, body| match body.contains("homefire:monitor") {
        true => (200, json!({"result": r#"{"round":7,"checked":1767225600000}"#}).to_string()),
        false => (400, r#"{"error":"NOPERM this user has no permissions"}"#.to_owned()),
    })
    .await;
    for (url, token, begin, words) in [
        (careless.url(), "hunter2-store", "FAIL store swap", "not refused"),
        (careless.url(), "hunter2-other", "FAIL store read", "does not accept UPSTASH_REDIS_REST_TOKEN"),
        (wrong.url(), "hunter2-store", "FAIL store read", "something else than what was asked"),
        ("http://nowhere.invalid".to_owned(), "hunter2-store", "FAIL store read", "does not answer"),
        (old.url(), "hunter2-store", "warn store read", "round 7 at 2026-01-01 00:00 UTC, and none since"),
        (old.url(), "hunter2-store", "FAIL store swap", "read-only token"),
    ] {
        let store = [("UPSTASH_REDIS_REST_URL", url.as_str()), ("UPSTASH_REDIS_REST_TOKEN", token)];
        let (lines, _) = told(&[("HOMEFIRE_NODES", nodes.as_str()), store[0], store[1]], false).await;
        has(&lines, begin, words);
    }
    for (keeping, words) in [
        ("", "Set UPSTASH_REDIS_REST_URL"),
        ("memory", "by HOMEFIRE_STORE"),
        ("durable", "cannot be looked at from here"),
    ] {
        let (lines, report) =
            told(&[("HOMEFIRE_NODES", nodes.as_str()), ("HOMEFIRE_STORE", keeping)], false).await;
        has(&lines, "warn store chosen", words);
        assert_eq!(report["ok"], true);
    }
}

#[tokio::test]
async fn a_test_mail_is_sent_only_when_asked_for() {
    let well = sim(&MODELS, &[]).await;
    let nodes = node(&well.url());
    let resend = Fake::start(|_, body| match body {
        "{}" => (422, r#"{"name":"missing_required_field"}"#.to_owned()),
        _ => (200, r#"{"id":"1"}"#.to_owned()),
    })
    .await;
    let url = resend.url();
    let variables = [
        ("HOMEFIRE_NODES", nodes.as_str()),
        ("RESEND_API_KEY", "hunter2-mail"),
        ("RESEND_BASE_URL", url.as_str()),
        ("MAIL_FROM", "homefire@example.com"),
        ("MAIL_TO", "hunter2@example.com"),
    ];
    let letters = || resend.heard().iter().filter(|(_, body)| body != "{}").count();
    has(&told(&variables, false).await.0, "ok mail key", "Nothing was sent");
    assert_eq!(letters(), 0);
    has(&told(&variables, true).await.0, "ok mail sent", "one address");
    assert_eq!(letters(), 1);
    let (lines, report) = told(&variables[..1], true).await;
    has(&lines, "FAIL mail sent", "no key to send it with");
    assert_eq!(report["ok"], false);
}

#[tokio::test]
async fn every_fault_is_told_and_nothing_else_is_looked_at() {
    let nodes = r#"[{"name":"mini","url":"https://user:hunter2@a.example"}]"#;
    let (lines, report) = told(&[("HOMEFIRE_NODES", nodes), ("IDLE_MS", "0")], false).await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    has(&lines, "FAIL variables", "IDLE_MS:");
    has(&lines, "FAIL variables", "HOMEFIRE_NODES[0].url: holds a user name or password");
    assert_eq!(report["ok"], false);
}

#[tokio::test]
async fn a_file_that_is_not_read_is_a_check_that_failed() {
    let refused = Refused("line 3 of .env is not made of NAME=value".to_owned());
    let (lines, report) = heard(Err(refused.into()), Scope::Continuation).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    has(&lines, "FAIL variables", "line 3 of .env is not made of NAME=value");
    assert_eq!((&report["ok"], &report["checks"][0]["state"]), (&json!(false), &json!("fail")));
}
