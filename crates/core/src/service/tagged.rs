//! A request's id, on whatever is done for it: each line of the log, each request upstream, the reply.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue};

use crate::event::Line;
use crate::headers::REQUEST_ID;
use crate::platform::{FetchError, Moment, Platform, new_id};
use crate::reply::Reply;

/// Characters of an id that is taken from a request.
const LONGEST: usize = 64;

/// The platform, at work for one request.
#[derive(Clone, Debug)]
pub(super) struct Tagged<P> {
    platform: P,
    id: HeaderValue,
}

impl<P: Platform> Tagged<P> {
    /// With the id that the request brings, if it is well formed; else with a new one.
    pub(super) fn new(platform: &P, request: &HeaderMap) -> Self {
        let brought = request.get(REQUEST_ID).filter(|id| is_well_formed(id.as_bytes()));
        let id = brought.cloned().unwrap_or_else(|| {
            HeaderValue::try_from(new_id(platform)).expect("hexadecimal digits and hyphens")
        });
        Self { platform: platform.clone(), id }
    }

    /// The reply with the id.
    pub(super) fn tag(&self, mut reply: Reply) -> Reply {
        reply.headers_mut().insert(REQUEST_ID, self.id.clone());
        reply
    }
}

fn is_well_formed(id: &[u8]) -> bool {
    (1..=LONGEST).contains(&id.len()) && id.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}

impl<P: Platform> Platform for Tagged<P> {
    type Body = P::Body;
    type Keeper = P::Keeper;
    type Limiter = P::Limiter;

    const GATHER: Duration = P::GATHER;

    fn fetch(
        &self,
        mut request: http::Request<Bytes>,
    ) -> impl Future<Output = Result<http::Response<P::Body>, FetchError>> + Send {
        request.headers_mut().insert(REQUEST_ID, self.id.clone());
        self.platform.fetch(request)
    }

    fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send {
        self.platform.sleep(wait)
    }

    fn now(&self) -> Moment {
        self.platform.now()
    }

    fn entropy(&self) -> [u8; 10] {
        self.platform.entropy()
    }

    fn write(&self, line: &Line<'_>) {
        self.platform.write(line);
    }

    fn request(&self) -> Option<&str> {
        self.id.to_str().ok()
    }

    fn wait_until(&self, task: impl Future<Output = ()> + Send + 'static) {
        // In a box all tasks are of one type, and the platform's machinery around them is there once.
        self.platform.wait_until(Box::pin(task) as Pin<Box<dyn Future<Output = ()> + Send>>);
    }

    fn keeper(&self) -> Option<&P::Keeper> {
        self.platform.keeper()
    }

    fn limiter(&self) -> Option<&P::Limiter> {
        self.platform.limiter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let check = |id: &str, expect: bool| assert_eq!(is_well_formed(id.as_bytes()), expect, "{id:?}");
        check("a", true);
        check("01a20e8f-bd05-73dc-ac90-e047d230d55c", true);
        check("Root_1.2-3", true);
        check(&"x".repeat(64), true);
        check(&"x".repeat(65), false);
        check("", false);
        check("two words", false);
        check("a/b", false);
        check("a\"b", false);
        check("é", false);
    }
}
