//! Futures that run where they are woken: in the very callback that JavaScript calls, without a promise of their own. One
//! that another wakes runs behind it, for that one may hold a lock.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use js_sys::Promise;
use send_wrapper::SendWrapper;
use wasm_bindgen::JsValue;

type Running = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    static QUEUE: Queue = const { Queue { woken: RefCell::new(VecDeque::new()), is_running: Cell::new(false) } };
}

/// JavaScript begins something, so nothing runs. What was cut off in the middle, as the platform does with who takes too
/// long, holds up nobody.
pub(crate) fn entered() {
    QUEUE.with(|queue| queue.is_running.set(false));
}

/// Runs `future` as far as it goes, and further each time it is woken.
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    let state = State { future: RefCell::new(Some(Box::pin(future))), is_woken: Cell::new(false) };
    Arc::new(Task(SendWrapper::new(state))).wake();
}

/// A promise of what `future` comes to, which runs likewise.
pub(crate) fn promise(future: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    let mut future = Some(future);
    Promise::new(&mut |resolve, reject| {
        let Some(future) = future.take() else { return };
        spawn(async move {
            // Neither throws.
            let _ = match future.await {
                Ok(value) => resolve.call1(&JsValue::UNDEFINED, &value),
                Err(error) => reject.call1(&JsValue::UNDEFINED, &error),
            };
        });
    })
}

struct Queue {
    woken: RefCell<VecDeque<Arc<Task>>>,
    is_running: Cell<bool>,
}

struct Task(SendWrapper<State>);

struct State {
    /// None while it is polled, and when it has ended.
    future: RefCell<Option<Running>>,
    is_woken: Cell<bool>,
}

impl Queue {
    fn run(&self) {
        if self.is_running.replace(true) {
            return;
        }
        while let Some(task) = self.next() {
            task.run();
        }
        self.is_running.set(false);
    }

    fn next(&self) -> Option<Arc<Task>> {
        self.woken.borrow_mut().pop_front()
    }
}

impl Task {
    fn run(self: Arc<Self>) {
        let state = &self.0;
        state.is_woken.set(false);
        let Some(mut future) = state.future.take() else { return };
        if future.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(&self)))).is_pending() {
            state.future.replace(Some(future));
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        if self.0.is_woken.replace(true) {
            return;
        }
        QUEUE.with(|queue| {
            queue.woken.borrow_mut().push_back(self);
            queue.run();
        });
    }
}
