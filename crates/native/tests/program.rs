//! `homefire-server` as a program.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

fn server(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_homefire-server"));
    command.args(arguments).env_clear().env("OLLAMA_PRIMARY_URL", "http://127.0.0.1:9");
    command.stderr(Stdio::piped()).kill_on_drop(true).spawn().expect("the program is there")
}

#[tokio::test]
async fn serves_until_it_is_told_to_stop() {
    let mut server = server(&["127.0.0.1:0"]);
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let said = timeout(Duration::from_secs(30), lines.next_line()).await.unwrap().unwrap().unwrap();
    let (_, address) = said.split_once("listening on ").expect("it says where");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = r#"{"query":"help"}"#;
    let ask = format!(
        "POST /api/terminal HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert!(heard.starts_with("HTTP/1.1 200 ") && heard.contains(r#""source":"local""#), "{heard}");
    let id = server.id().unwrap().to_string();
    assert!(Command::new("kill").arg(id).status().await.unwrap().success());
    let status = timeout(Duration::from_secs(30), server.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let check = async |arguments: &[&str], expect: &str| {
        let output = server(arguments).wait_with_output().await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(expect), "{arguments:?}: {said}");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    };
    check(&[], "usage: homefire-server ADDRESS").await;
    check(&["somewhere"], "usage: homefire-server ADDRESS").await;
    check(&["127.0.0.1:0", "public", "more"], "usage: homefire-server ADDRESS").await;
    check(&["192.0.2.1:1"], "192.0.2.1:1: ").await;
}
