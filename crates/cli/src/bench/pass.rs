//! A server like the native one that hands bytes over without looking into them.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use clap::Args;
use futures_util::TryStreamExt;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

#[derive(Args)]
pub(crate) struct Options {
    /// Where it listens.
    #[arg(long)]
    port: u16,
    /// Whom it asks.
    #[arg(long)]
    node: SocketAddr,
}

struct Pass {
    client: reqwest::Client,
    node: SocketAddr,
}

/// Serves until it is ended.
pub(crate) async fn run(options: Options) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
    let pass = Arc::new(Pass { client: homefire_native::client().build()?, node: options.node });
    let mut open = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let pass = Arc::clone(&pass);
        let hand_over = service_fn(move |request| Arc::clone(&pass).hand_over(request));
        open.spawn(async move {
            // Whoever leaves in the middle is the bench's to notice.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), hand_over).await;
        });
        while open.try_join_next().is_some() {}
    }
}

impl Pass {
    async fn hand_over(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<UnsyncBoxBody<Bytes, reqwest::Error>>> {
        let (head, body) = request.into_parts();
        let asked = self.client.request(head.method, format!("http://{}{}", self.node, head.uri.path()));
        let answer = asked.body(body.collect().await?.to_bytes()).send().await?;
        let mut reply = Response::builder().status(answer.status());
        if let Some(kind) = answer.headers().get(CONTENT_TYPE) {
            reply = reply.header(CONTENT_TYPE, kind);
        }
        Ok(reply.body(StreamBody::new(answer.bytes_stream().map_ok(Frame::data)).boxed_unsync())?)
    }
}
