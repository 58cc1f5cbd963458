//! What JavaScript gives to whoever handles a request, and to nobody else.
//!
//! A reply whose reader has left without a word is dropped when JavaScript's garbage is collected, which is no request's
//! business: whatever touches a stream, a timer or the network there throws, and an exception that Rust does not catch
//! ends the isolate with everybody's answers in it.

use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;

// By their names: to ask the global object for them is a dozen functions more to compile before the first answer.
#[wasm_bindgen]
extern "C" {
    /// Fills `bytes`.
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues, catch)]
    pub(crate) fn chance(bytes: &mut [u8]) -> Result<(), JsValue>;

    /// Calls `ring` after so many milliseconds; what it returns stops it.
    #[wasm_bindgen(js_name = setTimeout, catch)]
    pub(crate) fn set_timeout(ring: &Closure<dyn FnMut()>, millis: i32) -> Result<i32, JsValue>;

    #[wasm_bindgen(js_name = clearTimeout)]
    pub(crate) fn clear_timeout(handle: i32);
}

/// Outside a request nobody may ask for chance either, and that exception is caught.
pub(crate) fn is_in_request() -> bool {
    chance(&mut [0]).is_ok()
}
