//! What JavaScript hands out is not `Send`. An isolate has one thread, which is checked wherever this is opened.

use std::ops::{Deref, DerefMut};

/// A future that is polled on the thread it was made on.
pub(crate) type SendFuture<F> = send_wrapper::SendWrapper<F>;

/// A value that stays on the thread it was made on.
#[derive(Clone)]
pub(crate) struct SendWrapper<T>(pub(crate) send_wrapper::SendWrapper<T>);

impl<T> SendWrapper<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(send_wrapper::SendWrapper::new(value))
    }
}

impl<T> Deref for SendWrapper<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for SendWrapper<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
