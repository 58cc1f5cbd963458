//! What a reader receives: a stream that hands bytes over natively, written event by event.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::StreamExt;
use homefire_core::reply::Events;
use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{ReadableStream, WritableStream, WritableStreamDefaultWriter};

use crate::outcomes::Outcomes;
use crate::reader::Reader;
use crate::task::Tasks;

/// Writes that may be under way: while a reader takes one, the next is being made.
const MOST_OPEN: usize = 2;

#[wasm_bindgen]
extern "C" {
    /// workerd's own: what is written is read elsewhere as it stands, without JavaScript in between.
    type IdentityTransformStream;

    #[wasm_bindgen(constructor)]
    fn new() -> IdentityTransformStream;

    #[wasm_bindgen(method, getter)]
    fn readable(this: &IdentityTransformStream) -> ReadableStream;

    #[wasm_bindgen(method, getter)]
    fn writable(this: &IdentityTransformStream) -> WritableStream;
}

/// The stream that `events` are written into, from now on and as fast as it is read. When its reader leaves they are
/// dropped.
pub(crate) fn stream(events: Events, reader: Reader, tasks: &Tasks) -> Result<ReadableStream, JsValue> {
    let through = IdentityTransformStream::new();
    let writer = WritableStreamDefaultWriter::new(&through.writable())?;
    tasks.spawn(Outlet { writer, outcomes: Outcomes::new(), reader }.write(events));
    Ok(through.readable())
}

struct Outlet {
    writer: WritableStreamDefaultWriter,
    outcomes: Outcomes,
    /// Nobody reads the stream yet when it is handed over, and if he leaves just then nobody ever tells it.
    reader: Reader,
}

impl Outlet {
    async fn write(self, mut events: Events) {
        while let Some(bytes) = poll_fn(|cx| self.next(&mut events, cx)).await {
            // A copy: it is read when the reader is ready.
            self.outcomes.watch(&self.writer.write_with_chunk(&Uint8Array::from(bytes.as_ref())));
        }
        drop(events);
        self.outcomes.watch(&self.writer.close());
        // Whoever has left closes nothing any more.
        let is_over = |cx: &mut Context<'_>| {
            let is_over = self.outcomes.open() == 0 || self.reader.poll_left(cx).is_ready();
            if is_over { Poll::Ready(()) } else { self.outcomes.wake(cx) }
        };
        poll_fn(is_over).await;
    }

    /// The next event, if there is room for it. None at their end, and when the reader has left.
    fn next(&self, events: &mut Events, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(Err(_)) = self.outcomes.take() {
            return Poll::Ready(None);
        }
        if self.reader.poll_left(cx).is_ready() {
            return Poll::Ready(None);
        }
        if self.outcomes.open() == MOST_OPEN {
            return self.outcomes.wake(cx);
        }
        self.outcomes.wake_by_failure(cx);
        events.poll_next_unpin(cx)
    }
}
