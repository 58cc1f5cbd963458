//! The Worker in workerd itself.
//!
//! Without the proxies that `wrangler dev` has before it: they keep the connection when the reader's is gone, refuse odd
//! bytes themselves, and bind no limiter of ours.

mod keeping;
mod limits;
mod served;

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use served::{PATIENCE, Served, ask, hear};

#[tokio::test]
async fn who_leaves_before_the_head_is_not_counted_any_more() {
    let node = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nodes =
        json!([{"name": "mini", "url": format!("http://{}", node.local_addr().unwrap()), "models": ["m"]}]);
    // Neither a list nor a number is bound as text.
    let served = Served::start(&[("HOMEFIRE_NODES", nodes), ("RATE_LIMIT", json!(0))]).await.unwrap();
    let port = served.port;

    let mut asked = Vec::new();
    for _ in 0..3 {
        let mut reader = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        reader.write_all(ask("Who are you?").as_bytes()).await.unwrap();
        let (mut heard, _) = node.accept().await.unwrap();
        assert!(heard.read(&mut [0; 4096]).await.unwrap() > 0);
        asked.push(heard);
        // As whoever stands before workerd tells it that a reader is gone.
        reader.set_zero_linger().unwrap();
    }
    for mut node in asked {
        let gone = async { while node.read(&mut [0; 4096]).await.is_ok_and(|length| length > 0) {} };
        timeout(PATIENCE, gone).await.expect("a node whose reader has left is let go");
    }
    let free = async {
        while in_flight(port).await.unwrap() != json!(0) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, free).await.expect("who has left is not in flight");
}

#[tokio::test]
async fn what_is_bound_as_no_text_is_read_or_refused() {
    let url = ("OLLAMA_PRIMARY_URL", json!("http://127.0.0.1:1"));
    let check = async |variables: &[(&str, Value)], expect: &str| {
        let served = Served::start(variables).await.unwrap();
        let heard = hear(served.port, ask("help").as_bytes()).await.unwrap();
        assert!(heard.starts_with(expect), "{variables:?}: {heard}");
    };
    check(&[url.clone(), ("MOST_STREAMS", json!(1)), ("EXPRESS_LANE", json!(false))], "HTTP/1.1 200 ").await;
    check(&[url.clone(), ("EARLY_HEAD_MS", json!(999_999_999))], "HTTP/1.1 500 ").await;
    check(&[url, ("EXPRESS_LANE", json!(["yes"]))], "HTTP/1.1 500 ").await;
}

#[tokio::test]
async fn odd_bytes_are_answered() {
    let url = json!("http://127.0.0.1:1");
    let served = Served::start(&[("OLLAMA_PRIMARY_URL", url)]).await.unwrap();
    let check = async |request: &str, expect: &str| {
        let request = format!("{request}connection: close\r\nhost: homefire\r\n\r\n");
        let heard = hear(served.port, request.as_bytes()).await.unwrap();
        let head = heard.split("\r\n\r\n").next().unwrap_or_default().to_lowercase();
        assert!(head.starts_with(expect) && head.contains("x-request-id"), "{request:?}: {heard}");
    };
    check("GET /api/status HTTP/1.1\r\n", "http/1.1 200 ").await;
    check("GET /api/status?a=\"<b>\"\x7f HTTP/1.1\r\n", "http/1.1 200 ").await;
    check("GET /api/status?a#b HTTP/1.1\r\n", "http/1.1 200 ").await;
    check("GET /api/<status>`\x7f HTTP/1.1\r\n", "http/1.1 404 ").await;
    check(&format!("GET /api/status?{} HTTP/1.1\r\n", "x".repeat(60_000)), "http/1.1 200 ").await;
    for header in ["accept", "origin", "authorization", "x-request-id"] {
        check(&format!("GET /api/status HTTP/1.1\r\n{header}: a\x01b\x7f\r\n"), "http/1.1 200 ").await;
    }
}

async fn in_flight(port: u16) -> Result<Value> {
    let reply = hear(port, ask("status").as_bytes()).await?;
    let (_, body) = reply.split_once("\r\n\r\n").context("a reply with a body")?;
    let answer: Value = serde_json::from_str(body).with_context(|| body.to_owned())?;
    Ok(answer["data"]["in_flight"].clone())
}
