//! A node's body, chunk by chunk.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::Stream;
use homefire_core::platform::FetchError;
use js_sys::Uint8Array;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ReadableStream, ReadableStreamDefaultReader};

use crate::outcomes::Outcomes;

#[wasm_bindgen]
extern "C" {
    /// What was read.
    type Read;

    #[wasm_bindgen(method, getter)]
    fn done(this: &Read) -> bool;

    #[wasm_bindgen(method, getter)]
    fn value(this: &Read) -> Uint8Array;
}

pub(crate) struct Chunks {
    reader: ReadableStreamDefaultReader,
    outcomes: Outcomes,
    is_over: bool,
}

impl Chunks {
    pub(crate) fn of(stream: &ReadableStream) -> Result<Self, JsValue> {
        Ok(Self {
            reader: ReadableStreamDefaultReader::new(stream)?,
            outcomes: Outcomes::new(),
            is_over: false,
        })
    }

    fn read(&mut self, outcome: Result<JsValue, JsValue>) -> Option<Result<Bytes, FetchError>> {
        let Ok(read) = outcome else {
            self.is_over = true;
            return Some(Err(FetchError::Broken));
        };
        let read: Read = read.unchecked_into();
        if read.done() {
            self.is_over = true;
            return None;
        }
        Some(Ok(read.value().to_vec().into()))
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
            self.outcomes.watch(&self.reader.read());
        }
        self.outcomes.wake(cx)
    }
}
