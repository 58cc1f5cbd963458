//! What the Worker reads of a node in JavaScript is what the node said, whatever that is and however it is cut.

use std::time::Duration;

use anyhow::Result;
use homefire::process::Group;
use homefire::tools;
use homefire::workerd::{self, Script};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How the node's answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Whole,
    Closed,
    Reset,
}

/// What might be taken for something else than text, among whatever there is.
fn texts() -> impl Strategy<Value = String> {
    let odd = [
        "<", "</plaintext>", "<!--", "&amp;", "<script>", "\0", "\r\n", "\u{feff}", "\u{fffd}", "😀", "\"",
        "\\",
    ];
    let piece = proptest::prop_oneof![
        select(odd.to_vec()).prop_map(str::to_owned),
        any::<char>().prop_map(String::from)
    ];
    vec(piece, 1..400).prop_map(|pieces| pieces.concat())
}

#[tokio::test]
async fn what_was_said_is_what_is_read() {
    let node = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", node.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("echo.mjs");
    let read = |path: &str| std::fs::read_to_string(tools::root().join(path)).unwrap();
    std::fs::write(&main, read("crates/worker/src/gather.js") + &read("tests/peers/echo.mjs")).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let told = [("NODE_URL".to_owned(), url)];
    let command = workerd::serve(port, &Script { main, wasm: None }, &told, folder.path()).unwrap();
    let mut workerd = Group::spawn(command).unwrap();
    workerd.ready(port, Duration::from_secs(60)).await.unwrap();
    let mut runner = TestRunner::default();
    let cases = (texts(), select(vec![End::Whole, End::Closed, End::Reset]), vec(1_usize..60, 1..40));
    for _ in 0..60 {
        let (text, end, cuts) = cases.new_tree(&mut runner).unwrap().current();
        let ask = async {
            let reply = homefire_native::client().build()?.post(format!("http://127.0.0.1:{port}/")).send();
            Ok::<_, anyhow::Error>(reply.await?.bytes().await?)
        };
        let (heard, said) = tokio::join!(ask, say(&node, text.as_bytes(), end, &cuts));
        said.unwrap();
        let expect = if end == End::Whole { text.clone() } else { text.clone() + "[broken]" };
        let heard = String::from_utf8(heard.unwrap().to_vec()).unwrap();
        assert_eq!(heard, expect, "{end:?}, cut by {cuts:?}");
    }
}

async fn say(node: &TcpListener, text: &[u8], end: End, cuts: &[usize]) -> Result<()> {
    let (mut stream, _): (TcpStream, _) = node.accept().await?;
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n\r\n") {
        heard.push(stream.read_u8().await?);
    }
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let (mut rest, mut cuts) = (text, cuts.iter().cycle());
    while let Some(cut) = cuts.next().filter(|_| !rest.is_empty()) {
        let piece;
        (piece, rest) = rest.split_at(rest.len().min(*cut));
        let length = format!("{:x}\r\n", piece.len());
        stream.write_all(&[length.as_bytes(), piece, b"\r\n"].concat()).await?;
    }
    match end {
        End::Whole => stream.write_all(b"0\r\n\r\n").await?,
        End::Closed => {}
        End::Reset => {
            // What a reset finds unread is lost, on any wire.
            tokio::time::sleep(Duration::from_millis(50)).await;
            stream.set_zero_linger()?;
        }
    }
    Ok(())
}
