//! Which pages of other origins may read the replies.

use http::StatusCode;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};

use crate::config::Origins;
use crate::reply::{self, Reply};

const EXPOSED: HeaderValue =
    HeaderValue::from_static("x-homefire-node, x-homefire-model, x-request-id, server-timing, retry-after");
const TIMING_ALLOW_ORIGIN: HeaderName = HeaderName::from_static("timing-allow-origin");

/// Seconds for which a browser need not ask again.
const MAX_AGE: u32 = 86_400;

/// The reply to a browser that asks before it sends. [`open_to`] decides whether it may read it.
pub(super) fn preflight(allowed: &'static str) -> Reply {
    let mut reply = reply::empty(StatusCode::NO_CONTENT);
    let headers = reply.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(allowed));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type, x-request-id"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE.into());
    reply
}

/// Lets the origin of a request read its reply, if it is one of the owner's.
pub(super) fn open_to(origins: &Origins, request: &HeaderMap, mut reply: Reply) -> Reply {
    let headers = reply.headers_mut();
    headers.append(VARY, HeaderValue::from_static("origin"));
    let Some(origin) = request.get(ORIGIN) else { return reply };
    if origin.to_str().is_ok_and(|text| origins.allow(text)) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        headers.insert(TIMING_ALLOW_ORIGIN, origin.clone());
    }
    reply
}
