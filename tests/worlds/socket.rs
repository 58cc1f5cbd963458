//! What the worlds behind real sockets share: two nodes that listen, a client, a log that is read.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::StreamExt;
use homefire::process::Group;
use homefire_sim::scenario::{Chunks, MODELS, SETTINGS, World, nodes_variable};
use homefire_sim::{Node, Pace, Reach, Server};
use http::{Request, Response};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

/// A service that listens, and the nodes behind it.
pub(crate) struct SocketWorld {
    pub(crate) url: String,
    pub(crate) nodes: [Server; 2],
    pub(crate) log: Log,
    client: reqwest::Client,
    _service: Box<dyn Send + Sync>,
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

/// Two nodes, and the variables that lead to them.
pub(crate) async fn nodes() -> Result<([Server; 2], Vec<(String, String)>), String> {
    let start = || Server::start(Node::new(&MODELS, Pace::QUICK), 0, false);
    let mini = start().await.map_err(|error| error.to_string())?;
    let cloud = start().await.map_err(|error| error.to_string())?;
    let mut variables: Vec<(String, String)> =
        SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    variables.push(("HOMEFIRE_NODES".to_owned(), nodes_variable(&mini.url(), &cloud.url())));
    Ok(([mini, cloud], variables))
}

/// A port that was free a moment ago.
pub(crate) async fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

impl SocketWorld {
    /// `service` listens at `url`, and ends when it is dropped.
    pub(crate) fn new(
        url: String,
        nodes: [Server; 2],
        log: Log,
        service: impl Send + Sync + 'static,
    ) -> Self {
        let client = homefire_native::client().build().expect("a plain client");
        Self { url, nodes, log, client, _service: Box::new(service) }
    }

    /// Starts `command` and waits until the service answers at `port`.
    pub(crate) async fn spawn(
        mut command: Command,
        port: u16,
        nodes: [Server; 2],
        patience: Duration,
    ) -> Result<Self, String> {
        let log = Log::default();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Group::spawn(command).map_err(|error| format!("{error:#}"))?;
        let child = group.child();
        if let Some(output) = child.stdout.take() {
            log.follow(output);
        }
        if let Some(output) = child.stderr.take() {
            log.follow(output);
        }
        let url = format!("http://127.0.0.1:{port}");
        let probe = homefire_native::client().build().expect("a plain client");
        let ready = async {
            loop {
                if let Some(status) = group.child().try_wait().map_err(|error| error.to_string())? {
                    return Err(format!("it ended with {status}"));
                }
                if probe
                    .get(format!("{url}/api/terminal"))
                    .send()
                    .await
                    .is_ok_and(|reply| reply.status() == 405)
                {
                    return Ok(());
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        match timeout(patience, ready).await {
            Ok(Ok(())) => Ok(Self::new(url, nodes, log, group)),
            Ok(Err(error)) => Err(format!("{error}\n{}", log.take())),
            Err(_) => Err(format!("it did not answer within {patience:?}\n{}", log.take())),
        }
    }
}

impl World for SocketWorld {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Chunks>, String> {
        let (head, body) = request.into_parts();
        let reply = self
            .client
            .request(head.method, format!("{}{}", self.url, head.uri))
            .headers(head.headers)
            .body(body)
            .send()
            .await
            .map_err(|error| format!("{error:?}"))?;
        let mut response = Response::new(());
        *response.status_mut() = reply.status();
        *response.headers_mut() = reply.headers().clone();
        let chunks = reply.bytes_stream().map(|chunk| chunk.map_err(|error| format!("{error:?}")));
        Ok(response.map(|()| -> Chunks { Box::pin(chunks) }))
    }

    fn node(&self, nth: usize) -> Node {
        self.nodes[nth].node().clone()
    }

    async fn set(&mut self, nth: usize, reach: Reach) -> Result<(), String> {
        self.nodes[nth].set(reach).await.map_err(|error| error.to_string())
    }

    fn take_log(&mut self) -> String {
        self.log.take()
    }
}
