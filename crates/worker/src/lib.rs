//! Homefire as a Cloudflare Worker: JavaScript on one side, core on the other.
//!
//! In scope: the platform's promises, streams and bindings. Out of scope: what is answered. What JavaScript hands out is
//! not `Send`; an isolate has one thread, and this crate alone says so, through `worker::send`.

mod chunks;
mod context;
mod fetch;
mod limiter;
mod outcomes;
mod outlet;
mod platform;
mod records;
mod task;
mod timer;

use std::sync::OnceLock;

use homefire_core::config::Faults;
use homefire_core::limits::Address;
use homefire_core::reply::{self, Reply};
use homefire_core::service::{self, Service};
use http::HeaderMap;
use worker::{
    Context, Env, Headers, HttpRequest, Response, ResponseBuilder, ScheduleContext, ScheduledEvent,
    console_error, event,
};

use platform::Worker;

/// A panic ends every answer of the isolate: its place in the sources is what there is to know about it.
#[event(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| console_error!("{panic}")));
}

#[event(fetch)]
async fn fetch(mut request: HttpRequest, env: Env, context: Context) -> worker::Result<Response> {
    let platform = Worker::of_request(&env, context);
    if let Some(address) = address(request.headers()) {
        request.extensions_mut().insert(address);
    }
    let reply = match service(&env) {
        Ok(service) => service::handle(&platform, service, request).await,
        Err(faults) => service::misconfigured(&platform, request.headers(), faults),
    };
    convert(reply)
}

/// One round of the monitor, as often as `wrangler.toml` says.
#[event(scheduled)]
async fn scheduled(_: ScheduledEvent, env: Env, context: ScheduleContext) {
    let platform = Worker::of_round(&env, context);
    match service(&env) {
        Ok(service) => service::round(&platform, service).await,
        Err(faults) => drop(service::misconfigured(&platform, &HeaderMap::new(), faults)),
    }
}

/// Cloudflare writes this header itself, over whatever a client has put there.
fn address(headers: &HeaderMap) -> Option<Address> {
    let address = headers.get("cf-connecting-ip")?;
    Some(Address(address.to_str().ok()?.to_owned()))
}

/// Read once an isolate: bindings do not change while it lives.
fn service(env: &Env) -> Result<&'static Service, &'static Faults> {
    static SERVICE: OnceLock<Result<Service, Faults>> = OnceLock::new();
    // Variables and secrets are the same kind of binding.
    let read = |name: &str| env.var(name).ok().map(|value| value.to_string());
    SERVICE.get_or_init(|| Service::from_reader(read)).as_ref()
}

fn convert(reply: Reply) -> worker::Result<Response> {
    let (head, body) = reply.into_parts();
    let response =
        ResponseBuilder::new().with_status(head.status.as_u16()).with_headers(Headers::from(head.headers));
    match body {
        reply::Body::Whole(bytes) if bytes.is_empty() => Ok(response.empty()),
        reply::Body::Whole(bytes) => Ok(response.fixed(bytes.to_vec())),
        reply::Body::Events(events) => Ok(response.stream(outlet::stream(events)?)),
    }
}
