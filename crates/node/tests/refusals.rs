//! Who and what is refused, and what is left of a request that is not.

mod home;

use std::time::Duration;

use homefire_node::config::{Limits, Model};
use homefire_node::drain::{Order, control};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use home::{BEST, Home, LIGHTER, NEW, OLD, chat, until};

#[tokio::test]
async fn every_route_asks_for_a_token() {
    let home = Home::start(|_| {}).await;
    let routes = [
        ("POST", "/api/chat", 200),
        ("POST", "/api/generate", 200),
        ("POST", "/api/embed", 200),
        ("POST", "/api/show", 200),
        ("POST", "/v1/chat/completions", 200),
        ("GET", "/api/tags", 200),
        ("GET", "/api/ps", 200),
        ("GET", "/api/version", 200),
        ("POST", "/api/pull", 404),
        ("POST", "/api/push", 404),
        ("POST", "/api/create", 404),
        ("POST", "/api/copy", 404),
        ("DELETE", "/api/delete", 404),
        ("GET", "/debug/pprof/", 404),
        ("GET", "/", 404),
    ];
    let body =
        json!({"model": BEST, "prompt": "Hi", "messages": [{"role": "user", "content": "Hi"}]}).to_string();
    for (method, path, status) in routes {
        let body = if method == "POST" { &*body } else { "" };
        for token in [None, Some("wrong"), Some(""), Some(&format!("{NEW}x"))] {
            let before = home.received();
            let said = home.ask(method, path, token, &[], body).await;
            assert_eq!(
                (said.status, &*said.body),
                (401, r#"{"error":"unauthorized"}"#),
                "{method} {path} {token:?}"
            );
            assert_eq!(home.received(), before, "{method} {path}");
        }
        for token in [OLD, NEW] {
            let said = home.ask(method, path, Some(token), &[], body).await;
            assert_eq!(said.status, status, "{method} {path}: {}", said.body);
        }
    }
    let paths: Vec<String> = home.node().received().into_iter().map(|request| request.path).collect();
    let known = [
        "/api/chat", "/api/generate", "/api/embed", "/api/show", "/v1/chat/completions", "/api/tags",
        "/api/ps", "/api/version",
    ];
    assert!(paths.iter().all(|path| known.contains(&&**path)), "{paths:?}");
    assert!(!home.log().contains(NEW) && !home.log().contains(OLD));
}

#[tokio::test]
async fn what_is_seen_from_where() {
    let home =
        Home::start(|config| config.models.push(Model { name: "third".to_owned(), in_flight: 2 })).await;
    let check = async |path, token: Option<&str>, headers: &[(&str, &str)], status: u16| {
        let said = home.ask("GET", path, token, headers, "").await;
        assert_eq!(said.status, status, "{path} {token:?} {headers:?}");
    };
    let tunnels: [&[(&str, &str)]; 3] =
        [&[("cf-connecting-ip", "1.2.3.4")], &[("x-forwarded-for", "1.2.3.4")], &[("Cf-Ray", "x")]];
    check("/healthz", None, &[], 200).await;
    check("/metrics", None, &[], 200).await;
    for tunnel in tunnels {
        check("/healthz", None, tunnel, 401).await;
        check("/healthz", Some(NEW), tunnel, 200).await;
        check("/metrics", None, tunnel, 401).await;
        check("/metrics", Some(NEW), tunnel, 404).await;
    }
    let health = home.health().await;
    assert_eq!(health["models"][2], json!({"name": "third", "in_flight": 0, "queued": 0, "limit": 2}));
    assert_eq!((&health["version"], &health["in_flight"]), (&json!(env!("CARGO_PKG_VERSION")), &json!(0)));
}

#[tokio::test]
async fn paths_and_forms_that_are_refused() {
    let home = Home::start(|_| {}).await;
    let auth = format!("host: x\r\nconnection: close\r\nauthorization: Bearer {NEW}\r\n");
    let check = async |request: String, status: &[u16]| {
        let said = home.raw(request.as_bytes()).await;
        assert!(status.contains(&said.status), "{request}\n{said:?}");
        assert_eq!(home.received(), 0, "{request}");
    };
    for target in [
        "/api/chat/../delete", "/api/chat/", "//api/chat", "/api//chat", "/api/ch%61t", "/api%2Fchat",
        "/API/chat", "/api/chat?x", "/api/chat;x", "/api/./chat", "/api/chat%00", "http://x/api/chat",
        "/api/tags/../chat",
    ] {
        let length = "content-length: 2\r\n";
        check(format!("POST {target} HTTP/1.1\r\n{auth}{length}\r\n{{}}"), &[400, 404]).await;
    }
    check(format!("GET * HTTP/1.1\r\n{auth}\r\n"), &[400, 404]).await;
    check(format!("CONNECT localhost:11434 HTTP/1.1\r\n{auth}\r\n"), &[400, 404]).await;
    check(format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{auth}\r\n"), &[400, 404, 505, 0]).await;
    let forms = [
        "content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        "content-length: +2\r\n\r\n{}",
        "content-length: 0x2\r\n\r\n{}",
        "content-length: 2, 2\r\n\r\n{}",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "transfer-encoding: gzip\r\n\r\n{}",
        "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n2;\n{}\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n2\r\n{}extra\r\n0\r\n\r\n",
        " content-length: 2\r\n\r\n{}",
        "x: a\0b\r\ncontent-length: 2\r\n\r\n{}",
    ];
    for form in forms {
        check(format!("POST /api/chat HTTP/1.1\r\n{auth}{form}"), &[400, 0]).await;
    }
    // A request in the body of another is a body.
    let inner = format!("POST /api/chat HTTP/1.1\r\n{auth}content-length: 2\r\n\r\n{{}}");
    check(format!("POST /api/pull HTTP/1.1\r\n{auth}content-length: {}\r\n\r\n{inner}", inner.len()), &[404])
        .await;
}

#[tokio::test]
async fn what_ollama_gets() {
    let home = Home::start(|config| {
        config.limits = Limits { num_predict: Some(100), num_ctx: Some(2048) };
    })
    .await;
    home.node().check_host(true);
    let headers = [
        ("origin", "https://evil.example"),
        ("cookie", "a=b"),
        ("cf-connecting-ip", "1.2.3.4"),
        ("cf-access-jwt-assertion", "x"),
        ("x-forwarded-for", "1.2.3.4"),
        ("connection", "close, x-odd"),
        ("x-odd", "y"),
        ("te", "trailers"),
        ("content-type", "application/json"),
        ("user-agent", "edge/1"),
        ("x-request-id", "abc-1"),
    ];
    let body = r#"{"model":"qwen3.5","think":false,"messages":[{"role":"user","content":"Hi"}],"options":{"num_predict":-1,"num_ctx":1e6,"seed":1}}"#;
    let said = home.ask("POST", "/api/chat", Some(NEW), &headers, body).await;
    assert_eq!(said.status, 200, "{}", said.body);
    assert_eq!(said.header("x-request-id"), Some("abc-1"));
    assert_eq!(said.header("x-homefire-model"), Some(BEST));
    assert_eq!(said.header("x-homefire-inflight"), Some("1"));
    assert_eq!(said.header("content-type"), Some("application/x-ndjson"));
    let got = home.node().received().pop().unwrap();
    let mut names: Vec<_> = got.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "content-type", "host", "user-agent", "x-request-id"]);
    assert_eq!(got.headers["host"], home.ollama().trim_start_matches("http://"));
    let body: Value = serde_json::from_slice(&got.body).unwrap();
    assert_eq!(body["model"], BEST);
    assert_eq!(body["options"], json!({"num_predict": 100, "num_ctx": 2048, "seed": 1}));
    for (body, status, words) in [
        ("", 400, "one JSON object"),
        ("[]", 400, "one JSON object"),
        (r#"{"model":"a","model":"b"}"#, 400, "one JSON object"),
        ("{}", 400, "model is required"),
        (r#"{"model":"other"}"#, 404, "model 'other' not found"),
        (r#"{"model":"sim:wedge"}"#, 404, "model 'sim:wedge' not found"),
    ] {
        for path in ["/api/chat", "/api/show", "/v1/chat/completions", "/api/embed"] {
            let said = home.ask("POST", path, Some(NEW), &[], body).await;
            assert!(said.status == status && said.body.contains(words), "{path} {body}: {said:?}");
        }
    }
    assert_eq!(home.received(), 1);
}

#[tokio::test]
async fn floods() {
    let home = Home::start(|config| {
        config.waits.head = Duration::from_millis(300);
        config.waits.body = Duration::from_millis(300);
    })
    .await;
    let check = async |request: String, status: u16| {
        let said = home.raw(request.as_bytes()).await;
        assert_eq!(said.status, status, "{}", &request[..request.len().min(80)]);
    };
    let many: String = (0..100).map(|at| format!("x-{at}: y\r\n")).collect();
    check(format!("GET /api/tags HTTP/1.1\r\n{many}\r\n"), 431).await;
    check(format!("GET /api/tags HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(100_000)), 431).await;
    let head =
        format!("POST /api/chat HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {NEW}\r\n");
    let long = "x".repeat(1024 * 1024);
    check(format!("{head}content-length: 99999999\r\n\r\n{{"), 413).await;
    check(format!("{head}transfer-encoding: chunked\r\n\r\n100002\r\n\"{long}\"\r\n0\r\n\r\n"), 413).await;
    check(format!("{head}content-length: 100\r\n\r\n{{"), 408).await;
    // A head that never ends: the connection is closed without a word.
    check("GET /api/tags HTTP/1.1\r\nx: y\r\n".to_owned(), 0).await;
    let mut slow = home.connect().await;
    let drip = async {
        for _ in 0..100 {
            if slow.write_all(b"x: y\r\n").await.is_err() {
                return true;
            }
            sleep(Duration::from_millis(30)).await;
        }
        false
    };
    assert!(drip.await, "a head that comes in drops is cut off, too");
    assert_eq!(home.received(), 0);
    assert_eq!(home.ask("GET", "/api/tags", Some(NEW), &[], "").await.status, 200);
}

/// Of a connection with requests at once one after the other more is kept than of others, and it is bound as they are.
#[tokio::test]
async fn a_lively_connection() {
    let home = Home::start(|config| config.waits.head = Duration::from_millis(200)).await;
    let request = format!("GET /api/version HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {NEW}\r\n\r\n");
    for (quiet, head) in [(0, "G"), (500, "GET /api/tags HTTP/1.1\r\nx: y\r\n")] {
        let mut stream = home.connect().await;
        for _ in 0..4 {
            stream.write_all(request.as_bytes()).await.unwrap();
            answered(&mut stream).await;
        }
        // Meanwhile it is looked at.
        sleep(Duration::from_millis(quiet)).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        answered(&mut stream).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let closed = timeout(Duration::from_secs(5), stream.read(&mut [0; 64])).await;
        assert!(matches!(closed, Ok(Ok(0) | Err(_))), "a head that never ends: {closed:?}");
    }
    assert_eq!(home.received(), 10);
}

/// Reads a reply of which the end is an object's.
async fn answered(stream: &mut TcpStream) {
    let mut heard = Vec::new();
    while !heard.ends_with(b"}") {
        let mut piece = [0; 4096];
        let read = timeout(Duration::from_secs(5), stream.read(&mut piece)).await;
        let length = read.expect("an answer in time").expect("it stays open");
        assert!(length > 0, "it stays open");
        heard.extend_from_slice(&piece[..length]);
    }
    assert!(heard.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&heard));
}

/// It is read for a while, so that the refusal is heard, and no longer than that.
#[tokio::test]
async fn a_refused_body_that_never_ends() {
    let home = Home::start(|_| {}).await;
    let check = async |rest: &str| {
        let said = home.raw(format!("POST /api/chat HTTP/1.1\r\nhost: x\r\n{rest}").as_bytes()).await;
        assert_eq!(said.status, 401, "{rest}");
    };
    tokio::join!(
        check("content-length: 300000\r\n\r\n{"),
        check("transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    );
    assert_eq!(home.received(), 0);
}

#[tokio::test]
async fn a_body_is_never_the_next_request() {
    let home = Home::start(|config| config.waits.body = Duration::from_millis(200)).await;
    let inner = format!("GET /api/tags HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {NEW}\r\n\r\n");
    let flood = inner.repeat(10_000);
    for (path, token) in [("/api/pull", NEW), ("/api/chat", NEW), ("/api/chat", "wrong")] {
        for length in [flood.len(), 1024 * 1024 - 1] {
            let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n");
            let mut stream = home.connect().await;
            let _ = stream.write_all(format!("{head}content-length: {length}\r\n\r\n").as_bytes()).await;
            // The first piece is read and refused in its own time; the rest comes when nobody waits for it.
            let _ = stream.write_all(&flood.as_bytes()[..inner.len()]).await;
            sleep(Duration::from_millis(300)).await;
            let _ = stream.write_all(&flood.as_bytes()[inner.len()..length.min(flood.len())]).await;
            let _ = stream.shutdown().await;
            assert_ne!(home::read(stream).await.status, 200);
            assert_eq!(home.received(), 0, "{path} {token} {length}");
        }
    }
}

#[tokio::test]
async fn one_at_a_time() {
    let home = Home::start(|config| {
        config.queue = 1;
        config.waits.queue = Duration::from_millis(400);
    })
    .await;
    home.node().queue("say,pace=100".parse().unwrap());
    let first = home.open("POST", "/api/chat", &chat(BEST)).await;
    until("it arrives", || home.received() == 1).await;
    let (second, third) = tokio::join!(home.asks("say", &[]), async {
        sleep(Duration::from_millis(100)).await;
        home.asks("say", &[]).await
    });
    for said in [&second, &third] {
        assert_eq!((said.status, &*said.body), (503, r#"{"error":"busy"}"#));
        assert_eq!(said.header("retry-after"), Some("2"));
    }
    assert_eq!(home.received(), 1, "what was refused never got there");
    home.node().reset();
    // The other model has a place of its own, and the guard picks by what is in flight now.
    let both = [("x-homefire-models", "nobody, qwen3.5:latest, qwen2.5-coder:7b")];
    let said = home.asks("say", &both).await;
    assert_eq!((said.status, said.header("x-homefire-model")), (200, Some(LIGHTER)));
    assert_eq!(said.header("x-homefire-inflight"), Some("2"));
    drop(first);
    until("the place is free", || home.in_flight() == 0).await;
    let said = home.asks("say", &both).await;
    assert_eq!((said.status, said.header("x-homefire-model")), (200, Some(BEST)));
    let said = home.asks("say", &[("x-homefire-models", "nobody")]).await;
    assert_eq!(said.status, 404);
}

#[tokio::test]
async fn draining() {
    let home = Home::start(|_| {}).await;
    home.node().queue("say,pace=60".parse().unwrap());
    let stream = home.open("POST", "/api/chat", &chat(BEST)).await;
    until("it speaks", || home.received() == 1).await;
    let said = control::send(home.socket(), Order::Drain(None)).await.unwrap();
    assert_eq!(said, "ok, 1 in flight");
    for (method, path, body) in [("POST", "/api/chat", chat(LIGHTER)), ("GET", "/api/tags", String::new())] {
        let said = home.ask(method, path, Some(NEW), &[], &body).await;
        assert_eq!((said.status, &*said.body), (503, r#"{"error":"draining"}"#));
        assert_eq!(home.ask(method, path, None, &[], &body).await.status, 401);
    }
    assert_eq!(home.health().await["status"], "draining");
    let said = home::read(stream).await;
    assert!(said.is_whole && said.body.contains("\"done\":true"), "what is in flight ends: {said:?}");
    let chats = home.node().received().into_iter().filter(|request| request.path == "/api/chat").count();
    assert_eq!(chats, 1);
    assert_eq!(control::send(home.socket(), Order::Resume).await.unwrap(), "ok, 0 in flight");
    assert_eq!(home.asks("say", &[]).await.status, 200);
    control::send(home.socket(), Order::Drain(Some(Duration::from_secs(1)))).await.unwrap();
    assert_eq!(home.asks("say", &[]).await.status, 503);
    sleep(Duration::from_millis(1100)).await;
    home.node().reset();
    assert_eq!(home.asks("say", &[]).await.status, 200);
}
