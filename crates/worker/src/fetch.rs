//! Requests to nodes. Dropping one, or its body, aborts it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::Stream;
use homefire_core::platform::FetchError;
use http::StatusCode;
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, RequestInit, RequestRedirect, WorkerGlobalScope};
use worker::Headers;
use worker::send::SendWrapper;

use crate::chunks::Chunks;
use crate::context::is_in_request;

/// A node's reply, chunk by chunk.
pub(crate) struct Body {
    /// None where there is no body.
    chunks: Option<SendWrapper<Chunks>>,
    _abort: Abort,
}

impl Drop for Body {
    fn drop(&mut self) {
        // A stream that nobody may touch any more is left where it is.
        if !is_in_request() {
            std::mem::forget(self.chunks.take());
        }
    }
}

/// Aborts a request when it is dropped. After the reply's end that does nothing.
struct Abort(SendWrapper<AbortController>);

impl Drop for Abort {
    fn drop(&mut self) {
        if is_in_request() {
            self.0.abort();
        }
    }
}

impl Stream for Body {
    type Item = Result<Bytes, FetchError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.chunks {
            Some(chunks) => Pin::new(&mut chunks.0).poll_next(cx),
            None => Poll::Ready(None),
        }
    }
}

/// The runtime says "Network connection lost." to a refused connection as to a broken one, so all failures are one here.
pub(crate) async fn fetch(request: http::Request<Bytes>) -> Result<http::Response<Body>, FetchError> {
    if !is_in_request() {
        return Err(FetchError::Broken);
    }
    let controller = AbortController::new().map_err(|_| FetchError::Broken)?;
    let init = init(&request, &controller).map_err(|_| FetchError::Broken)?;
    let abort = Abort(SendWrapper::new(controller));
    let global: WorkerGlobalScope = js_sys::global().unchecked_into();
    let promise = global.fetch_with_str_and_init(&request.uri().to_string(), &init);
    let response = JsFuture::from(promise).await.map_err(|_| FetchError::Broken)?;
    reply(&response.unchecked_into(), abort).map_err(|_| FetchError::Broken)
}

fn reply(response: &web_sys::Response, abort: Abort) -> Result<http::Response<Body>, JsValue> {
    let chunks = response.body().map(|stream| Chunks::of(&stream)).transpose()?;
    let mut reply = http::Response::new(Body { chunks: chunks.map(SendWrapper::new), _abort: abort });
    *reply.status_mut() = StatusCode::from_u16(response.status()).map_err(|_| JsValue::NULL)?;
    *reply.headers_mut() = Headers(response.headers()).into();
    Ok(reply)
}

fn init(request: &http::Request<Bytes>, controller: &AbortController) -> Result<RequestInit, JsValue> {
    let headers = web_sys::Headers::new()?;
    for (name, value) in request.headers() {
        headers.append(name.as_str(), value.to_str().map_err(|_| JsValue::NULL)?)?;
    }
    let init = RequestInit::new();
    init.set_method(request.method().as_str());
    init.set_headers(&headers);
    // Access answers with a redirect to its login page.
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(&controller.signal()));
    if !request.body().is_empty() {
        init.set_body(&Uint8Array::from(request.body().as_ref()));
    }
    Ok(init)
}
