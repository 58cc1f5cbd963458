//! What `wrangler.toml` and the secrets bind to the Worker, by name.

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

#[wasm_bindgen]
extern "C" {
    /// The bindings.
    pub type Env;

    #[wasm_bindgen(method, structural, indexing_getter)]
    fn value(this: &Env, name: &str) -> JsValue;

    /// What the platform hands to a request and to a round of the monitor.
    pub type Context;

    /// Keeps the isolate at work until the promise settles.
    #[wasm_bindgen(method, js_name = waitUntil)]
    pub(crate) fn wait_until(this: &Context, promise: &js_sys::Promise);
}

#[wasm_bindgen(module = "/src/env.js")]
extern "C" {
    fn text(env: &Env, name: &str) -> Option<String>;
}

impl Env {
    /// The binding of that name; `None` where there is none.
    pub(crate) fn bound<T: JsCast>(&self, name: &str) -> Option<T> {
        let value = self.value(name);
        value.is_object().then(|| value.unchecked_into())
    }

    /// The variable or secret of that name: they are the same kind of binding.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        text(self, name)
    }
}
