//! A service on a real address that answers as a test wants it to.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

type Heard = Arc<Mutex<Vec<(String, String)>>>;

/// It listens until it is dropped.
pub(super) struct Fake {
    url: String,
    heard: Heard,
    task: JoinHandle<()>,
}

impl Fake {
    /// `answer` takes a head and a body to a status and a body.
    pub(super) async fn start(answer: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Heard::default();
        let hears = Arc::clone(&heard);
        #[expect(clippy::disallowed_methods, reason = "the task is held, and aborted when it is dropped")]
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some((head, body)) = read(&mut stream).await else { continue };
                let (status, reply) = answer(&head, &body);
                hears.lock().unwrap().push((head, body));
                let length = reply.len();
                let head =
                    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all((head + &reply).as_bytes()).await;
            }
        });
        Self { url, heard, task }
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }

    /// Every head and body that has come.
    pub(super) fn heard(&self) -> Vec<(String, String)> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read(stream: &mut TcpStream) -> Option<(String, String)> {
    let (mut text, mut chunk) = (String::new(), [0; 4096]);
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.parse().ok()? {
                return Some((head, body.to_owned()));
            }
        }
        match stream.read(&mut chunk).await.ok()? {
            0 => return None,
            count => text.push_str(&String::from_utf8_lossy(&chunk[..count])),
        }
    }
}
