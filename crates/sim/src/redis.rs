//! Redis as Upstash sells it: commands over HTTP, in front of a real `redis-server` or of a stand-in in memory.
//!
//! Written after <https://upstash.com/docs/redis/features/restapi>, and held against the official `@upstash/redis`.

mod ask;
mod reply;
mod resp;
mod server;
mod slate;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::outside::{Answer, Broken, Outside, Turns, bearer, carried_out, header, json, page, tell};
use ask::Ask;
pub use homefire_core::store::upstash::{ENTER, SWAP, VISIT};
pub use reply::Reply;
pub use server::Redis;
pub use slate::Slate;

/// A command's name and its arguments.
pub type Command = Vec<Bytes>;

/// What carries commands out.
pub trait Engine: Debug + Send + Sync + 'static {
    /// One reply for each command, in their order. Others may come in between.
    ///
    /// # Errors
    /// The engine is gone, or does not speak Redis.
    fn run(&self, commands: &[Command]) -> impl Future<Output = io::Result<Vec<Reply>>> + Send;

    /// All of them at once: an array of replies, or an error when none was carried out.
    ///
    /// # Errors
    /// As in [`run`](Self::run).
    fn transact(&self, commands: &[Command]) -> impl Future<Output = io::Result<Reply>> + Send;
}

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    Spared,
    /// 503 from a proxy, and nothing was carried out.
    Unavailable,
    /// It is carried out, and the connection breaks before the reply.
    Lost,
    /// It is carried out after this time, whether or not its client still waits.
    Slow(Duration),
    /// Nothing is carried out or said, ever.
    Hang,
    /// Somebody has put a hash under each key that it names; then it is carried out.
    WrongType,
    /// 401, whatever the token.
    Unauthorized,
    /// It is carried out, and the reply is a page of HTML with 200.
    Garbage,
    /// The day's requests are used up: 400.
    Quota,
}

/// One database behind its address. Clones are the same one.
#[derive(Debug)]
pub struct Upstash<E> {
    inner: Arc<Inner<E>>,
}

#[derive(Debug)]
struct Inner<E> {
    engine: E,
    token: String,
    faults: Turns<Fault>,
    served: AtomicU64,
}

impl<E: Engine> Upstash<E> {
    /// `engine`, for whoever has `token`.
    pub fn new(engine: E, token: &str) -> Self {
        let inner =
            Inner { engine, token: token.to_owned(), faults: Turns::default(), served: AtomicU64::new(0) };
        Self { inner: Arc::new(inner) }
    }

    /// The next request that no fault waits for meets this one.
    pub fn queue(&self, fault: Fault) {
        self.inner.faults.push(fault);
    }

    /// Forgets the faults that were not met.
    pub fn calm(&self) {
        self.inner.faults.clear();
    }

    /// What is behind it.
    pub fn engine(&self) -> &E {
        &self.inner.engine
    }

    async fn meet(&self, request: Request<Bytes>, fault: Fault) -> Result<Response<Bytes>, Broken> {
        match fault {
            Fault::Spared => self.serve(&request).await,
            Fault::Unavailable => Ok(page(StatusCode::SERVICE_UNAVAILABLE)),
            Fault::Lost => self.serve(&request).await.and(Err(Broken)),
            Fault::Slow(time) => {
                let this = self.clone();
                carried_out(async move {
                    tokio::time::sleep(time).await;
                    this.serve(&request).await
                })
                .await?
            }
            Fault::Hang => pending().await,
            Fault::WrongType => {
                self.spoil(&request).await?;
                self.serve(&request).await
            }
            Fault::Unauthorized => Ok(unauthorized()),
            Fault::Garbage => self.serve(&request).await.map(|_| page(StatusCode::OK)),
            Fault::Quota => {
                let text = "ERR max daily request limit exceeded. Limit: 10000, Usage: 10000.";
                Ok(refuse(StatusCode::BAD_REQUEST, text))
            }
        }
    }

    async fn serve(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Broken> {
        if ![Method::GET, Method::HEAD, Method::POST, Method::PUT].contains(request.method()) {
            return Ok(refuse(StatusCode::METHOD_NOT_ALLOWED, "ERR method not allowed"));
        }
        if bearer(request).or(ask::token(request).as_deref()) != Some(&self.inner.token) {
            return Ok(unauthorized());
        }
        let ask = match ask::read(request) {
            Ok(ask) => ask,
            Err(error) => return Ok(refuse(StatusCode::BAD_REQUEST, &error)),
        };
        let base64 = header(request, "upstash-encoding").is_some_and(|value| value == "base64");
        let (status, body) = self.carry_out(&ask, base64).await.map_err(|_| Broken)?;
        let mut response = json(status, &body);
        tell(&mut response, "upstash-sync-token", self.inner.served.fetch_add(1, Ordering::Relaxed));
        Ok(response)
    }

    async fn carry_out(&self, ask: &Ask, base64: bool) -> io::Result<(StatusCode, Value)> {
        let engine = &self.inner.engine;
        let each = |replies: &[Reply]| replies.iter().map(|reply| reply.to_json(base64)).collect();
        let whole = match ask {
            Ask::Pipeline(commands) => {
                return Ok((StatusCode::OK, Value::Array(each(&engine.run(commands).await?))));
            }
            Ask::Transaction(commands) => engine.transact(commands).await?,
            Ask::One(command) => {
                let replies = engine.run(std::slice::from_ref(command)).await?;
                replies.into_iter().next().ok_or(io::ErrorKind::UnexpectedEof)?
            }
        };
        let status = if matches!(whole, Reply::Error(_)) { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        match (ask, whole) {
            (Ask::Transaction(_), Reply::Array(replies)) => Ok((status, Value::Array(each(&replies)))),
            (_, whole) => Ok((status, whole.to_json(base64))),
        }
    }

    async fn spoil(&self, request: &Request<Bytes>) -> Result<(), Broken> {
        let Ok(ask) = ask::read(request) else { return Ok(()) };
        let spoil = |key: &Bytes| {
            let word = Bytes::from_static;
            [vec![word(b"DEL"), key.clone()], vec![word(b"HSET"), key.clone(), word(b"by"), word(b"another")]]
        };
        let commands: Vec<Command> = ask.keys().flat_map(spoil).collect();
        self.inner.engine.run(&commands).await.map(drop).map_err(|_| Broken)
    }
}

impl<E: Engine> Outside for Upstash<E> {
    fn answer(&self, request: Request<Bytes>) -> Answer<'_> {
        let fault = self.inner.faults.next().unwrap_or(Fault::Spared);
        Box::pin(self.meet(request, fault))
    }
}

impl<E> Clone for Upstash<E> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

fn unauthorized() -> Response<Bytes> {
    refuse(StatusCode::UNAUTHORIZED, "WRONGPASS invalid or missing auth token")
}

fn refuse(status: StatusCode, error: &str) -> Response<Bytes> {
    json(status, &json!({ "error": error }))
}
