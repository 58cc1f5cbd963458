//! What the Worker reads of a node in JavaScript is what the node said, whatever that is and however it is cut.

use std::time::Duration;

use anyhow::{Context, Result};
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
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How the node's answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Whole,
    Closed,
    /// The connection, once the reader has heard everything.
    Reset,
    /// The connection, with some of it still on the way: that is lost, on any wire.
    Torn,
}

/// What might be taken for something else than text, among whatever there is.
fn texts() -> impl Strategy<Value = String> {
    let odd = [
        "<", "</plaintext>", "<!--", "&amp;", "<script>", "\0", "\n", "\r\n", "\u{feff}", "\u{fffd}", "😀",
        "\"", "\\",
    ];
    let piece = proptest::prop_oneof![
        select(odd.to_vec()).prop_map(str::to_owned),
        any::<char>().prop_map(String::from)
    ];
    // Some of it more than is held at once.
    let most = proptest::prop_oneof![4 => 1..400_usize, 1 => 20_000..40_000_usize];
    most.prop_flat_map(move |most| vec(piece.clone(), most)).prop_map(|pieces| pieces.concat())
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
    let cases =
        (texts(), select(vec![End::Whole, End::Closed, End::Reset, End::Torn]), vec(1_usize..60, 1..40));
    for _ in 0..60 {
        let (text, end, cuts) = cases.new_tree(&mut runner).unwrap().current();
        let length = text.len();
        let (is_heard, all_heard) = oneshot::channel();
        let url = format!("http://127.0.0.1:{port}/");
        let (heard, said) =
            tokio::join!(ask(&url, length, is_heard), say(&node, &text, end, &cuts, all_heard));
        said.unwrap();
        let heard = heard.unwrap();
        let about = format!("{end:?}, {length} bytes, cut by {cuts:?}");
        match end {
            End::Whole => assert_eq!(heard, text, "{about}"),
            End::Closed | End::Reset => assert_eq!(heard, text + "[broken]", "{about}"),
            End::Torn => {
                let heard = heard.strip_suffix("[broken]").expect("an end that is told");
                // A character may have been torn, too.
                assert!(text.starts_with(heard.trim_end_matches('\u{fffd}')), "{about}: {heard:?}");
            }
        }
    }
}

/// The whole answer; tells when as many bytes as `length` have come.
async fn ask(url: &str, length: usize, is_heard: oneshot::Sender<()>) -> Result<String> {
    let mut reply = homefire_native::client().build()?.post(url).send().await?;
    let (mut heard, mut is_heard) = (Vec::new(), Some(is_heard));
    while let Some(chunk) = reply.chunk().await? {
        heard.extend_from_slice(&chunk);
        if let Some(is_heard) = is_heard.take_if(|_| heard.len() >= length) {
            // Only who resets listens for it.
            let _ = is_heard.send(());
        }
    }
    Ok(String::from_utf8(heard)?)
}

async fn say(
    node: &TcpListener,
    text: &str,
    end: End,
    cuts: &[usize],
    all_heard: oneshot::Receiver<()>,
) -> Result<()> {
    let (mut stream, _): (TcpStream, _) = node.accept().await?;
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n\r\n") {
        heard.push(stream.read_u8().await?);
    }
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let (mut rest, mut cuts) = (text.as_bytes(), cuts.iter().cycle());
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
            timeout(Duration::from_secs(20), all_heard).await.context("not everything is heard")??;
            stream.set_zero_linger()?;
        }
        End::Torn => stream.set_zero_linger()?,
    }
    Ok(())
}
