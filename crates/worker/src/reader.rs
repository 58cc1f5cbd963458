//! Whoever asks, as long as he is there.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{AbortSignal, Request};

use crate::context::is_in_request;

/// He may leave before there is a reply whose stream could tell of it. Nothing that waits for him is ever called again
/// then, and what he holds would be held as long as the isolate lives.
pub(crate) struct Reader {
    signal: AbortSignal,
    state: Rc<State>,
    /// What JavaScript calls.
    _hear: Closure<dyn FnMut()>,
}

#[derive(Default)]
struct State {
    has_left: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl Reader {
    pub(crate) fn of(request: &Request) -> Self {
        let (signal, state) = (request.signal(), Rc::<State>::default());
        let hear = Closure::new({
            let state = Rc::clone(&state);
            move || state.leave()
        });
        signal.set_onabort(Some(hear.as_ref().unchecked_ref()));
        Self { signal, state, _hear: hear }
    }

    /// What `reply` comes to; none, and it is dropped, when he leaves before.
    pub(crate) async fn awaits<T>(&self, reply: impl Future<Output = T>) -> Option<T> {
        let mut reply = pin!(reply);
        poll_fn(|cx| match reply.as_mut().poll(cx) {
            Poll::Ready(reply) => Poll::Ready(Some(reply)),
            Poll::Pending => self.poll_left(cx).map(|()| None),
        })
        .await
    }

    /// Ready when he has left; wakes whoever polled last.
    pub(crate) fn poll_left(&self, cx: &Context<'_>) -> Poll<()> {
        if self.state.has_left.get() {
            return Poll::Ready(());
        }
        self.state.waker.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl State {
    fn leave(&self) {
        self.has_left.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if is_in_request() {
            self.signal.set_onabort(None);
        }
    }
}
