//! The express lane: who asks for frames is handed them, and how the answer ended. Everything else is as without it.

mod home;

use std::time::Duration;

use homefire_node::drain::{Order, control};
use homefire_sim::End;
use serde_json::{Value, json};
use tokio::time::timeout;

use home::{BEST, Home, NEW, Said, chat, until};

const LANE: &[(&str, &str)] = &[("accept", "text/event-stream, application/x-ndjson, application/json")];

/// What the tokens say, and the comments behind them.
fn heard(said: &Said) -> (String, Vec<&str>) {
    let whole = said.body.strip_suffix("\n\n").unwrap_or_else(|| panic!("within a frame: {said:?}"));
    let mut text = String::new();
    let mut comments = Vec::new();
    for frame in whole.split("\n\n") {
        match frame.strip_prefix("data: ") {
            Some(data) => {
                let event: Value = serde_json::from_str(data).expect("an event is JSON");
                assert_eq!(event["type"], "token", "{frame}");
                text += event["content"].as_str().expect("a token has a text");
                assert!(!comments.iter().any(|comment| *comment != ":" && *comment != ": alive"), "{said:?}");
            }
            None => comments.push(frame),
        }
    }
    (text, comments)
}

fn is_stream(said: &Said) -> bool {
    said.status == 200 && said.header("content-type") == Some("text/event-stream") && said.is_whole
}

#[tokio::test]
async fn every_end_is_told() {
    let home = Home::start(|_| {}).await;
    for (script, end, logged) in [
        ("say,pace=0", ": done stop", "finished"),
        ("say,bytes,pace=0", ": done stop", "finished"),
        ("say,split,pace=0", ": done stop", "finished"),
        ("say,joined,pace=0", ": done stop", "finished"),
        ("say,no-newline,pace=0", ": done stop", "finished"),
        ("say,markup,pace=0", ": done stop", "finished"),
        ("say,thinking,tools,pace=0", ": done stop", "finished"),
        ("say,no-metrics,pace=0", ": done stop", "finished"),
        ("say,length,pace=0", ": done length", "finished"),
        ("say,empty", ": done stop", "finished"),
        ("say,pace=0,error@2", ": cut error_line", "cut"),
        ("say,pace=0,garbage@1", ": cut garbage", "cut"),
        ("say,pace=0,end@2", ": cut ended_early", "finished"),
        ("say,pace=0,reset@3", ": cut broken", "cut"),
        ("say,pace=0,long-line@2", ": cut line_too_long", "cut"),
    ] {
        home.node().reset();
        let before = home.log().lines().count();
        let said = home.asks(script, LANE).await;
        assert!(is_stream(&said), "{script}: {said:?}");
        let (text, comments) = heard(&said);
        assert_eq!(text, home.node().received()[0].said, "{script}");
        assert!(comments.last().unwrap().starts_with(end), "{script}: {comments:?}");
        until("its place is free", || home.in_flight() == 0).await;
        until("it is logged", || home.log().lines().count() > before).await;
        let line: Value = serde_json::from_str(home.log().lines().last().unwrap()).unwrap();
        assert_eq!(line["request"]["end"], logged, "{script}: {line}");
    }
    let said = home.asks("say", LANE).await;
    let tokens = said.body.matches("data: ").count();
    assert!(said.body.ends_with(&format!(": done stop {tokens}\n\n")), "{said:?}");
    let line: Value = serde_json::from_str(home.log().lines().last().unwrap()).unwrap();
    assert_eq!(line["request"]["bytes"], said.body.len(), "as the client got them");
    let asked = home.node().received();
    assert_eq!(asked.last().unwrap().headers["accept"], "application/x-ndjson");
}

#[tokio::test]
async fn words_come_as_they_are_said() {
    let line = |text: &str| format!("{{\"message\":{{\"content\":\"{text}\"}},\"done\":false}}\n");
    let (one, two) = (line("one"), line(" two"));
    let done = "{\"message\":{\"content\":\"\"},\"done\":true,\"eval_count\":2}\n";
    let both = [&*two, done].concat();
    let (ollama, go_on) = home::piecewise(&[one.as_bytes(), line("").as_bytes(), both.as_bytes()]).await;
    let home = Home::start(|config| config.ollama = ollama.parse().unwrap()).await;
    let mut stream = home.open_with("POST", "/api/chat", LANE, &chat(BEST)).await;
    let token = |text: &str| format!("data: {{\"type\":\"token\",\"content\":\"{text}\"}}\n\n");
    let last = token(" two") + ": done stop 2\n\n";
    for said in [&*token("one"), ": alive\n\n", &last] {
        go_on.send(()).await.unwrap();
        // Each is there before the next is sent: nothing waits for more.
        home::hear(&mut stream, said.as_bytes()).await;
    }
    drop(go_on);
    home::hear(&mut stream, b"0\r\n\r\n").await;
}

#[tokio::test]
async fn words_are_gathered_for_who_wants_it() {
    let lane = [LANE, &[("x-homefire-gather", "100")]].concat();
    let home = Home::start(|_| {}).await;
    for (script, end) in
        [("say", ": done stop"), ("say,reset@3", ": cut broken"), ("say,end@2", ": cut ended")]
    {
        home.node().reset();
        let said = home.asks(script, &lane).await;
        let (text, comments) = heard(&said);
        assert_eq!(text, home.node().received()[0].said, "{script}");
        assert!(comments.last().unwrap().starts_with(end), "{script}: {comments:?}");
    }
    let line = |text: &str| format!("{{\"message\":{{\"content\":\"{text}\"}},\"done\":false}}\n");
    let (one, two, three) = (line("one"), line(" two"), line(" three"));
    let pieces = [&one, &two, &three].map(|line| line.as_bytes());
    let (ollama, go_on) = home::piecewise(&pieces).await;
    let home = Home::start(|config| config.ollama = ollama.parse().unwrap()).await;
    let mut stream = home.open_with("POST", "/api/chat", &lane, &chat(BEST)).await;
    let token = |text: &str| format!("data: {{\"type\":\"token\",\"content\":\"{text}\"}}\n\n");
    go_on.send(()).await.unwrap();
    home::hear(&mut stream, token("one").as_bytes()).await;
    for _ in 0..2 {
        go_on.send(()).await.unwrap();
    }
    // They come when it is time, though nothing more is said.
    home::hear(&mut stream, (token(" two") + &token(" three")).as_bytes()).await;
}

#[tokio::test]
async fn silence_is_filled() {
    let home = Home::start(|config| {
        config.waits.heartbeat = Duration::from_millis(50);
        config.waits.answer = Duration::from_millis(600);
    })
    .await;
    // The head is there, and after two words nothing more.
    let said = home.asks("stall@2", LANE).await;
    let (text, comments) = heard(&said);
    let beats = comments.iter().filter(|comment| **comment == ":").count();
    assert!(is_stream(&said) && !text.is_empty() && beats >= 4, "{said:?}");
    assert_eq!(comments.last(), Some(&": cut broken"));
    until("its place is free", || home.in_flight() == 0).await;
    assert!(home.log().contains("\"overdue\""), "{}", home.log());
}

#[tokio::test]
async fn an_early_head() {
    let start = |ollama: Option<String>| {
        Home::start(move |config| {
            config.waits.early_head = Some(Duration::from_millis(50));
            config.waits.heartbeat = Duration::from_millis(50);
            config.waits.answer = Duration::from_secs(2);
            if let Some(ollama) = ollama {
                config.ollama = ollama.parse().unwrap();
            }
        })
    };
    let home = start(None).await;
    let said = home.asks("say,first=400", LANE).await;
    assert!(is_stream(&said) && said.body.starts_with(":\n\n:\n\n"), "{said:?}");
    let (text, comments) = heard(&said);
    assert_eq!(text, home.node().received()[0].said);
    assert!(comments.last().unwrap().starts_with(": done stop"), "{comments:?}");
    let said = home.asks("hang", LANE).await;
    assert!(is_stream(&said) && said.body.ends_with(": cut broken\n\n"), "{said:?}");
    let said = Home::in_no_hurry().await.asks("404", LANE).await;
    assert_eq!(said.status, 404, "before it a refusal has a status of its own");
    let ollama = home::refusing(r#"{"error":"the runner stopped"}"#, Duration::from_millis(200)).await;
    let said = start(Some(ollama)).await.asks("say", LANE).await;
    assert!(is_stream(&said) && said.body.ends_with(": cut error_line\n\n"), "{said:?}");
    assert!(!said.body.contains("runner"), "{said:?}");
}

#[tokio::test]
async fn who_leaves_frees_the_slot() {
    let home = Home::start(|config| config.waits.drain = Duration::from_millis(500)).await;
    let check = async |script: &str, end: End, logged: &str| {
        // A model that is in memory: one that is being loaded has more time.
        assert_eq!(home.asks("say", LANE).await.status, 200);
        let before = home.received();
        home.node().queue(script.parse().unwrap());
        let stream = home.open_with("POST", "/api/chat", LANE, &chat(BEST)).await;
        until("it arrives", || home.node().in_flight() == 1).await;
        drop(stream);
        until("it is over", || home.in_flight() == 0).await;
        until("Ollama sees it", || home.node().in_flight() == 0).await;
        assert_eq!(home.node().received()[before].end, Some(end), "{script}");
        until("it is logged", || home.log().contains(logged)).await;
        assert!(home.asks("say", LANE).await.body.contains(": done stop"), "{script}");
    };
    check("say,pace=5", End::Finished, "\"left_drained\"").await;
    check("say,stall@2", End::Left, "\"left_dropped\"").await;
    check("hang", End::Left, "\"left_dropped\"").await;
}

#[tokio::test]
async fn the_owner_drains() {
    let home = Home::start(|_| {}).await;
    home.node().queue("say,pace=20".parse().unwrap());
    let stream = home.open_with("POST", "/api/chat", LANE, &chat(BEST)).await;
    until("it arrives", || home.node().in_flight() == 1).await;
    control::send(home.socket(), Order::Drain(None)).await.unwrap();
    let said = home.asks("say", LANE).await;
    assert_eq!((said.status, &*said.body), (503, r#"{"error":"draining"}"#));
    assert!(said.header("retry-after").is_some());
    let said = timeout(Duration::from_secs(10), home::read(stream)).await.unwrap();
    assert!(said.body.contains(": done stop"), "what was begun comes to its end: {said:?}");
}

#[tokio::test]
async fn what_is_no_answer_in_lines_is_as_without_it() {
    let mut home = Home::start(|_| {}).await;
    let scripts =
        ["400", "403", "404", "429", "500", "503", "edge-502", "edge-530-html", "edge-302", "edge-html"];
    for script in scripts {
        home.node().reset();
        let (without, with) = (home.asks(script, &[]).await, home.asks(script, LANE).await);
        let seen = |said: &Said| {
            let header = |name| said.header(name).map(str::to_owned);
            (said.status, header("content-type"), header("retry-after"), said.body.clone())
        };
        assert_eq!(seen(&with), seen(&without), "{script}");
    }
    let whole = json!({"model": BEST, "stream": false, "messages": [{"role": "user", "content": "Hi"}]});
    let prompt = json!({"model": BEST, "prompt": "Hi"});
    for (path, body) in [("/api/chat", &whole), ("/api/generate", &prompt)] {
        let said = home.ask("POST", path, Some(NEW), LANE, &body.to_string()).await;
        assert!(said.body.starts_with('{') && said.body.contains("\"done\":true"), "{path}: {said:?}");
    }
    home.fall().await;
    let said = home.asks("say", LANE).await;
    assert_eq!((said.status, &*said.body), (503, r#"{"error":"unreachable"}"#));
}
