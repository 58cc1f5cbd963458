//! Requests to nodes. Dropping one, or its body, aborts it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::Stream;
use homefire_core::headers::OF_REPLIES;
use homefire_core::ndjson;
use homefire_core::platform::{FetchError, Platform};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use js_sys::{Promise, Uint8Array};
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStream, RequestInit, RequestRedirect};

use crate::chunks::Chunks;
use crate::context::is_in_request;
use crate::headers;
use crate::platform::Worker;

#[wasm_bindgen]
extern "C" {
    /// The platform's own `fetch`; the one beside it in the module is what this Worker answers with.
    #[wasm_bindgen(js_namespace = globalThis, js_name = fetch)]
    fn ask(url: &str, init: &RequestInit) -> Promise;
}

/// A node's reply, or a reader's request, chunk by chunk.
pub(crate) struct Body {
    /// None where there is no body.
    chunks: Option<SendWrapper<Chunks>>,
    abort: Abort,
}

impl Body {
    /// What a reader sends. It is not ours to abort.
    pub(crate) fn of_request(request: &web_sys::Request) -> Result<Self, JsValue> {
        let chunks = request.body().map(|stream| Chunks::plain(&stream)).transpose()?;
        Ok(Self { chunks: chunks.map(SendWrapper::new), abort: Abort(None) })
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // A stream that nobody may touch any more is left where it is.
        if !is_in_request() {
            std::mem::forget(self.chunks.take());
        }
    }
}

/// Aborts a request when it is dropped. None behind the reply's end: to abort what has ended makes an error that nobody
/// sees, and is dear.
struct Abort(Option<SendWrapper<AbortController>>);

impl Drop for Abort {
    fn drop(&mut self) {
        if let Some(controller) = self.0.take().filter(|_| is_in_request()) {
            controller.abort();
        }
    }
}

impl Stream for Body {
    type Item = Result<Bytes, FetchError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(chunks) = &mut self.chunks else { return Poll::Ready(None) };
        let chunk = ready!(Pin::new(&mut **chunks).poll_next(cx));
        if chunk.is_none() {
            self.abort.0 = None;
        }
        Poll::Ready(chunk)
    }
}

/// The runtime says "Network connection lost." to a refused connection as to a broken one, so all failures are one here.
pub(crate) async fn fetch(request: http::Request<Bytes>) -> Result<http::Response<Body>, FetchError> {
    if !is_in_request() {
        return Err(FetchError::Broken);
    }
    let controller = AbortController::new().map_err(|_| FetchError::Broken)?;
    let init = init(&request, &controller).map_err(|_| FetchError::Broken)?;
    let abort = Abort(Some(SendWrapper::new(controller)));
    let promise = ask(&request.uri().to_string(), &init);
    let response = JsFuture::from(promise).await.map_err(|_| FetchError::Broken)?;
    reply(&response.unchecked_into(), abort).map_err(|_| FetchError::Broken)
}

fn reply(response: &web_sys::Response, abort: Abort) -> Result<http::Response<Body>, JsValue> {
    let headers = headers::read(&response.headers(), OF_REPLIES)?;
    let chunks = response.body().map(|stream| chunks(&stream, &headers)).transpose()?;
    let mut reply = http::Response::new(Body { chunks: chunks.map(SendWrapper::new), abort });
    *reply.status_mut() = StatusCode::from_u16(response.status()).map_err(|_| JsValue::NULL)?;
    *reply.headers_mut() = headers;
    Ok(reply)
}

fn chunks(stream: &ReadableStream, headers: &HeaderMap) -> Result<Chunks, JsValue> {
    match headers.get(CONTENT_TYPE) {
        Some(kind) if kind.as_bytes().starts_with(ndjson::KIND.as_bytes()) => {
            Chunks::gathered(stream, Worker::GATHER)
        }
        // On the lane, too: whoever speaks there was asked to gather.
        _ => Chunks::plain(stream),
    }
}

fn init(request: &http::Request<Bytes>, controller: &AbortController) -> Result<RequestInit, JsValue> {
    let init = RequestInit::new();
    init.set_method(request.method().as_str());
    init.set_headers(&headers::write(request.headers())?.into());
    // Access answers with a redirect to its login page.
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(&controller.signal()));
    if !request.body().is_empty() {
        init.set_body(&Uint8Array::from(request.body().as_ref()));
    }
    Ok(init)
}
