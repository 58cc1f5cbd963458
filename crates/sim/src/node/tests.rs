//! A node in virtual time: its slot, its memory, its words.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::{End, Node, Pace, Play, Step};
use crate::scenario::MODELS;

mod other_words;

const PACE: Pace = Pace {
    first: Duration::from_millis(100),
    between: Duration::from_millis(10),
    load: Duration::from_millis(1000),
};

/// Far longer than anything here takes; the clock is not a real one.
const EVER: Duration = Duration::from_secs(3600);

fn node() -> Node {
    Node::new(&MODELS, PACE)
}

fn ask(node: &Node, path: &str, body: &Value) -> Play {
    node.answer(Request::post(path).body(Bytes::from(body.to_string())).unwrap())
}

fn chat(model: &str) -> Value {
    json!({"model": model, "think": false, "messages": [{"role": "user", "content": "Why?"}]})
}

/// `base` with the fields of `more`.
fn with(mut base: Value, more: Value) -> Value {
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}

#[derive(Debug, Default)]
struct Heard {
    status: StatusCode,
    kind: String,
    body: Vec<u8>,
    /// Until the head.
    waited: Duration,
    reset: bool,
}

impl Heard {
    fn lines(&self) -> Vec<Value> {
        String::from_utf8_lossy(&self.body).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn last(&self) -> Value {
        self.lines().pop().unwrap_or_default()
    }

    fn text(&self) -> String {
        self.lines().iter().filter_map(|line| line["message"]["content"].as_str()).collect()
    }
}

async fn hear(mut play: Play) -> Heard {
    let (mut heard, asked) = (Heard::default(), Instant::now());
    while let Some(step) = play.next().await {
        match step {
            Step::Head(status, headers) => {
                heard.status = status;
                heard.waited = asked.elapsed();
                let kind = headers.into_iter().find(|(name, _)| *name == "content-type");
                heard.kind = kind.map(|(_, value)| value).unwrap_or_default();
            }
            Step::Bytes(bytes) => heard.body.extend_from_slice(&bytes),
            Step::Reset => {
                heard.reset = true;
                break;
            }
        }
    }
    heard
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test(start_paused = true)]
async fn the_head_leaves_with_the_first_word() {
    let node = node();
    let heard = hear(ask(&node, "/api/chat", &chat(MODELS[0]))).await;
    assert_eq!(
        (heard.waited, heard.status, &*heard.kind),
        (ms(1100), StatusCode::OK, "application/x-ndjson")
    );
    assert_eq!(heard.text(), node.received()[0].said);
    assert_eq!((&heard.last()["done"], &heard.last()["done_reason"]), (&json!(true), &json!("stop")));
    let times: Vec<_> = heard.lines().iter().map(|line| line["created_at"].to_string()).collect();
    assert!(times.is_sorted_by(|one, next| one < next), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_model_is_loaded_anew_when_its_runner_changes() {
    let node = node();
    let check = async |more: Value, waited: u64| {
        let heard = hear(ask(&node, "/api/chat", &with(chat(MODELS[0]), more.clone()))).await;
        assert_eq!(heard.waited, ms(waited), "{more}");
        assert_eq!(node.received().last().unwrap().loads, waited == 1100, "{more}");
    };
    check(json!({}), 1100).await;
    check(json!({"options": {"temperature": 0.1}}), 100).await;
    check(json!({"options": {"num_ctx": 4096}}), 100).await;
    check(json!({"options": {"num_ctx": 8192}}), 1100).await;
    check(json!({"options": {"num_ctx": 8192}, "shift": false}), 1100).await;
    check(json!({"options": {"num_ctx": 8192}, "model": MODELS[1]}), 1100).await;
    // Whoever leaves while it loads has loaded nothing.
    let other = with(chat(MODELS[1]), json!({"options": {"num_ctx": 2048}}));
    assert!(timeout(ms(900), hear(ask(&node, "/api/chat", &other))).await.is_err());
    assert_eq!(hear(ask(&node, "/api/chat", &other)).await.waited, ms(1100));
}

#[tokio::test(start_paused = true)]
async fn keep_alive_counts_from_the_end() {
    let node = node();
    let ps = || node.in_memory().iter().map(|model| model["name"].clone()).collect::<Vec<_>>();
    let check = async |keep: Value, after: Duration, there: bool| {
        hear(ask(&node, "/api/chat", &with(chat(MODELS[0]), json!({"keep_alive": keep})))).await;
        tokio::time::sleep(after).await;
        assert_eq!(ps().len(), usize::from(there), "{keep} after {after:?}");
    };
    check(Value::Null, Duration::from_secs(299), true).await;
    check(Value::Null, Duration::from_secs(301), false).await;
    check(json!("10m"), Duration::from_secs(599), true).await;
    check(json!(0), Duration::ZERO, false).await;
    check(json!(-1), EVER, true).await;
    assert!(node.in_memory()[0]["expires_at"].as_str().unwrap() > "2300");
    // Whoever does not say leaves it as it is, unless he has it loaded anew.
    check(Value::Null, EVER, true).await;
    check(json!(0), Duration::ZERO, false).await;
    check(Value::Null, Duration::from_secs(301), false).await;
}

#[tokio::test(start_paused = true)]
async fn one_at_a_time() {
    let node = node();
    hear(ask(&node, "/api/chat", &chat(MODELS[0]))).await;
    let began = Instant::now();
    let (first, second) = tokio::join!(
        hear(ask(&node, "/api/chat", &chat(MODELS[0]))),
        hear(ask(&node, "/api/chat", &chat(MODELS[0]))),
    );
    let one = began.elapsed() / 2;
    assert_eq!((first.waited, second.waited), (ms(100), one + ms(100)));
    assert_eq!(first.text(), second.text());
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_frees_the_slot() {
    let node = node();
    for script in ["sim:hang", "sim:hang-after-head", "sim:stall@3", "sim:long-line@3"] {
        assert!(timeout(ms(2000), hear(ask(&node, "/api/chat", &chat(script)))).await.is_err());
        assert_eq!(node.received().pop().unwrap().end, Some(End::Left), "{script}");
        assert!(hear(ask(&node, "/api/chat", &chat("sim:say"))).await.last()["done"] == true);
    }
    // From the queue, too.
    let holder = ask(&node, "/api/chat", &chat("sim:hang"));
    let (_, waiter) = tokio::join!(
        timeout(ms(500), hear(holder)),
        timeout(ms(100), hear(ask(&node, "/api/chat", &chat("sim:say")))),
    );
    assert!(waiter.is_err());
    assert_eq!(node.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_wedged_node_answers_everything_but_chats() {
    let node = node();
    assert!(timeout(EVER, hear(ask(&node, "/api/chat", &chat("sim:wedge")))).await.is_err());
    assert!(timeout(EVER, hear(ask(&node, "/api/chat", &chat(MODELS[0])))).await.is_err());
    for path in ["/", "/api/version", "/api/tags", "/api/ps"] {
        let heard = hear(node.answer(Request::get(path).body(Bytes::new()).unwrap())).await;
        assert_eq!(heard.status, StatusCode::OK, "{path}");
    }
    node.reset();
    assert_eq!(hear(ask(&node, "/api/chat", &chat(MODELS[0]))).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_reset_makes_neither_a_second_slot_nor_a_wrong_record() {
    let node = node();
    let before = ask(&node, "/api/chat", &chat("sim:say,pace=1000"));
    let before = async {
        let _ = timeout(ms(3000), hear(before)).await;
    };
    let after = async {
        tokio::time::sleep(ms(2000)).await;
        node.reset();
        let play = ask(&node, "/api/chat", &chat("sim:stall@0"));
        let _ = timeout(ms(5000), hear(play)).await;
        tokio::join!(
            hear(ask(&node, "/api/chat", &chat("sim:say"))),
            hear(ask(&node, "/api/chat", &chat("sim:say"))),
        )
    };
    let ((), (first, second)) = tokio::join!(before, after);
    assert!(second.waited > first.waited + ms(100), "one after the other");
    let ends: Vec<_> = node.received().iter().map(|request| request.end).collect();
    assert_eq!(ends, [Some(End::Left), Some(End::Finished), Some(End::Finished)]);
}

#[tokio::test(start_paused = true)]
async fn whatever_the_cut_the_bytes_are_the_same() {
    let node = node();
    let text = hear(ask(&node, "/api/chat", &chat("sim:say"))).await.text();
    for cut in ["bytes", "joined", "split", "no-newline"] {
        let heard = hear(ask(&node, "/api/chat", &chat(&format!("sim:say,{cut}")))).await;
        assert_eq!(heard.text(), text, "{cut}");
        assert_eq!(heard.body.ends_with(b"\n"), cut != "no-newline");
    }
    let mut play = ask(&node, "/api/chat", &chat("sim:say,split"));
    let mut split = 0;
    while let Some(step) = play.next().await {
        if let Step::Bytes(bytes) = step {
            split += usize::from(std::str::from_utf8(&bytes).is_err());
        }
    }
    assert!(split > 5, "{split} chunks that are not UTF-8 of their own");
}

#[tokio::test(start_paused = true)]
async fn errors_to_the_byte() {
    let node = node();
    let (plain, charset) = ("application/json", "application/json; charset=utf-8");
    let check = async |body: Value, status: u16, kind: &str, error: &str| {
        let heard = hear(ask(&node, "/api/chat", &body)).await;
        assert_eq!((heard.status.as_u16(), &*heard.kind), (status, kind), "{body}");
        let expect = if error.is_empty() { String::new() } else { json!({ "error": error }).to_string() };
        assert_eq!(String::from_utf8(heard.body).unwrap(), expect, "{body}");
    };
    let busy = "server busy, please try again.  maximum pending requests exceeded";
    check(chat("nobody"), 404, charset, "model 'nobody' not found").await;
    check(chat(""), 400, charset, "model is required").await;
    check(chat("sim:503"), 503, charset, busy).await;
    check(chat("sim:429"), 429, plain, "rate limit exceeded").await;
    check(with(chat("sim:429"), json!({"stream": false})), 429, charset, "rate limit exceeded").await;
    check(chat("sim:403"), 403, "", "").await;
    let think = with(chat(MODELS[1]), json!({"think": true}));
    check(think, 400, charset, "\"qwen2.5-coder:7b\" does not support thinking").await;
    let keep = with(chat(MODELS[0]), json!({"keep_alive": "-1"}));
    check(keep, 400, charset, "time: missing unit in duration \"-1\"").await;
    let format = with(chat(MODELS[0]), json!({"format": "yaml"}));
    let text = "invalid format: \"\\\"yaml\\\"\"; expected \"json\" or a valid JSON Schema object";
    check(format, 500, plain, text).await;
    let level = with(chat(MODELS[0]), json!({"think": "hard"}));
    let text =
        "invalid think value: \"hard\" (must be \"high\", \"medium\", \"low\", \"max\", true, or false)";
    check(level, 400, charset, text).await;
}

#[tokio::test(start_paused = true)]
async fn a_model_that_can_think_does_unless_told_not_to() {
    let node = node();
    let check = async |body: Value, thinks: bool| {
        let heard = hear(ask(&node, "/api/chat", &body)).await;
        let thought = heard.lines().iter().any(|line| line["message"].get("thinking").is_some());
        assert_eq!(thought, thinks, "{body}");
    };
    let unsaid = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "Why?"}]});
    check(unsaid(MODELS[0]), true).await;
    check(with(unsaid(MODELS[0]), json!({"stream": false})), true).await;
    check(chat(MODELS[0]), false).await;
    check(unsaid(MODELS[1]), false).await;
    check(unsaid("sim:say"), false).await;
    check(chat("sim:say,thinking"), true).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_is_said() {
    let node = node();
    let one = async |path: &str, body: Value| {
        let heard = hear(ask(&node, path, &with(body, json!({"stream": false})))).await;
        assert_eq!((heard.status, heard.body.ends_with(b"\n")), (StatusCode::OK, false));
        heard.last()
    };
    let whole = one("/api/chat", chat(MODELS[0])).await;
    let answer = whole["message"]["content"].as_str().unwrap().to_owned();
    assert_eq!(whole["eval_count"], crate::text::pieces(&answer).len());
    // A limit.
    let short = one("/api/chat", with(chat(MODELS[0]), json!({"options": {"num_predict": 2}}))).await;
    assert_eq!((&short["done_reason"], &short["eval_count"]), (&json!("length"), &json!(2)));
    // A continuation, with the space that belongs between and without.
    let begun = json!([{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "You asked "}]);
    for (model, lead) in [("sim:say", " about"), ("sim:say,no-lead", "about")] {
        let rest = one("/api/chat", with(chat(model), json!({"messages": begun}))).await;
        assert!(rest["message"]["content"].as_str().unwrap().starts_with(lead), "{rest}");
    }
    // JSON, even where something was said before; cut at half, it is none.
    let format = json!({"format": {"type": "object", "properties": {"subject": {"type": "string"}}}});
    let draft =
        one("/api/chat", with(with(chat(MODELS[0]), json!({"messages": begun})), format.clone())).await;
    assert_eq!(draft["message"]["content"], "{\"subject\":\"The subject for “Why?”\"}");
    let cut = one("/api/chat", with(chat("sim:say,length"), format)).await;
    assert!(serde_json::from_str::<Value>(cut["message"]["content"].as_str().unwrap()).is_err());
    // The other route.
    let generated = one("/api/generate", json!({"model": MODELS[0], "prompt": "Why?"})).await;
    assert_eq!(generated["response"], answer);
    assert!(generated["context"].is_array() && generated.get("message").is_none());
    // No question: only to be loaded, only to be unloaded.
    let load = json!({"model": MODELS[1], "messages": []});
    assert_eq!(one("/api/chat", load.clone()).await["done_reason"], "load");
    assert_eq!(node.in_memory()[0]["name"], MODELS[1]);
    assert_eq!(one("/api/chat", with(load, json!({"keep_alive": 0}))).await["done_reason"], "unload");
    assert!(node.in_memory().is_empty());
}

#[tokio::test(start_paused = true)]
async fn foreign_hosts_and_origins_are_refused() {
    let node = node();
    node.check_host(true);
    let check = async |host: &str, origin: Option<&str>, status: u16| {
        let mut request = Request::get("/api/version").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let heard = hear(node.answer(request.body(Bytes::new()).unwrap())).await;
        assert_eq!(heard.status, status, "{host} {origin:?}");
        assert_eq!(heard.body.is_empty(), status == 403);
    };
    check("localhost:11434", None, 200).await;
    check("127.0.0.1:11434", None, 200).await;
    check("192.168.1.7", None, 200).await;
    check("[::1]:11434", None, 200).await;
    check("mini.local", None, 200).await;
    check("mini.example.com", None, 403).await;
    check("8.8.8.8", None, 403).await;
    check("localhost", Some("http://localhost:3000"), 200).await;
    check("localhost", Some("tauri://localhost"), 200).await;
    check("localhost", Some("https://example.com"), 403).await;
    node.check_host(false);
    check("mini.example.com", Some("https://example.com"), 200).await;
}
