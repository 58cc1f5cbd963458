//! What every service says and hears in the same words.

use std::fmt;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::Value;

use super::Broken;

/// A reply with a body of JSON.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response<Bytes> {
    typed(status, "application/json; charset=utf-8", value.to_string())
}

/// A page of a proxy, or whatever else is no JSON.
pub(crate) fn page(status: StatusCode) -> Response<Bytes> {
    let text =
        format!("<!DOCTYPE html>\n<html><head><title>{status}</title></head><body>{status}</body></html>\n");
    typed(status, "text/html; charset=utf-8", text)
}

/// A reply with a body of the content type `kind`.
pub(crate) fn typed(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", HeaderValue::from_static(kind));
    response
}

/// Sets a header whose value is a figure or another word without surprises.
pub(crate) fn tell(response: &mut Response<Bytes>, name: &'static str, value: impl fmt::Display) {
    let value = value.to_string().parse().expect("the simulator's headers are ASCII");
    response.headers_mut().insert(name, value);
}

/// A request's header, if it is a text.
pub(crate) fn header<'a>(request: &'a Request<Bytes>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// The token of `Authorization: Bearer …`.
pub(crate) fn bearer(request: &Request<Bytes>) -> Option<&str> {
    let (scheme, token) = header(request, "authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Runs `work` to its end whether or not its client waits for it: what has arrived is carried out.
pub(crate) async fn carried_out<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Broken> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the outside, where a client's leaving stops nothing"
    )]
    let task = tokio::spawn(work);
    task.await.map_err(|_| Broken)
}
