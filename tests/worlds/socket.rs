//! What the worlds behind real sockets share: a home with two nodes, a client, a log that is read.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::StreamExt;
use homefire::process::{Group, Program};
use homefire_sim::scenario::{Before, Chunks, Ward, World};
use homefire_sim::{Node, Reach, Received};
use http::{Request, Response};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;

use super::home::Home;

/// How long a service may take to answer at first.
const PATIENCE: Duration = Duration::from_secs(60);

/// Services that listen, and the home behind them.
pub(crate) struct SocketWorld {
    services: Vec<Service>,
    home: Home,
    log: Log,
    client: reqwest::Client,
}

/// What answers at the paths that begin with `place`. It ends when it is dropped.
pub(crate) struct Service {
    place: &'static str,
    url: String,
    _running: Box<dyn Send + Sync>,
}

/// What the service wrote.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<String>>);

impl Log {
    pub(crate) fn push(&self, line: &str) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.push_str(line);
        log.push('\n');
    }

    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn follow(&self, output: impl AsyncRead + Unpin + Send + 'static) {
        let log = self.clone();
        #[expect(clippy::disallowed_methods, reason = "ends with the output that it reads")]
        drop(tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                log.push(&line);
            }
        }));
    }
}

/// A port that was free a moment ago.
pub(crate) async fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

impl Service {
    pub(crate) fn new(place: &'static str, url: String, running: impl Send + Sync + 'static) -> Self {
        Self { place, url, _running: Box::new(running) }
    }

    /// Starts `program` and waits until it answers at `port`.
    pub(crate) async fn spawn(
        place: &'static str,
        program: impl Into<Program>,
        port: u16,
        log: &Log,
    ) -> Result<Self, String> {
        let mut program = program.into();
        program.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Group::spawn(program).map_err(|error| format!("{error:#}"))?;
        let child = group.child();
        if let Some(output) = child.stdout.take() {
            log.follow(output);
        }
        if let Some(output) = child.stderr.take() {
            log.follow(output);
        }
        match group.ready(port, PATIENCE).await {
            Ok(()) => Ok(Self::new(place, format!("http://127.0.0.1:{port}"), group)),
            Err(error) => Err(format!("{error:#}\n{}", log.take())),
        }
    }
}

impl SocketWorld {
    /// The services, the more particular place first.
    pub(crate) fn new(services: Vec<Service>, home: Home, log: Log) -> Self {
        // Whether an idle connection is still good when it is used again is a race with whoever closes it.
        let client = homefire_native::client().pool_max_idle_per_host(0).build().expect("a plain client");
        Self { services, home, log, client }
    }
}

impl World for SocketWorld {
    async fn send(&self, at: &str, request: Request<Bytes>) -> Result<Response<Chunks>, String> {
        let service = self.services.iter().find(|service| at.starts_with(service.place));
        let service = service.ok_or(format!("nobody answers at {at}"))?;
        let (head, body) = request.into_parts();
        let send = || {
            let request = self.client.request(head.method.clone(), format!("{}{}", service.url, head.uri));
            request.headers(head.headers.clone()).body(body.clone()).send()
        };
        let mut reply = send().await.map_err(|error| format!("{error:?}"))?;
        for _ in 0..3 {
            if !lost_on_the_way(&reply) {
                break;
            }
            reply = send().await.map_err(|error| format!("{error:?}"))?;
        }
        let mut response = Response::new(());
        *response.status_mut() = reply.status();
        *response.headers_mut() = reply.headers().clone();
        let chunks = reply.bytes_stream().map(|chunk| chunk.map_err(|error| format!("{error:?}")));
        Ok(response.map(|()| -> Chunks { Box::pin(chunks) }))
    }

    fn node(&self, nth: usize) -> Node {
        self.home.node(nth)
    }

    async fn set(&mut self, nth: usize, reach: Reach) -> Result<(), String> {
        self.home.set(nth, reach).await
    }

    fn take_log(&mut self) -> String {
        self.log.take() + &self.home.take_log()
    }

    fn before(&self) -> Before {
        self.home.before()
    }

    async fn guard(&mut self, nth: usize, ward: Ward) -> Result<(), String> {
        self.home.guard(nth, ward).await
    }

    async fn rest(&mut self) -> Result<(), String> {
        self.home.rest().await
    }

    fn received(&self, nth: usize) -> Vec<Received> {
        self.home.received(nth)
    }
}

/// `wrangler dev` has a proxy before the Worker, and this is its answer when the connection between the two was closed
/// just as it was used again. The Worker has not seen the request.
fn lost_on_the_way(reply: &reqwest::Response) -> bool {
    let soon = reply.headers().get("retry-after").is_some_and(|seconds| seconds == "0");
    reply.status() == 503 && soon
}
