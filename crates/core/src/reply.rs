//! What a route answers with: a whole body, or a stream of events.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::Stream;
use serde::Serialize;

/// A reply as every adapter receives it.
pub type Reply = http::Response<Body>;

/// The body of a [`Reply`].
#[derive(Debug)]
pub enum Body {
    /// Everything at once.
    Whole(Bytes),
    /// Server-sent events as they come about.
    Events(Events),
}

/// A whole JSON reply.
pub fn json(status: http::StatusCode, value: &impl Serialize) -> Reply {
    let body = serde_json::to_vec(value).expect("replies have string keys and serialize");
    let mut reply = http::Response::new(Body::Whole(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    headers.insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    reply
}

/// Bytes of server-sent events, written by one straight `async` function.
///
/// Nothing fails once the head is sent: an error is an event like any other. Dropping the stream drops the
/// function where it waits, and with it the upstream request and the lease that it holds.
pub struct Events {
    writer: Pin<Box<dyn Future<Output = ()> + Send>>,
    slot: Slot,
    ended: bool,
}

type Slot = Arc<Mutex<Option<Bytes>>>;

impl Events {
    /// `write` is given the [`Sink`] into which it sends, and ends the stream by returning.
    pub fn new<F>(write: impl FnOnce(Sink) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let slot = Slot::default();
        let writer = Box::pin(write(Sink { slot: Arc::clone(&slot) }));
        Self { writer, slot, ended: false }
    }
}

impl Stream for Events {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if !self.ended {
            self.ended = self.writer.as_mut().poll(cx).is_ready();
        }
        match take(&self.slot) {
            Some(bytes) => Poll::Ready(Some(bytes)),
            None if self.ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// Where the writer of [`Events`] puts its bytes. Holds one buffer: a slow reader slows the writer down.
#[derive(Debug)]
pub struct Sink {
    slot: Slot,
}

impl Sink {
    /// Hands `bytes` over and resolves when the reader has asked for more.
    pub async fn send(&self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        put(&self.slot, bytes);
        // Whoever polls the writer looks into the slot right afterwards, and polls again only when it wants more:
        // no waker is needed.
        std::future::poll_fn(|_| match is_full(&self.slot) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
    }
}

fn put(slot: &Slot, bytes: Bytes) {
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
}

fn take(slot: &Slot) -> Option<Bytes> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn is_full(slot: &Slot) -> bool {
    slot.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}
