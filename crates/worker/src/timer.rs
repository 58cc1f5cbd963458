//! Waiting. All that a request waits for shares one timeout of JavaScript's: an answer has a dozen deadlines, most of them
//! over long before they are due, and a timeout with a promise of its own is dear.

use std::cell::{Cell, OnceCell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use js_sys::Date;
use wasm_bindgen::closure::Closure;

use crate::context::{clear_timeout, is_in_request, set_timeout};

/// One request's. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Timer(Rc<Inner>);

#[derive(Default)]
struct Inner {
    waits: RefCell<Vec<Wait>>,
    /// Waits until now; each has its number.
    count: Cell<u32>,
    timeout: Cell<Option<Timeout>>,
    /// What JavaScript calls.
    ring: OnceCell<Closure<dyn FnMut()>>,
}

/// Times are milliseconds.
struct Wait {
    number: u32,
    length: f64,
    due: f64,
    waker: Waker,
}

#[derive(Clone, Copy)]
struct Timeout {
    handle: i32,
    due: f64,
}

/// It begins when it is polled first, and may be polled first by one task and later by another, as a reply's body is.
pub(crate) struct Sleep {
    timer: Rc<Inner>,
    length: f64,
    number: Option<u32>,
}

impl Timer {
    /// Resolves after `wait`; dropping it costs nothing.
    pub(crate) fn sleep(&self, wait: Duration) -> Sleep {
        // JavaScript knows no longer timeout.
        let millis = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        Sleep { timer: Rc::clone(&self.0), length: millis.into(), number: None }
    }
}

impl Inner {
    /// Sees to it that the timeout is no later than `due`, in `left`.
    fn arm(self: &Rc<Self>, due: f64, left: f64) {
        if self.timeout.get().is_some_and(|timeout| timeout.due <= due) {
            return;
        }
        self.disarm();
        let ring = self.ring.get_or_init(|| {
            let timer = Rc::downgrade(self);
            Closure::new(move || timer.upgrade().iter().for_each(Self::ring))
        });
        #[expect(clippy::cast_possible_truncation, reason = "no longer than a wait")]
        let handle = set_timeout(ring, left as i32);
        self.timeout.set(handle.ok().map(|handle| Timeout { handle, due }));
    }

    fn disarm(&self) {
        if let Some(timeout) = self.timeout.take() {
            clear_timeout(timeout.handle);
        }
    }

    /// The timeout has come.
    fn ring(self: &Rc<Self>) {
        let Some(Timeout { due, .. }) = self.timeout.take() else { return };
        let (over, left) = self.waits.take().into_iter().partition(|wait| wait.due <= due);
        self.waits.replace(left);
        over.into_iter().for_each(|wait: Wait| wait.waker.wake());
        let next =
            self.waits.borrow().iter().map(|wait| (wait.due, wait.length)).min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((due, length)) = next {
            // A clock that was set back makes no wait longer than it is. `clamp` would bring the printing of floats.
            self.arm(due, (due - Date::now()).max(0.0).min(length));
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.timeout.get().is_some() && is_in_request() {
            self.disarm();
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(number) = self.number else {
            let (timer, length, due) = (&self.timer, self.length, Date::now() + self.length);
            let number = timer.count.get();
            timer.count.set(number + 1);
            timer.waits.borrow_mut().push(Wait { number, length, due, waker: cx.waker().clone() });
            timer.arm(due, length);
            self.number = Some(number);
            return Poll::Pending;
        };
        let mut waits = self.timer.waits.borrow_mut();
        let Some(wait) = waits.iter_mut().find(|wait| wait.number == number) else { return Poll::Ready(()) };
        let last = (!wait.waker.will_wake(cx.waker()))
            .then(|| std::mem::replace(&mut wait.waker, cx.waker().clone()));
        drop(waits);
        // Its task may end with it, and have waits of its own.
        drop(last);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut waits = self.timer.waits.borrow_mut();
        let wait = waits.iter().position(|wait| wait.number == number).map(|place| waits.swap_remove(place));
        drop(waits);
        drop(wait);
    }
}
