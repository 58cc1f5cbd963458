//! A bell between what may go on and who moves it along: it tells whether there is anything to do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

/// Wakes its sleeper, if there is one, and remembers that it rang. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Bell {
    rope: Arc<Rope>,
    waker: Waker,
}

#[derive(Debug)]
struct Rope(Mutex<State>);

#[derive(Debug)]
struct State {
    has_rung: bool,
    sleeper: Option<Waker>,
}

impl Bell {
    /// It has rung: what was never looked at may go on.
    pub(crate) fn new() -> Self {
        let rope = Arc::new(Rope(Mutex::new(State { has_rung: true, sleeper: None })));
        Self { waker: Arc::clone(&rope).into(), rope }
    }

    /// Rings it, without waking anybody: who says so is awake.
    pub(crate) fn again(&self) {
        self.rope.state().has_rung = true;
    }

    /// Whether it rang since this was last asked. If not, `cx` is woken when it does. If so, the caller is awake, and is woken
    /// for nothing before it asks again.
    pub(crate) fn has_rung(&self, cx: &Context<'_>) -> bool {
        let mut state = self.rope.state();
        if std::mem::take(&mut state.has_rung) {
            state.sleeper = None;
            return true;
        }
        match &mut state.sleeper {
            Some(sleeper) => sleeper.clone_from(cx.waker()),
            sleeper => *sleeper = Some(cx.waker().clone()),
        }
        false
    }

    /// For whatever rings it.
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }
}

impl Rope {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Rope {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let sleeper = {
            let mut state = self.state();
            state.has_rung = true;
            state.sleeper.take()
        };
        if let Some(sleeper) = sleeper {
            sleeper.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Sleeper(AtomicUsize);

    impl Wake for Sleeper {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn who_sleeps_is_woken_once() {
        let sleeper = Arc::new(Sleeper::default());
        let woken = || sleeper.0.load(Ordering::Relaxed);
        let waker = Arc::clone(&sleeper).into();
        let cx = Context::from_waker(&waker);
        let bell = Bell::new();
        assert!(bell.has_rung(&cx));
        bell.waker().wake_by_ref();
        assert_eq!(woken(), 0, "whoever goes on is awake");
        assert!(bell.has_rung(&cx) && !bell.has_rung(&cx) && !bell.has_rung(&cx));
        bell.waker().wake_by_ref();
        bell.waker().wake_by_ref();
        assert_eq!(woken(), 1);
        assert!(bell.has_rung(&cx) && !bell.has_rung(&cx));
        bell.again();
        assert_eq!(woken(), 1);
        assert!(bell.has_rung(&cx));
    }
}
