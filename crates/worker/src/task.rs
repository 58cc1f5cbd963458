//! Futures that run where they are woken: in the very callback that JavaScript calls, without a promise of their own. One
//! that another wakes runs behind it, for that one may hold a lock.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use js_sys::Promise;
use send_wrapper::SendWrapper;
use wasm_bindgen::JsValue;

type Running = Pin<Box<dyn Future<Output = ()>>>;

/// Those of one request, or of one round of the monitor. Clones are the same. Where the platform cuts one off in the middle,
/// as it does with who takes too long, nobody else's wait behind it, nor run in a request that is not theirs.
#[derive(Clone, Default)]
pub(crate) struct Tasks(Rc<Queue>);

#[derive(Default)]
struct Queue {
    woken: RefCell<VecDeque<Arc<Task>>>,
    is_running: Cell<bool>,
}

struct Task(SendWrapper<State>);

struct State {
    queue: Rc<Queue>,
    /// None while it is polled, and when it has ended.
    future: RefCell<Option<Running>>,
    is_woken: Cell<bool>,
}

impl Tasks {
    /// Runs `future` as far as it goes, and further each time it is woken.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        let future = RefCell::new(Some(Box::pin(future) as Running));
        let state = State { queue: Rc::clone(&self.0), future, is_woken: Cell::new(false) };
        Arc::new(Task(SendWrapper::new(state))).wake();
    }

    /// A promise of what `future` comes to, which runs likewise.
    pub(crate) fn promise(
        &self,
        future: impl Future<Output = Result<JsValue, JsValue>> + 'static,
    ) -> Promise {
        let mut future = Some(future);
        Promise::new(&mut |resolve, reject| {
            let Some(future) = future.take() else { return };
            self.spawn(async move {
                // Neither throws.
                let _ = match future.await {
                    Ok(value) => resolve.call1(&JsValue::UNDEFINED, &value),
                    Err(error) => reject.call1(&JsValue::UNDEFINED, &error),
                };
            });
        })
    }
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
        let queue = Rc::clone(&self.0.queue);
        queue.woken.borrow_mut().push_back(self);
        queue.run();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn who_is_cut_off_holds_up_nobody() {
        let cut_off = Tasks::default();
        let cut = catch_unwind(AssertUnwindSafe(|| cut_off.spawn(async { panic!("in the middle") })));
        assert!(cut.is_err());
        let has_run = Rc::new(Cell::new(false));
        let told = Rc::clone(&has_run);
        Tasks::default().spawn(async move { told.set(true) });
        assert!(has_run.get());
    }

    #[test]
    fn who_is_woken_runs_behind_who_wakes() {
        let (tasks, order) = (Tasks::default(), Rc::new(RefCell::new(Vec::new())));
        let (first, second, behind) = (Rc::clone(&order), Rc::clone(&order), tasks.clone());
        tasks.spawn(async move {
            behind.spawn(async move { second.borrow_mut().push("second") });
            first.borrow_mut().push("first");
        });
        assert_eq!(*order.borrow(), ["first", "second"]);
    }
}
