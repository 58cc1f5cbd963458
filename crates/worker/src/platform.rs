//! `Platform` on JavaScript.

use std::future::Future;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use homefire_core::platform::{Event, FetchError, Moment, Platform};
use homefire_core::store::Memory;
use wasm_bindgen::JsCast;
use web_sys::WorkerGlobalScope;
use worker::send::SendFuture;
use worker::{Context, console_log};

use crate::fetch::{self, Body};
use crate::timer;

/// Shared by all requests of an isolate.
static STORE: LazyLock<Memory> = LazyLock::new(Memory::default);

/// The platform of one request: its context alone can keep the isolate at work.
#[derive(Clone)]
pub(crate) struct Worker {
    context: Arc<Context>,
}

impl Worker {
    pub(crate) fn new(context: Context) -> Self {
        Self { context: Arc::new(context) }
    }
}

impl Platform for Worker {
    type Body = Body;
    type Store = Memory;

    fn fetch(
        &self,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = Result<http::Response<Body>, FetchError>> + Send {
        SendFuture::new(fetch::fetch(request))
    }

    fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send {
        SendFuture::new(timer::sleep(wait))
    }

    fn now(&self) -> Moment {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "milliseconds since 1970 fit"
        )]
        Moment(js_sys::Date::now() as u64)
    }

    fn entropy(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        let global: WorkerGlobalScope = js_sys::global().unchecked_into();
        let filled = global.crypto().and_then(|crypto| crypto.get_random_values_with_u8_array(&mut bytes));
        filled.expect("a request's handler may ask for chance");
        bytes
    }

    fn log(&self, event: &Event) {
        let line = serde_json::to_string(event).expect("events have string keys and serialize");
        console_log!("{line}");
    }

    fn wait_until(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.context.wait_until(task);
    }

    fn store(&self) -> &Memory {
        &STORE
    }
}
