//! A reader who leaves the Worker before there is a reply leaves nothing behind.
//!
//! In workerd alone: the proxies that `wrangler dev` has before it keep the connection when the reader's is gone.

use std::time::Duration;

use anyhow::{Context, Result};
use homefire::process::Group;
use homefire::workerd::{self, Script};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn who_leaves_before_the_head_is_not_counted_any_more() {
    let node = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nodes =
        json!([{"name": "mini", "url": format!("http://{}", node.local_addr().unwrap()), "models": ["m"]}]);
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let told = [("HOMEFIRE_NODES".to_owned(), nodes.to_string()), ("RATE_LIMIT".to_owned(), "0".to_owned())];
    let command = workerd::serve(port, &Script::built().unwrap(), &told, folder.path()).unwrap();
    let mut workerd = Group::spawn(command).unwrap();
    workerd.ready(port, Duration::from_secs(60)).await.unwrap();

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

fn ask(query: &str) -> String {
    let body = json!({"query": query}).to_string();
    let length = body.len();
    let head = "POST /api/terminal HTTP/1.1\r\nhost: homefire\r\ncontent-type: application/json\r\nconnection: close";
    format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}")
}

async fn in_flight(port: u16) -> Result<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(ask("status").as_bytes()).await?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    let (_, body) = reply.split_once("\r\n\r\n").context("a reply with a body")?;
    let answer: Value = serde_json::from_str(body).with_context(|| body.to_owned())?;
    Ok(answer["data"]["in_flight"].clone())
}
