//! What a route answers with: a whole body, or a stream of events.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;

pub use crate::events::Events;

use crate::headers::MODEL;
use crate::json;
use crate::trail::Trail;

const NODE: HeaderName = HeaderName::from_static("x-homefire-node");
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

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
    let mut reply = empty(status);
    *reply.body_mut() = Body::Whole(json::write(value).into());
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

/// A reply whose body arrives event by event.
pub fn events(events: Events) -> Reply {
    let mut reply = empty(http::StatusCode::OK);
    *reply.body_mut() = Body::Events(events);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // Asks every proxy on the way to neither gather nor compress: what is worth gathering was gathered here.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    reply
}

/// The reply with who answered.
pub fn with_node(mut reply: Reply, node: &str, model: &str) -> Reply {
    for (name, value) in [(NODE, node), (MODEL, model)] {
        let value =
            HeaderValue::from_str(value).expect("the configuration holds only names that headers take");
        reply.headers_mut().insert(name, value);
    }
    reply
}

/// The reply with every attempt so far.
pub fn with_timing(mut reply: Reply, trail: &Trail) -> Reply {
    if let Some(timing) = trail.server_timing() {
        reply.headers_mut().insert(SERVER_TIMING, timing);
    }
    reply
}

/// A reply without a body.
pub fn empty(status: http::StatusCode) -> Reply {
    let mut reply = http::Response::new(Body::Whole(Bytes::new()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
