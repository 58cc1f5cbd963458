//! Homefire as a Vercel function: `vercel_runtime` on one side, core on the other.
//!
//! In scope: converting requests and replies, and keeping an instance awake while a reply streams. Out of scope: what is
//! answered. A rewrite must keep the path below `/api/`: it is core that finds the route.

mod life;

use std::convert::Infallible;
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::StreamExt;
use homefire_core::config::Faults;
use homefire_core::limits::Address;
use homefire_core::platform::{FetchError, Line, Moment, Platform};
use homefire_core::reply::{self, Reply};
use homefire_core::service::{self, Service};
use homefire_core::store::Nowhere;
use homefire_native::{Body, Native, gathered};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, BodyStream, Full, StreamBody};
use vercel_runtime::{AppState, Error, ResponseBody, service_fn};

/// Serves this function until the platform ends the instance. A configuration that is refused ends it at once.
pub async fn run() -> ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the reader that the configuration is parsed through"
    )]
    let service = match Service::from_reader(|name| std::env::var(name).ok()) {
        Ok(service) => Arc::new(service),
        Err(faults) => {
            eprintln!("{faults}");
            return ExitCode::from(2);
        }
    };
    let faults = life::faults(&service.config);
    if !faults.is_empty() {
        eprintln!("{}", Faults(faults));
        return ExitCode::from(2);
    }
    let native = Native::new(&service.config.deadlines);
    let handler = service_fn(move |request, state| {
        let function = Function { native: native.clone(), state };
        let service = Arc::clone(&service);
        async move { Ok::<_, Error>(function.answer(&service, request).await) }
    });
    match vercel_runtime::run(handler).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The platform of one request: it alone can keep the instance awake until its reply has ended.
#[derive(Clone)]
struct Function {
    native: Native,
    state: AppState,
}

impl Function {
    async fn answer(&self, service: &Service, request: vercel_runtime::Request) -> Response<ResponseBody> {
        let address = address(request.headers());
        let mut request: Request<_> = request.map(|body| {
            BodyStream::new(body).map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default()))
        });
        if let Some(address) = address {
            request.extensions_mut().insert(address);
        }
        convert(service::handle(self, service, request).await)
    }
}

/// Vercel writes these headers itself, over whatever a client has put there.
fn address(headers: &HeaderMap) -> Option<Address> {
    let address = headers.get("x-vercel-forwarded-for").or_else(|| headers.get("x-real-ip"))?;
    Some(Address(address.to_str().ok()?.to_owned()))
}

fn convert(reply: Reply) -> Response<ResponseBody> {
    let impossible = |never: Infallible| match never {};
    reply.map(|body| {
        ResponseBody(match body {
            reply::Body::Whole(bytes) => Full::new(bytes).map_err(impossible).boxed(),
            reply::Body::Events(events) => {
                BodyExt::boxed(StreamBody::new(gathered(events).map(|bytes| Ok(Frame::data(bytes)))))
            }
        })
    })
}

impl Platform for Function {
    type Body = Body;
    type Keeper = Nowhere;
    type Limiter = Nowhere;

    fn fetch(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Body>, FetchError>> + Send {
        self.native.fetch(request)
    }

    fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send {
        self.native.sleep(wait)
    }

    fn now(&self) -> Moment {
        self.native.now()
    }

    fn entropy(&self) -> [u8; 10] {
        self.native.entropy()
    }

    fn write(&self, line: &Line<'_>) {
        self.native.write(line);
    }

    fn wait_until(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.state.wait_until(task);
    }

    fn keeper(&self) -> Option<&Nowhere> {
        None
    }

    fn limiter(&self) -> Option<&Nowhere> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_vercel_says() {
        let check = |headers: &[(&'static str, &str)], expect: Option<&str>| {
            let headers = headers.iter().map(|(name, value)| {
                (http::HeaderName::from_static(name), value.parse().expect("a header's value"))
            });
            let found = address(&headers.collect::<HeaderMap>());
            assert_eq!(found, expect.map(|address| Address(address.to_owned())));
        };
        let (edge, real) = (("x-vercel-forwarded-for", "192.0.2.1"), ("x-real-ip", "192.0.2.2"));
        check(&[edge, real], Some("192.0.2.1"));
        check(&[real], Some("192.0.2.2"));
        check(&[("x-forwarded-for", "192.0.2.3"), ("cf-connecting-ip", "192.0.2.4")], None);
    }
}
