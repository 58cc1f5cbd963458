//! What goes to Ollama, and what of its reply is known before it comes.

use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::Either;
use serde_json::{Map, Value};
use tokio::time::timeout;

use crate::admission::Lane;
use crate::config::Model;
use crate::guard::{App, Body};
use crate::lane;
use crate::manner::Manner;
use crate::proxy::Relay;
use crate::pulse::Pulse;
use crate::refusal::Refusal;
use crate::visit::Visit;
use crate::wires::{Head, Question};

/// Room for a reply's headers, with those that hyper adds.
const HEADERS: usize = 7;

const MODEL: HeaderName = HeaderName::from_static("x-homefire-model");

/// What goes to Ollama.
pub(crate) struct Errand {
    pub(crate) lane: Lane,
    pub(crate) question: Question,
    /// How its model is to be loaded, if it has one speak.
    pub(crate) runner: Option<Map<String, Value>>,
    /// Of its stream, if it is one whose head may leave early.
    pub(crate) manner: Option<Manner>,
    /// How long frames are gathered.
    pub(crate) gather: Duration,
}

impl Errand {
    /// Waits for a place, and asks. What of the reply is known by then is made ready while Ollama works on it.
    pub(crate) async fn ask(self, app: &App, mut visit: Box<Visit>, pulse: Pulse) -> Result<Asked, Refusal> {
        let Some(ticket) = app.gate.enter(self.lane, app.config.waits.queue).await else {
            visit.line.status = Refusal::Busy.status().as_u16();
            return Err(Refusal::Busy);
        };
        let asking = app.ollama.send(self.question);
        visit.enter(self.lane, ticket);
        if let Some(runner) = self.runner {
            app.loaded(self.lane, runner);
        }
        let mut headers = HeaderMap::with_capacity(HEADERS);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
        if let Some(Model { name, .. }) = app.config.models.get(self.lane)
            && let Ok(name) = name.parse()
        {
            headers.insert(MODEL, name);
        }
        let relay = Box::new(Relay::new(asking, visit, pulse));
        Ok(Asked { relay, headers, manner: self.manner, gather: self.gather })
    }
}

/// What Ollama was asked.
pub(crate) struct Asked {
    relay: Box<Relay>,
    /// The reply's, as far as they are known.
    headers: HeaderMap,
    manner: Option<Manner>,
    gather: Duration,
}

/// What came of waiting for Ollama.
enum First {
    Head(Head),
    /// Nothing yet, and the head leaves now, of such a stream.
    Silence(Manner),
}

impl Asked {
    /// The reply, once its head is there or may leave without Ollama's.
    pub(crate) async fn reply(mut self) -> Result<Response<Body>, Refusal> {
        let first = match self.relay.early_head().zip(self.manner) {
            None => self.relay.head().await.map(First::Head),
            Some((patience, manner)) => match timeout(patience, self.relay.head()).await {
                Ok(head) => head.map(First::Head),
                Err(_) => Ok(First::Silence(manner)),
            },
        };
        let Self { mut relay, mut headers, manner, gather } = self;
        let mut status = StatusCode::OK;
        match first {
            Ok(First::Head(head)) => {
                status = passed(head.status);
                if manner == Some(Manner::Frames) && lane::can_read(&head) {
                    headers.insert(CONTENT_TYPE, Manner::Frames.content_type());
                    relay.take_lane(gather);
                } else if let Some(kind) = head.content_type {
                    headers.insert(CONTENT_TYPE, kind);
                }
                relay.end_of_known_length();
                // To the edge 503 with it means busy, and another status that was made one is broken.
                if let Some(again) = head.retry_after.filter(|_| status == head.status) {
                    headers.insert(RETRY_AFTER, again);
                }
            }
            Ok(First::Silence(manner)) => {
                headers.insert(CONTENT_TYPE, manner.content_type());
                relay.early(manner, gather);
            }
            Err(refusal) => {
                relay.status(refusal.status().as_u16());
                return Err(refusal);
            }
        }
        relay.status(status.as_u16());
        let mut reply = Response::new(Either::Right(relay));
        (*reply.status_mut(), *reply.headers_mut()) = (status, headers);
        Ok(reply)
    }
}

/// The edge replaces the bodies of two statuses.
fn passed(status: StatusCode) -> StatusCode {
    match status {
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => StatusCode::SERVICE_UNAVAILABLE,
        status => status,
    }
}
