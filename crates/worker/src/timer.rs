//! Waiting, in a way that costs nothing once it is no longer waited for.

use std::time::Duration;

use js_sys::Promise;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::WorkerGlobalScope;

use crate::context::is_in_request;

/// Resolves after `wait`; dropping it clears the timeout. It may be polled first by one task and later by another, as
/// a reply's body is: a promise wakes whoever polled last.
pub(crate) async fn sleep(wait: Duration) {
    let global: WorkerGlobalScope = js_sys::global().unchecked_into();
    let millis = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
    let mut timeout = None;
    let promise = Promise::new(&mut |resolve, _| {
        timeout = global.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, millis).ok();
    });
    let _clear = Clear { global, timeout };
    // A timeout never rejects.
    let _ = JsFuture::from(promise).await;
}

struct Clear {
    global: WorkerGlobalScope,
    timeout: Option<i32>,
}

impl Drop for Clear {
    fn drop(&mut self) {
        if let Some(timeout) = self.timeout.filter(|_| is_in_request()) {
            self.global.clear_timeout_with_handle(timeout);
        }
    }
}
