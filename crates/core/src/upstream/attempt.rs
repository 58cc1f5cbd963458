//! One node is asked, up to its first word.

use bytes::Bytes;
use futures_util::stream::{Fuse, Stream, StreamExt};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Method, Request, StatusCode};

use crate::config::Node;
use crate::failure::Failure;
use crate::lane;
use crate::ollama::{self, CHAT, Prompt};
use crate::platform::{FetchError, Platform, gather, holds};
use crate::relay::{Dialect, Output, Relay, State};

/// Cloudflare refuses the user agents of common scripts (error 1010), so ours is our own.
pub(crate) const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("homefire/", env!("CARGO_PKG_VERSION")));

/// The most that is read of an error's body.
const LONGEST_ERROR: usize = 4 * 1024;

/// The request for one node.
pub fn request(node: &Node, model: &str, prompt: &Prompt) -> Request<Bytes> {
    let mut request = Request::new(ollama::chat(model, prompt));
    *request.method_mut() = Method::POST;
    *request.uri_mut() =
        format!("{}{CHAT}", node.url).parse().expect("the configuration holds only sound URLs");
    let headers = request.headers_mut();
    headers.extend(node.credentials.clone());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/x-ndjson, application/json"));
    headers.insert(USER_AGENT, AGENT);
    request
}

/// A node that has said a word.
pub(crate) struct Spoken<P: Platform, O> {
    /// What it said so far.
    pub(crate) relay: Relay<O>,
    /// What it goes on to say: nothing, where it is at its end.
    pub(crate) body: Fuse<P::Body>,
    /// What came before: who stands before it has its say there.
    pub(crate) headers: HeaderMap,
}

/// Sends the request and reads until the node has said a word.
///
/// An answer that breaks in the very chunk of its first word counts as a failed attempt: nobody has seen it yet.
pub(crate) async fn first_word<P: Platform, O: Output>(
    platform: &P,
    request: Request<Bytes>,
    output: O,
) -> Result<Spoken<P, O>, Failure> {
    let (head, body) = platform.fetch(request).await?.into_parts();
    let mut body = body.fuse();
    accept(head.status, &head.headers, &mut body).await?;
    let dialect = if lane::is_taken(&head.headers) { Dialect::Lane } else { Dialect::Ollama };
    let mut relay = Relay::into(output).reading(dialect);
    while *relay.state() == State::Waiting {
        match body.next().await {
            Some(chunk) => relay.push(&chunk?)?,
            None => relay.finish()?,
        };
    }
    Ok(Spoken { relay, body, headers: head.headers })
}

/// Judges by the status first: whoever answers in the node's place has pages of its own.
async fn accept(
    status: StatusCode,
    headers: &HeaderMap,
    body: &mut (impl Stream<Item = Result<Bytes, FetchError>> + Unpin),
) -> Result<(), Failure> {
    if status.is_redirection() {
        return Err(Failure::Redirect);
    }
    if status == StatusCode::BAD_REQUEST {
        return Err(bad_request(&gather(body, LONGEST_ERROR).await?));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE && headers.contains_key(RETRY_AFTER) {
        return Err(Failure::Busy);
    }
    if !status.is_success() {
        return Err(Failure::Status(status.as_u16()));
    }
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    if kind.to_ascii_lowercase().starts_with(b"text/html") {
        return Err(Failure::Html);
    }
    Ok(())
}

/// `"qwen2.5-coder:7b" does not support thinking` speaks of this node's model; any other 400 of Ollama's of the request. What
/// is not in Ollama's form is a page of whoever stands in its place.
fn bad_request(body: &[u8]) -> Failure {
    match body.starts_with(b"{\"error\"") && !holds(body, b"does not support") {
        true => Failure::Rejected,
        false => Failure::Status(400),
    }
}
