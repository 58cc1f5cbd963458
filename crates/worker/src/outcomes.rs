//! Promises of one kind, whose outcomes come through two closures that are made once: a promise of its own for each wait,
//! with closures of its own, is most of what a chunk costs.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;

pub(crate) struct Outcomes(Rc<Inner>);

type Settle = Closure<dyn FnMut(JsValue)>;

#[derive(Default)]
struct Inner {
    /// Of the promise that settled last.
    last: Cell<Option<Result<JsValue, JsValue>>>,
    /// Promises that have not settled.
    open: Cell<usize>,
    waker: Cell<Option<Waker>>,
    /// Whether only a failure wakes.
    is_calm: Cell<bool>,
    /// They keep this value, and are let go when nobody waits any more and no promise can call them.
    closures: RefCell<Option<(Settle, Settle)>>,
    is_dropped: Cell<bool>,
}

impl Outcomes {
    pub(crate) fn new() -> Self {
        let inner = Rc::new(Inner::default());
        let (well, ill) = (Rc::clone(&inner), Rc::clone(&inner));
        let closures = (
            Closure::new(move |value| well.settle(Ok(value))),
            Closure::new(move |error| ill.settle(Err(error))),
        );
        *inner.closures.borrow_mut() = Some(closures);
        Self(inner)
    }

    pub(crate) fn watch(&self, promise: &Promise) {
        if let Some((well, ill)) = &*self.0.closures.borrow() {
            self.0.open.set(self.0.open.get() + 1);
            drop(promise.then2(well, ill));
        }
    }

    /// Promises that have not settled.
    pub(crate) fn open(&self) -> usize {
        self.0.open.get()
    }

    /// The last outcome, once.
    pub(crate) fn take(&self) -> Option<Result<JsValue, JsValue>> {
        self.0.last.take()
    }

    /// The next outcome wakes whoever polls.
    pub(crate) fn wake<T>(&self, cx: &Context<'_>) -> Poll<T> {
        self.0.is_calm.set(false);
        self.0.waker.set(Some(cx.waker().clone()));
        Poll::Pending
    }

    /// The next failure does.
    pub(crate) fn wake_by_failure(&self, cx: &Context<'_>) {
        self.0.is_calm.set(true);
        self.0.waker.set(Some(cx.waker().clone()));
    }
}

impl Inner {
    fn settle(&self, outcome: Result<JsValue, JsValue>) {
        self.open.set(self.open.get() - 1);
        let is_news = outcome.is_err() || !self.is_calm.get();
        self.last.set(Some(outcome));
        if is_news && let Some(waker) = self.waker.take() {
            waker.wake();
        }
        self.let_go();
    }

    fn let_go(&self) {
        if self.is_dropped.get() && self.open.get() == 0 {
            drop(self.closures.take());
        }
    }
}

impl Drop for Outcomes {
    fn drop(&mut self) {
        self.0.is_dropped.set(true);
        self.0.waker.take();
        self.0.let_go();
    }
}
