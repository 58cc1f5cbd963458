//! `Platform` on JavaScript.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use homefire_core::platform::{FetchError, Line, Moment, Platform};
use wasm_bindgen::JsCast;
use web_sys::WorkerGlobalScope;
use worker::send::{SendFuture, SendWrapper};
use worker::{Context, Env, ScheduleContext, console_log};

use crate::fetch::{self, Body};
use crate::limiter::Counter;
use crate::records::Durable;
use crate::timer;

/// The platform of one request, or of one round of the monitor: its context alone can keep the isolate at work.
#[derive(Clone)]
pub(crate) struct Worker {
    life: Arc<Life>,
    keeper: Option<Durable>,
    limiter: Option<Counter>,
}

enum Life {
    Request(Context),
    Round(SendWrapper<ScheduleContext>),
}

impl Worker {
    pub(crate) fn of_request(env: &Env, context: Context) -> Self {
        Self::new(env, Life::Request(context))
    }

    pub(crate) fn of_round(env: &Env, context: ScheduleContext) -> Self {
        Self::new(env, Life::Round(SendWrapper::new(context)))
    }

    fn new(env: &Env, life: Life) -> Self {
        Self { life: Arc::new(life), keeper: Durable::bound(env), limiter: Counter::bound(env) }
    }
}

impl Platform for Worker {
    type Body = Body;
    type Keeper = Durable;
    type Limiter = Counter;

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

    fn write(&self, line: &Line<'_>) {
        let line = serde_json::to_string(line).expect("events have string keys and serialize");
        console_log!("{line}");
    }

    fn wait_until(&self, task: impl Future<Output = ()> + Send + 'static) {
        match &*self.life {
            Life::Request(context) => context.wait_until(task),
            Life::Round(context) => context.wait_until(task),
        }
    }

    fn keeper(&self) -> Option<&Durable> {
        self.keeper.as_ref()
    }

    fn limiter(&self) -> Option<&Counter> {
        self.limiter.as_ref()
    }
}
