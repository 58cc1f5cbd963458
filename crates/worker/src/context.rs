//! Whether a request is being handled right now.
//!
//! A reply whose reader has left without a word is dropped when JavaScript's garbage is collected, which is no request's
//! business: whatever touches a stream, a timer or the network there throws, and an exception that Rust does not catch
//! ends the isolate with everybody's answers in it.

use js_sys::global;
use wasm_bindgen::JsCast;
use web_sys::WorkerGlobalScope;

/// Outside a request nobody may ask for chance either, and that exception is caught.
pub(crate) fn is_in_request() -> bool {
    let global: WorkerGlobalScope = global().unchecked_into();
    global.crypto().and_then(|crypto| crypto.get_random_values_with_u8_array(&mut [0])).is_ok()
}
