//! Homefire as a Cloudflare Worker: JavaScript on one side, core on the other.
//!
//! In scope: the platform's promises, streams and bindings. Out of scope: what is answered. `entry.js` is what Cloudflare
//! calls, and hands over to the functions here.

mod chunks;
mod context;
pub mod env;
mod fetch;
mod headers;
mod limiter;
mod outcomes;
mod outlet;
mod platform;
mod reader;
pub mod records;
mod task;
mod timer;

use std::sync::OnceLock;

use homefire_core::config::Faults;
use homefire_core::headers::OF_REQUESTS;
use homefire_core::limits::Address;
use homefire_core::reply::{self, Reply};
use homefire_core::service::{self, Service};
use http::{HeaderMap, Method, StatusCode, Uri};
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{Request, Response, ResponseInit, console};

use env::{Context, Env};
use fetch::Body;
use platform::Worker;
use reader::Reader;
use task::Tasks;

/// A panic ends every answer of the isolate: its place in the sources is what there is to know about it. What comes next
/// begins anew.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| console::error_1(&panic.to_string().into())));
    wasm_bindgen::handler::set_on_abort(wasm_bindgen::handler::schedule_reinit);
}

/// A reader's request.
#[wasm_bindgen(js_name = fetch)]
pub fn answer(request: Request, env: Env, context: Context) -> Promise {
    let tasks = Tasks::default();
    tasks.clone().promise(async move {
        let platform = Worker::new(&env, context, tasks.clone());
        let reader = Reader::of(&request);
        let request = read(&request)?;
        let reply = match service(&env) {
            Ok(service) => reader.awaits(service::handle(&platform, service, request)).await,
            Err(faults) => Some(service::misconfigured(&platform, request.headers(), faults)),
        };
        // Nobody hears of it; an error would be counted as the Worker's.
        let reply = reply.unwrap_or_else(|| reply::empty(StatusCode::NO_CONTENT));
        Ok(convert(reply, reader, &tasks)?.into())
    })
}

/// One round of the monitor, as often as `wrangler.toml` says.
#[wasm_bindgen]
pub fn scheduled(_: JsValue, env: Env, context: Context) -> Promise {
    let tasks = Tasks::default();
    tasks.clone().promise(async move {
        let platform = Worker::new(&env, context, tasks);
        match service(&env) {
            Ok(service) => service::round(&platform, service).await,
            Err(faults) => drop(service::misconfigured(&platform, &HeaderMap::new(), faults)),
        }
        Ok(JsValue::UNDEFINED)
    })
}

/// Read once an isolate: bindings do not change while it lives.
fn service(env: &Env) -> Result<&'static Service, &'static Faults> {
    static SERVICE: OnceLock<Result<Service, Faults>> = OnceLock::new();
    SERVICE.get_or_init(|| Service::from_reader(|name| env.text(name))).as_ref()
}

fn read(request: &Request) -> Result<http::Request<Body>, JsValue> {
    let mut read = http::Request::new(Body::of_request(request)?);
    *read.method_mut() = Method::try_from(&*request.method()).map_err(|_| JsValue::NULL)?;
    let url = request.url();
    // Nobody here asks for a query, which may hold anything. A path that is none is found nowhere.
    let url = url.split(['?', '#']).next().unwrap_or_default();
    *read.uri_mut() = Uri::try_from(url).unwrap_or_default();
    *read.headers_mut() = headers::read(&request.headers(), OF_REQUESTS)?;
    // Cloudflare writes this header itself, over whatever a client has put there.
    if let Some(address) = request.headers().get("cf-connecting-ip")? {
        read.extensions_mut().insert(Address(address));
    }
    Ok(read)
}

fn convert(reply: Reply, reader: Reader, tasks: &Tasks) -> Result<Response, JsValue> {
    let (head, body) = reply.into_parts();
    let init = ResponseInit::new();
    init.set_status(head.status.as_u16());
    init.set_headers(&headers::write(&head.headers)?.into());
    match body {
        reply::Body::Whole(bytes) if bytes.is_empty() => Response::new_with_opt_str_and_init(None, &init),
        reply::Body::Whole(bytes) => {
            Response::new_with_opt_js_u8_array_and_init(Some(&Uint8Array::from(&*bytes)), &init)
        }
        reply::Body::Events(events) => Response::new_with_opt_readable_stream_and_init(
            Some(&outlet::stream(events, reader, tasks)?),
            &init,
        ),
    }
}
