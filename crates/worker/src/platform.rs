//! `Platform` on JavaScript.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use homefire_core::json;
use homefire_core::platform::{FetchError, Line, Moment, Platform};
use send_wrapper::SendWrapper;
use wasm_bindgen::JsValue;
use web_sys::console;

use crate::context::chance;
use crate::env::{Context, Env};
use crate::fetch::{self, Body};
use crate::limiter::Counter;
use crate::records::Durable;
use crate::task::Tasks;
use crate::timer::Timer;

/// The platform of one request, or of one round of the monitor: its context alone can keep the isolate at work.
#[derive(Clone)]
pub(crate) struct Worker {
    context: Arc<SendWrapper<Context>>,
    keeper: Option<Durable>,
    limiter: Option<Counter>,
    timer: SendWrapper<Timer>,
    tasks: SendWrapper<Tasks>,
}

impl Worker {
    pub(crate) fn new(env: &Env, context: Context, tasks: Tasks) -> Self {
        Self {
            context: Arc::new(SendWrapper::new(context)),
            keeper: Durable::bound(env),
            limiter: Counter::bound(env),
            timer: SendWrapper::new(Timer::default()),
            tasks: SendWrapper::new(tasks),
        }
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
        SendWrapper::new(fetch::fetch(request))
    }

    fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send {
        SendWrapper::new(self.timer.sleep(wait))
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
        chance(&mut bytes).expect("a request's handler may ask for chance");
        bytes
    }

    fn write(&self, line: &Line<'_>) {
        console::log_1(&json::text(line).into());
    }

    fn wait_until(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.context.wait_until(&self.tasks.promise(async {
            task.await;
            Ok(JsValue::UNDEFINED)
        }));
    }

    fn keeper(&self) -> Option<&Durable> {
        self.keeper.as_ref()
    }

    fn limiter(&self) -> Option<&Counter> {
        self.limiter.as_ref()
    }
}
