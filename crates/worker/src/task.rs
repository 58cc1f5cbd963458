//! A future that runs where it is woken: in the very callback that JavaScript calls, without a promise of its own.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use send_wrapper::SendWrapper;

type Running = Pin<Box<dyn Future<Output = ()>>>;

/// Runs `future` as far as it goes now, and further each time it is woken.
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    let state = State { future: RefCell::new(Some(Box::pin(future))), is_woken: Cell::new(false) };
    Arc::new(Task(SendWrapper::new(state))).run();
}

struct Task(SendWrapper<State>);

struct State {
    /// None while it is polled, and when it has ended.
    future: RefCell<Option<Running>>,
    is_woken: Cell<bool>,
}

impl Task {
    fn run(self: &Arc<Self>) {
        let state = &self.0;
        let waker = Waker::from(Arc::clone(self));
        state.is_woken.set(true);
        loop {
            let Some(mut future) = state.future.take() else { return };
            state.is_woken.set(false);
            if future.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Ready(()) {
                return;
            }
            state.future.replace(Some(future));
            if !state.is_woken.get() {
                return;
            }
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.is_woken.set(true);
        self.run();
    }
}
