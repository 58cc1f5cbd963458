//! A body, chunk by chunk. What comes of an answer within a while is one.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::Stream;
use homefire_core::platform::FetchError;
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::ReadableStream;

use crate::outcomes::Outcomes;

#[wasm_bindgen(module = "/src/gather.js")]
extern "C" {
    type Plain;

    #[wasm_bindgen(constructor, catch)]
    fn new(stream: &ReadableStream) -> Result<Plain, JsValue>;

    #[wasm_bindgen(method)]
    fn next(this: &Plain) -> Promise;

    #[wasm_bindgen(method)]
    fn drop(this: &Plain);

    #[wasm_bindgen(extends = Plain)]
    type Gathered;

    #[wasm_bindgen(constructor, catch)]
    fn new(stream: &ReadableStream, pause: f64) -> Result<Gathered, JsValue>;
}

pub(crate) struct Chunks {
    source: Plain,
    outcomes: Outcomes,
    is_over: bool,
}

impl Chunks {
    pub(crate) fn plain(stream: &ReadableStream) -> Result<Self, JsValue> {
        Ok(Self::of(Plain::new(stream)?))
    }

    /// Of a stream of text: from one chunk to the next it is `pause` at least, unless there was nothing for longer.
    pub(crate) fn gathered(stream: &ReadableStream, pause: Duration) -> Result<Self, JsValue> {
        Ok(Self::of(Gathered::new(stream, pause.as_secs_f64() * 1000.0)?.into()))
    }

    fn of(source: Plain) -> Self {
        Self { source, outcomes: Outcomes::new(), is_over: false }
    }

    fn read(&mut self, outcome: Result<JsValue, JsValue>) -> Option<Result<Bytes, FetchError>> {
        self.is_over = !matches!(&outcome, Ok(bytes) if !bytes.is_null());
        match outcome {
            Ok(bytes) if bytes.is_null() => None,
            Ok(bytes) => Some(Ok(bytes.unchecked_into::<Uint8Array>().to_vec().into())),
            Err(_) => Some(Err(FetchError::Broken)),
        }
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes, FetchError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if let Some(outcome) = self.outcomes.take() {
            return Poll::Ready(self.read(outcome));
        }
        if self.outcomes.open() == 0 {
            self.outcomes.watch(&self.source.next());
        }
        self.outcomes.wake(cx)
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        self.source.drop();
    }
}
