//! How often an address comes, counted by Cloudflare: once a location, for all isolates.

use homefire_core::limits::{Key, Limiter};
use js_sys::{Object, Promise, Reflect};
use send_wrapper::SendWrapper;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;

use crate::env::Env;

/// The binding in `wrangler.toml`.
const BINDING: &str = "RATE_LIMITER";

#[wasm_bindgen]
extern "C" {
    #[derive(Clone)]
    type RateLimiter;

    #[wasm_bindgen(method, catch)]
    fn limit(this: &RateLimiter, options: &Object) -> Result<Promise, JsValue>;
}

/// The binding, which knows its own figures.
#[derive(Clone)]
pub(crate) struct Counter(SendWrapper<RateLimiter>);

impl Counter {
    /// `None` where there is no such binding.
    pub(crate) fn bound(env: &Env) -> Option<Self> {
        env.bound(BINDING).map(SendWrapper::new).map(Self)
    }
}

impl Limiter for Counter {
    fn admits(&self, key: &Key) -> impl Future<Output = Option<bool>> + Send {
        let (limiter, key) = (self.0.clone(), key.to_string());
        SendWrapper::new(async move { count(&limiter, &key).await.ok()?.as_bool() })
    }
}

async fn count(limiter: &RateLimiter, key: &str) -> Result<JsValue, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"key".into(), &key.into())?;
    let outcome = JsFuture::from(limiter.limit(&options)?).await?;
    Reflect::get(&outcome, &"success".into())
}
