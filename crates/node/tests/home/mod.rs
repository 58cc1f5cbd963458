//! A guard, the simulated Ollama behind it, and a client that writes what it likes.

#![allow(dead_code, reason = "each test takes what it needs")]
#![expect(clippy::unwrap_used, reason = "a test whose world does not stand ends here")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use homefire_node::config::{Credentials, Limits, Model, Tokens, Waits};
use homefire_node::drain::control;
use homefire_node::{Config, Guard, serve};
use homefire_sim::scenario::MODELS;
use homefire_sim::{Node, Pace, Reach, Server};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

pub(crate) const BEST: &str = MODELS[0];
pub(crate) const LIGHTER: &str = MODELS[1];
pub(crate) const OLD: &str = "the-token-of-last-year";
pub(crate) const NEW: &str = "the-token-of-this-year";

pub(crate) struct Home {
    server: Server,
    guard: Guard,
    addr: std::net::SocketAddr,
    socket: PathBuf,
    log: Arc<Mutex<String>>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// What a client hears.
#[derive(Debug)]
pub(crate) struct Said {
    /// 0 if nothing was said.
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
    /// Whether it came to the end that was announced.
    pub(crate) is_whole: bool,
}

impl Home {
    pub(crate) async fn start(change: impl FnOnce(&mut Config)) -> Self {
        Self::with(Pace::QUICK, change).await
    }

    /// Before an Ollama that is as fast as that.
    pub(crate) async fn with(pace: Pace, change: impl FnOnce(&mut Config)) -> Self {
        let server = Server::start(Node::new(&MODELS, pace), 0, true).await.unwrap();
        let socket = place("socket");
        let model = |name: &str| Model { name: name.to_owned(), in_flight: 1 };
        let mut config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            socket: socket.clone(),
            ollama: server.url().parse().unwrap(),
            credentials: Credentials {
                tokens: Tokens(vec![OLD.to_owned(), NEW.to_owned()]),
                ..Credentials::default()
            },
            models: MODELS.map(model).to_vec(),
            limits: Limits::default(),
            queue: 2,
            restart_command: None,
            waits: Waits { queue: Duration::from_millis(200), ..Waits::DEFAULT },
            drain_bytes: 256 * 1024,
        };
        change(&mut config);
        let log = Arc::new(Mutex::new(String::new()));
        let lines = Arc::clone(&log);
        let guard = Guard::with_log(config, move |line| {
            let mut lines = lines.lock().unwrap();
            lines.push_str(line);
            lines.push('\n');
        });
        let guard = guard.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let orders = control::bind(&socket).unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = serve(listener, Some(orders), guard.clone(), async { drop(stopped.await) });
        #[expect(clippy::disallowed_methods, reason = "the task is held, and aborted with the home")]
        let task = tokio::spawn(served);
        Self { server, guard, addr, socket, log, stop: Some(stop), task }
    }

    /// Whose heads leave without a word only after a time that nothing takes here.
    pub(crate) async fn in_no_hurry() -> Self {
        Self::start(|config| config.waits.early_head = Some(Duration::from_secs(5))).await
    }

    pub(crate) fn node(&self) -> &Node {
        self.server.node()
    }

    pub(crate) fn ollama(&self) -> String {
        self.server.url()
    }

    pub(crate) fn received(&self) -> usize {
        self.node().received().len()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.guard.in_flight()
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    pub(crate) async fn ended(&mut self) {
        timeout(Duration::from_secs(10), &mut self.task).await.expect("it ends").unwrap();
    }

    pub(crate) async fn fall(&mut self) {
        self.server.set(Reach::Down).await.unwrap();
    }

    pub(crate) async fn rise(&mut self) {
        self.server.set(Reach::Up).await.unwrap();
    }

    pub(crate) async fn health(&self) -> Value {
        serde_json::from_str(&self.ask("GET", "/healthz", None, &[], "").await.body).unwrap()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    pub(crate) async fn raw(&self, request: &[u8]) -> Said {
        let mut stream = self.connect().await;
        // A guard that refuses may close before it has heard everything.
        let _ = stream.write_all(request).await;
        read(stream).await
    }

    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Said {
        self.raw(request(method, path, token, headers, body).as_bytes()).await
    }

    /// A chat with the best model that meets `script`.
    pub(crate) async fn asks(&self, script: &str, headers: &[(&str, &str)]) -> Said {
        self.node().queue(script.parse().unwrap());
        self.ask("POST", "/api/chat", Some(NEW), headers, &chat(BEST)).await
    }

    /// A request whose reply is not read yet.
    pub(crate) async fn open(&self, method: &str, path: &str, body: &str) -> TcpStream {
        self.open_with(method, path, &[], body).await
    }

    pub(crate) async fn open_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(request(method, path, Some(NEW), headers, body).as_bytes()).await.unwrap();
        stream
    }

    /// The same without the guard.
    pub(crate) async fn direct(&self, method: &str, path: &str, body: &str) -> Said {
        let mut stream = TcpStream::connect(self.server.addr()).await.unwrap();
        stream.write_all(request(method, path, None, &[], body).as_bytes()).await.unwrap();
        read(stream).await
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.socket);
    }
}

impl Said {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

pub(crate) fn chat(model: &str) -> String {
    json!({"model": model, "think": false, "messages": [{"role": "user", "content": "Hi"}]}).to_string()
}

/// Everything that is said on a connection until it ends.
pub(crate) async fn read(mut stream: TcpStream) -> Said {
    let mut bytes = Vec::new();
    let end = timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await.expect("it ends");
    let at = bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let mut said = Said { status, head, body: String::new(), is_whole: end.is_ok() };
    let rest = &bytes[at..];
    let (body, is_whole) = match said.header("transfer-encoding") {
        Some(_) => unchunk(rest),
        None => (rest.to_vec(), said.header("content-length") == Some(&rest.len().to_string())),
    };
    said.body = String::from_utf8_lossy(&body).into_owned();
    said.is_whole &= is_whole;
    said
}

fn unchunk(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(at) = bytes.windows(2).position(|two| two == b"\r\n") else { return (body, false) };
        let length =
            std::str::from_utf8(&bytes[..at]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        match length {
            Some(0) => return (body, true),
            Some(length) if bytes.len() >= at + 4 + length => {
                body.extend_from_slice(&bytes[at + 2..at + 2 + length]);
                bytes = &bytes[at + 4 + length..];
            }
            Some(_) | None => return (body, false),
        }
    }
}

fn request(method: &str, path: &str, token: Option<&str>, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: guard.example\r\n");
    if let Some(token) = token {
        text += &format!("authorization: Bearer {token}\r\n");
    }
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if !headers.iter().any(|(name, _)| *name == "connection") {
        text += "connection: close\r\n";
    }
    text + &format!("content-length: {}\r\n\r\n{body}", body.len())
}

/// An Ollama that answers one request with `pieces`, the next whenever it is told to, and then ends.
pub(crate) async fn piecewise(pieces: &[&[u8]]) -> (String, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
    let (go_on, mut told) = mpsc::channel::<()>(1);
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    drop(tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
        let mut head: &[u8] =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
        for piece in pieces {
            told.recv().await.unwrap();
            let length = format!("{:x}\r\n", piece.len());
            stream.write_all(&[head, length.as_bytes(), &piece, b"\r\n"].concat()).await.unwrap();
            head = b"";
        }
        while told.recv().await.is_some() {}
        stream.write_all(b"0\r\n\r\n").await.unwrap();
    }));
    (url, go_on)
}

/// An Ollama that refuses one request, and takes its time.
pub(crate) async fn refusing(body: &'static str, after: Duration) -> String {
    asked_once(async move |mut stream: TcpStream| {
        sleep(after).await;
        let head = format!("HTTP/1.1 500 Oh\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    })
    .await
}

/// An Ollama that says the same line for ever, as fast as it is taken.
pub(crate) async fn endless(line: &'static str) -> String {
    asked_once(async move |mut stream: TcpStream| {
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let chunks = format!("{:x}\r\n{line}\r\n", line.len()).repeat(1000);
        while stream.write_all(chunks.as_bytes()).await.is_ok() {}
    })
    .await
}

/// Where a question is answered by `say`.
async fn asked_once<F: Future<Output = ()> + Send>(
    say: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    drop(tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
        say(stream).await;
    }));
    url
}

/// Reads until what came holds `bytes` in one or more chunks.
pub(crate) async fn hear(stream: &mut TcpStream, bytes: &[u8]) {
    let mut heard = Vec::new();
    let read = async {
        loop {
            let mut piece = [0; 4096];
            let length = stream.read(&mut piece).await.unwrap();
            assert!(length > 0, "it goes on");
            heard.extend_from_slice(&piece[..length]);
            let at =
                heard.windows(4).position(|four| four == b"\r\n\r\n").filter(|_| heard.starts_with(b"HTTP"));
            let body = &heard[at.map_or(0, |at| at + 4)..];
            let whole = unchunk(&[body, b"0\r\n\r\n"].concat());
            if body == bytes || (whole.1 && whole.0 == bytes) {
                return;
            }
        }
    };
    timeout(Duration::from_secs(10), read).await.expect("it comes");
}

/// A path that nobody else has.
pub(crate) fn place(name: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("homefire-node-{}-{next}-{name}", std::process::id()))
}

pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..500 {
        if is_so() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} within five seconds");
}

/// Waits until the guard says this of itself.
pub(crate) async fn until_says(home: &Home, field: &str, expect: Value) {
    for _ in 0..500 {
        if home.health().await[field] == expect {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{field} is {expect} within five seconds");
}
