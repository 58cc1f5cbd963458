//! How an answer goes through, and how it ends: whole, cut, or not at all.

mod home;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use home::{BEST, Home, NEW, chat, until, until_says};

#[tokio::test]
async fn bytes_pass_through() {
    let home = Home::start(|_| {}).await;
    for script in [
        "say,pace=0",
        "say,bytes,pace=0",
        "say,split,pace=0",
        "say,joined,pace=0",
        "say,no-newline,pace=0",
        "say,thinking,tools,pace=0",
        "say,pace=0,error@2",
        "say,pace=0,garbage@1",
        "say,pace=0,end@2",
        "404",
        "500",
        "503",
        "429",
        "edge-html",
    ] {
        home.node().reset();
        home.node().queue(script.parse().unwrap());
        let direct = home.direct("POST", "/api/chat", &chat(BEST)).await;
        home.node().reset();
        home.node().queue(script.parse().unwrap());
        let said = home.ask("POST", "/api/chat", Some(NEW), &[], &chat(BEST)).await;
        assert_eq!(said.status, direct.status, "{script}");
        assert_eq!(said.header("content-type"), direct.header("content-type"), "{script}");
        // Only the figures differ: the answers were given at different times.
        let words = |said: &home::Said| said.body.replace(|char: char| char.is_ascii_digit(), "");
        assert_eq!(words(&said), words(&direct), "{script}");
    }
    let said = home.asks("say,reset@3", &[]).await;
    assert!(said.status == 200 && !said.is_whole, "a cut stays a cut: {said:?}");
    let said = home.asks("edge-502", &[]).await;
    assert_eq!(said.status, 503, "the edge would replace its body");
    assert_eq!(said.header("retry-after"), None, "it is broken, not busy");
    assert_eq!(home.in_flight(), 0);
}

#[tokio::test]
async fn chunks_come_as_they_are_sent() {
    let pieces: [&[u8]; 5] = [b"{\"a\":1}\n", b"\xff\xfe\0", b"\r\n\r\n", &[b'x'; 70_000], b"{\"done\""];
    let (ollama, go_on) = home::piecewise(&pieces).await;
    let home = Home::start(|config| config.ollama = ollama.parse().unwrap()).await;
    let mut stream = home.open("POST", "/api/chat", &chat(BEST)).await;
    for piece in pieces {
        go_on.send(()).await.unwrap();
        // Each is there before the next is sent: nothing waits for more.
        home::hear(&mut stream, piece).await;
    }
    drop(go_on);
    home::hear(&mut stream, b"0\r\n\r\n").await;
}

#[tokio::test]
async fn who_waits_gets_its_turn() {
    let home = Home::start(|config| config.waits.queue = Duration::from_secs(10)).await;
    let (one, two, three) = tokio::join!(home.asks("say", &[]), home.asks("say", &[]), home.asks("say", &[]));
    for said in [one, two, three] {
        assert!(said.status == 200 && said.body.contains("\"done\":true"), "{said:?}");
    }
    assert_eq!(home.in_flight(), 0);
}

#[tokio::test]
async fn an_early_head() {
    let home = Home::start(|config| {
        config.waits.early_head = Some(Duration::from_millis(50));
        config.waits.heartbeat = Duration::from_millis(50);
    })
    .await;
    let said = home.asks("say,first=400", &[]).await;
    assert_eq!((said.status, said.header("content-type")), (200, Some("application/x-ndjson")));
    let text = said.body;
    let answer = text.trim_start_matches('\n');
    assert!(text.len() - answer.len() >= 3, "blank lines: {text}");
    assert!(answer.starts_with("{\"model\"") && answer.contains("\"done\":true"), "{answer}");
    assert!(!answer.trim_end().contains("\n\n"), "none between words");
    let whole =
        json!({"model": BEST, "stream": false, "messages": [{"role": "user", "content": "Hi"}]}).to_string();
    for path in ["/api/chat", "/v1/chat/completions"] {
        home.node().queue("say,first=200".parse().unwrap());
        let said = home.ask("POST", path, Some(NEW), &[], &whole).await;
        assert!(said.body.starts_with('{'), "what is no stream gets nothing in between: {path}");
    }
    // Quick enough: no early head, and a status of its own.
    let home = Home::in_no_hurry().await;
    assert_eq!(home.asks("404", &[]).await.status, 404);
    assert!(!home.asks("say", &[]).await.body.starts_with('\n'));
}

#[tokio::test]
async fn an_early_head_of_events() {
    let home = Home::start(|config| {
        config.waits.early_head = Some(Duration::from_millis(50));
        config.waits.heartbeat = Duration::from_millis(50);
        config.waits.answer = Duration::from_secs(2);
    })
    .await;
    let body = json!({"model": BEST, "stream": true, "messages": [{"role": "user", "content": "Hi"}]});
    let ask = async |home: &Home, script: &str| {
        home.node().queue(script.parse().unwrap());
        let said = home.ask("POST", "/v1/chat/completions", Some(NEW), &[], &body.to_string()).await;
        assert_eq!((said.status, said.header("content-type")), (200, Some("text/event-stream")), "{script}");
        assert!(said.is_whole, "{script}");
        let answer = said.body.trim_start_matches(": \n\n");
        ((said.body.len() - answer.len()) / 4, answer.to_owned())
    };
    let (beats, answer) = ask(&home, "say,first=400").await;
    assert!(beats >= 3, "{beats} comments before {answer}");
    assert!(answer.starts_with("data: {\"id\"") && answer.ends_with("data: [DONE]\n\n"), "{answer}");
    assert!(!answer.contains(": \n"), "none between words: {answer}");
    let (beats, answer) = ask(&home, "hang").await;
    assert!(beats >= 3, "{beats} comments before {answer}");
    assert_eq!(answer, "data: {\"error\":{\"message\":\"overdue\"}}\n\n");
    let mut home = Home::in_no_hurry().await;
    assert_eq!(ask(&home, "say").await.0, 0, "quick enough");
    home.node().queue("404".parse().unwrap());
    let said = home.ask("POST", "/v1/chat/completions", Some(NEW), &[], &body.to_string()).await;
    assert_eq!(said.status, 404, "before an early head a refusal has a status of its own");
    home.fall().await;
    let said = home.ask("POST", "/v1/chat/completions", Some(NEW), &[], &body.to_string()).await;
    assert_eq!((said.status, &*said.body), (503, r#"{"error":"unreachable"}"#));
}

#[tokio::test]
async fn an_early_head_and_then_an_error() {
    let home = Home::start(|config| {
        config.waits.early_head = Some(Duration::from_millis(20));
        config.waits.heartbeat = Duration::from_millis(50);
        config.waits.answer = Duration::from_millis(600);
    })
    .await;
    let said = home.asks("hang", &[]).await;
    assert_eq!(said.status, 200);
    assert_eq!(said.body.trim_start(), "{\"error\":\"overdue\"}\n");
    let mut home = Home::in_no_hurry().await;
    home.fall().await;
    let said = home.asks("say", &[]).await;
    assert_eq!((said.status, &*said.body), (503, r#"{"error":"unreachable"}"#));
    assert_eq!(said.header("retry-after"), None);
    assert_eq!(home.health().await["status"], "unreachable");
}

#[tokio::test]
async fn bytes_without_end_are_cut_in_time() {
    let ollama = home::endless("{\"message\":{\"content\":\"on \"},\"done\":false}\n").await;
    let home = Home::start(|config| {
        config.ollama = ollama.parse().unwrap();
        config.waits.answer = Duration::from_millis(300);
    })
    .await;
    let mut stream = home.open("POST", "/api/chat", &chat(BEST)).await;
    let mut piece = vec![0; 64 * 1024];
    while stream.read(&mut piece).await.is_ok_and(|length| length > 0) {}
    until("its place is free", || home.in_flight() == 0).await;
    assert!(home.log().contains("\"overdue\""), "{}", home.log());
}

#[tokio::test]
async fn a_late_refusal_is_the_last_word() {
    let check = async |path: &str, body, last: &str| {
        let ollama = home::refusing(body, Duration::from_millis(200)).await;
        let home = Home::start(|config| {
            config.ollama = ollama.parse().unwrap();
            config.waits.early_head = Some(Duration::from_millis(20));
            config.waits.heartbeat = Duration::from_millis(50);
        })
        .await;
        let ask = json!({"model": BEST, "stream": true, "messages": []}).to_string();
        let said = home.ask("POST", path, Some(NEW), &[], &ask).await;
        assert!(said.status == 200 && said.is_whole, "{said:?}");
        assert_eq!(said.body.trim_start_matches([':', ' ', '\n']), last);
        assert_eq!(home.in_flight(), 0);
    };
    let (lines, events) = ("/api/chat", "/v1/chat/completions");
    let stopped = r#"{"error":"the runner\nstopped"}"#;
    check(lines, stopped, "{\"error\":\"the runner\\nstopped\"}\n").await;
    check(lines, "<html>", "{\"error\":\"refused\"}\n").await;
    let openais = r#"{"error":{"message":"no room","type":"api_error"}}"#;
    check(events, openais, "data: {\"error\":{\"message\":\"no room\"}}\n\n").await;
    check(events, stopped, "data: {\"error\":{\"message\":\"the runner\\nstopped\"}}\n\n").await;
    check(events, "<html>", "data: {\"error\":{\"message\":\"refused\"}}\n\n").await;
}

#[tokio::test]
async fn told_to_stop() {
    let mut home = Home::start(|_| {}).await;
    home.node().queue("say,pace=60".parse().unwrap());
    let stream = home.open("POST", "/api/chat", &chat(BEST)).await;
    until("it speaks", || home.received() == 1).await;
    home.stop();
    until_says(&home, "status", json!("draining")).await;
    assert_eq!(home.asks("say", &[]).await.body, r#"{"error":"draining"}"#);
    assert!(home::read(stream).await.body.contains("\"done\":true"));
    home.ended().await;

    let mut home = Home::start(|config| config.waits.farewell = Duration::from_millis(200)).await;
    home.node().queue("say,stall@2".parse().unwrap());
    let stream = home.open("POST", "/api/chat", &chat(BEST)).await;
    until("it speaks", || home.received() == 1).await;
    home.stop();
    home.ended().await;
    assert!(!home::read(stream).await.is_whole);
}

#[tokio::test]
async fn the_log_tells_no_words() {
    let home = Home::start(|_| {}).await;
    home.node().queue("say,text=a%20very%20private%20answer".parse().unwrap());
    let body = json!({"model": BEST, "messages": [{"role": "user", "content": "a very private question"}]})
        .to_string();
    let said = home.ask("POST", "/api/chat", Some(NEW), &[("x-request-id", "mine")], &body).await;
    assert_eq!(said.status, 200);
    home.ask("GET", "/a-very-private-path", Some(NEW), &[], "").await;
    until("both are logged", || home.log().lines().count() == 2).await;
    let log = home.log();
    assert!(!log.contains("private") && !log.contains(NEW), "{log}");
    let line: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    let line = &line["request"];
    assert_eq!(
        (&line["id"], &line["route"], &line["status"]),
        (&json!("mine"), &json!("/api/chat"), &json!(200))
    );
    assert_eq!((&line["end"], &line["model"]), (&json!("finished"), &json!(BEST)));
    assert!(line["bytes"].as_u64() > Some(100) && line["first_ms"].is_u64(), "{line}");
}

#[tokio::test]
async fn what_tells_its_length_is_finished_with_it() {
    let home = Home::start(|_| {}).await;
    let whole = json!({"model": BEST, "messages": [{"role": "user", "content": "?"}], "stream": false});
    home.ask("POST", "/api/chat", Some(NEW), &[], &whole.to_string()).await;
    home.ask("GET", "/api/version", Some(NEW), &[], "").await;
    assert_eq!(home.asks("403", &[]).await.status, 403);
    until("all are logged", || home.log().lines().count() == 3).await;
    assert_eq!(home.log().matches("\"end\":\"finished\"").count(), 3, "{}", home.log());
}

#[tokio::test]
async fn one_request_after_another() {
    let home = Home::start(|_| {}).await;
    let auth = format!("host: x\r\nauthorization: Bearer {NEW}\r\n");
    let list = format!("GET /api/tags HTTP/1.1\r\n{auth}\r\n");
    let body = chat(BEST);
    let ask = format!("POST /api/chat HTTP/1.1\r\n{auth}content-length: {}\r\n\r\n{body}", body.len());
    let last = format!("GET /api/version HTTP/1.1\r\n{auth}connection: close\r\n\r\n");
    let all = [&*list, &ask, &list, &last].concat();
    // Wherever the pieces are cut, a request is what its sender meant.
    for cut in [0, 1, list.len() - 1, list.len(), list.len() + 9, list.len() + ask.len() - 3, all.len() - 2] {
        let before = home.received();
        let mut stream = home.connect().await;
        stream.write_all(&all.as_bytes()[..cut]).await.unwrap();
        sleep(Duration::from_millis(100)).await;
        stream.write_all(&all.as_bytes()[cut..]).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 4, "{cut}: {text}");
        assert_eq!(home.received() - before, 4, "{cut}");
    }
}

#[tokio::test]
async fn ollama_falls_in_the_middle() {
    let mut home = Home::start(|_| {}).await;
    home.node().queue("say,pace=60".parse().unwrap());
    let stream = home.open("POST", "/api/chat", &chat(BEST)).await;
    until("it speaks", || home.node().received().iter().any(|request| !request.said.is_empty())).await;
    home.fall().await;
    let said = home::read(stream).await;
    assert!(said.status == 200 && !said.is_whole && !said.body.contains("\"done\":true"), "{said:?}");
    until("the place is given back", || home.in_flight() == 0).await;
    assert!(home.log().contains("\"end\":\"cut\""), "{}", home.log());
    assert_eq!(home.asks("say", &[]).await.status, 503);
    home.rise().await;
    home.node().reset();
    assert!(home.asks("say", &[]).await.body.contains("\"done\":true"));
}
