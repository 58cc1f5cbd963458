//! One connection to a lane that is kept alive.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::heard::{Heard, Listener};
use super::machine::now;
use super::wire::{Question, Wire};

/// What the guard asks for. The others do not look at it.
pub(crate) const TOKEN: &str = "the-token-of-the-bench";

#[derive(Debug)]
pub(crate) struct Line {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
    _connection: JoinSet<hyper::Result<()>>,
}

impl Line {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| address.to_string())?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let mut running = JoinSet::new();
        running.spawn(connection);
        Ok(Self { address, sender, _connection: running })
    }

    /// A small request: it proves that the connection still stands, and begins its idle time anew.
    pub(crate) async fn touch(&mut self) -> Result<()> {
        self.fetch("/api/version").await.map(drop)
    }

    pub(crate) async fn fetch(&mut self, path: &str) -> Result<Bytes> {
        self.whole(Method::GET, path, Bytes::new()).await
    }

    pub(crate) async fn put(&mut self, path: &str, body: Bytes) -> Result<()> {
        self.whole(Method::PUT, path, body).await.map(drop)
    }

    /// A question that is answered without a node.
    pub(crate) async fn help(&mut self) -> Result<Bytes> {
        self.whole(Method::POST, Wire::Events.path(), r#"{"query":"help"}"#.into()).await
    }

    async fn whole(&mut self, method: Method, path: &str, body: Bytes) -> Result<Bytes> {
        let reply = self.send(method, path, body).await?;
        let status = reply.status();
        let bytes = reply.into_body().collect().await?.to_bytes();
        ensure!(status == StatusCode::OK, "{path} is answered by {status}");
        Ok(bytes)
    }

    /// Asks and listens to the end.
    pub(crate) async fn ask(&mut self, wire: Wire, question: Question) -> Result<Heard> {
        let mut listener = Listener::new(wire, question.id, now());
        let mut reply = self.send(Method::POST, wire.path(), wire.ask(question)).await?;
        ensure!(reply.status() == StatusCode::OK, "a question is answered by {}", reply.status());
        while let Some(frame) = reply.body_mut().frame().await {
            if let Ok(bytes) = frame?.into_data() {
                listener.hear(&bytes, now())?;
            }
        }
        listener.end()
    }

    async fn send(&mut self, method: Method, path: &str, body: Bytes) -> Result<Response<Incoming>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.to_string())
            .header(AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        self.sender.ready().await.context("a connection that should stand was closed")?;
        Ok(self.sender.send_request(request).await?)
    }
}
