//! A server like ours that hands bytes over without looking into them: like the native one, or like Vercel's functions.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use bytes::Bytes;
use clap::Args;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use vercel_runtime::ResponseBody;

#[derive(Args)]
pub(crate) struct Options {
    /// Where it listens. Without it, it is a function of Vercel's, which is told so by its environment.
    #[arg(long)]
    port: Option<u16>,
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
    let pass = Arc::new(Pass { client: homefire_native::client().build()?, node: options.node });
    match options.port {
        Some(port) => listen(pass, port).await,
        None => function(pass).await,
    }
}

async fn listen(pass: Arc<Pass>, port: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
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

async fn function(pass: Arc<Pass>) -> Result<()> {
    let handler = vercel_runtime::service_fn(move |request, _| {
        let pass = Arc::clone(&pass);
        async move { Ok::<_, vercel_runtime::Error>(pass.hand_over(request).await?.map(ResponseBody)) }
    });
    vercel_runtime::run(handler).await.map_err(|error| anyhow!(error))
}

type Body = BoxBody<Bytes, vercel_runtime::Error>;

impl Pass {
    async fn hand_over(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let asked = self.client.request(head.method, format!("http://{}{}", self.node, head.uri.path()));
        let answer = asked.body(body.collect().await?.to_bytes()).send().await?;
        let mut reply = Response::builder().status(answer.status());
        if let Some(kind) = answer.headers().get(CONTENT_TYPE) {
            reply = reply.header(CONTENT_TYPE, kind);
        }
        let body = Response::<reqwest::Body>::from(answer).into_body();
        Ok(reply.body(body.map_err(vercel_runtime::Error::from).boxed())?)
    }
}
