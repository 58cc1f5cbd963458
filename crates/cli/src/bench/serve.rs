//! The node behind all lanes: fast, and its words are the time at which they are said.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use clap::Args;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::line::MODEL;
use super::machine::now;

#[derive(Args)]
pub(crate) struct Options {
    /// Words of an answer.
    #[arg(long)]
    words: u64,
    /// Milliseconds between two of them.
    #[arg(long)]
    pace: u64,
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What was said to each question, until somebody asks for it.
type Said = Arc<Mutex<HashMap<String, Vec<u8>>>>;

/// Says its port on standard output, and serves until it is ended.
pub(crate) async fn run(options: Options) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    let (said, options) = (Said::default(), Arc::new(options));
    let mut open = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (said, options) = (Arc::clone(&said), Arc::clone(&options));
        let answer = service_fn(move |request| answer(request, Arc::clone(&said), Arc::clone(&options)));
        open.spawn(async move {
            // Whoever leaves in the middle is the bench's to notice.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
        while open.try_join_next().is_some() {}
    }
}

async fn answer(
    request: Request<Incoming>,
    said: Said,
    options: Arc<Options>,
) -> hyper::Result<Response<Body>> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    let whole = |bytes: Vec<u8>| reply("application/json", Full::new(bytes.into()).boxed_unsync());
    Ok(match (path.as_str(), path.strip_prefix("/said/")) {
        ("/api/chat", _) => {
            let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
            let question = asked["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
            reply("application/x-ndjson", speak(question, said, options))
        }
        (_, Some(id)) => {
            whole(said.lock().unwrap_or_else(PoisonError::into_inner).remove(id).unwrap_or_default())
        }
        ("/api/version", _) => whole(json!({"version": "0.0.0"}).to_string().into_bytes()),
        _ => whole(json!({"models": [{"name": MODEL, "model": MODEL}]}).to_string().into_bytes()),
    })
}

fn reply(kind: &'static str, body: Body) -> Response<Body> {
    Response::builder().header(CONTENT_TYPE, kind).body(body).expect("the header is ASCII")
}

fn speak(question: String, said: Said, options: Arc<Options>) -> Body {
    let state = (0, Vec::new());
    let lines = stream::unfold(state, move |(nth, mut whole): (u64, Vec<u8>)| {
        let (question, said, options) = (question.clone(), Arc::clone(&said), Arc::clone(&options));
        async move {
            if nth > options.words {
                return None;
            }
            if nth > 0 {
                sleep(Duration::from_millis(options.pace)).await;
            }
            let line = if nth < options.words { word() } else { done(options.words) };
            whole.extend_from_slice(line.as_bytes());
            if nth == options.words {
                said.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(question, std::mem::take(&mut whole));
            }
            Some((Ok(Frame::data(Bytes::from(line))), (nth + 1, whole)))
        }
    });
    BodyExt::boxed_unsync(StreamBody::new(lines))
}

const CREATED: &str = "2026-01-01T00:00:00.000000000Z";

fn word() -> String {
    let message = json!({"role": "assistant", "content": format!(" {}", now())});
    json!({"model": MODEL, "created_at": CREATED, "message": message, "done": false}).to_string() + "\n"
}

fn done(words: u64) -> String {
    let message = json!({"role": "assistant", "content": ""});
    let line = json!({
        "model": MODEL, "created_at": CREATED, "message": message, "done": true, "done_reason": "stop",
        "total_duration": 1, "load_duration": 1, "prompt_eval_count": 1, "prompt_eval_duration": 1,
        "eval_count": words, "eval_duration": 1,
    });
    line.to_string() + "\n"
}
