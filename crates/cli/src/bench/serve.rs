//! The node behind all lanes: fast, and its words are the time at which they are said.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::wire::{MODEL, Question, Wire};

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What was said to each question, until somebody asks for it.
type Said = Arc<Mutex<HashMap<u64, Vec<u8>>>>;

/// Says its port on standard output, and serves until it is ended.
pub(crate) async fn run() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    tell!("{}", listener.local_addr()?.port());
    let said = Said::default();
    let mut open = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let said = Arc::clone(&said);
        let answer = service_fn(move |request| answer(request, Arc::clone(&said)));
        open.spawn(async move {
            // Whoever leaves in the middle is the bench's to notice.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
        while open.try_join_next().is_some() {}
    }
}

async fn answer(request: Request<Incoming>, said: Said) -> hyper::Result<Response<Body>> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    if let Some(wire) = Wire::ALL.into_iter().find(|wire| wire.path() == path) {
        return Ok(match wire.asked(&body) {
            Some(question) => reply(wire.media_type(), speak(wire, question, said)),
            None => refusal(),
        });
    }
    let bytes = match path.strip_prefix("/said/").map(str::parse) {
        Some(Ok(id)) => said.lock().unwrap_or_else(PoisonError::into_inner).remove(&id).unwrap_or_default(),
        _ if path == "/api/version" => json!({"version": "0.0.0"}).to_string().into_bytes(),
        _ => json!({"models": [{"name": MODEL, "model": MODEL}]}).to_string().into_bytes(),
    };
    Ok(reply("application/json", Full::new(bytes.into()).boxed_unsync()))
}

fn reply(kind: &'static str, body: Body) -> Response<Body> {
    Response::builder().header(CONTENT_TYPE, kind).body(body).expect("the header is ASCII")
}

/// Nothing was asked: as the service says it.
fn refusal() -> Response<Body> {
    let mut refusal = Response::new(Full::default().boxed_unsync());
    *refusal.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    refusal
}

fn speak(wire: Wire, question: Question, said: Said) -> Body {
    let pieces = stream::unfold((0, Vec::new()), move |(nth, mut whole): (u64, Vec<u8>)| {
        let said = Arc::clone(&said);
        async move {
            let Question { id, words, pace } = question;
            if nth > words {
                return None;
            }
            if nth > 0 && pace > 0 {
                sleep(Duration::from_millis(pace)).await;
            }
            let piece = if nth < words { wire.word() } else { wire.done(words) };
            whole.extend_from_slice(&piece);
            if nth == words {
                said.lock().unwrap_or_else(PoisonError::into_inner).insert(id, std::mem::take(&mut whole));
            }
            Some((Ok(Frame::data(piece)), (nth + 1, whole)))
        }
    });
    BodyExt::boxed_unsync(StreamBody::new(pieces))
}
