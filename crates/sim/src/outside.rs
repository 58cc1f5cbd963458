//! A service that is no node: one request, one whole reply, or none at all.

mod turns;
mod wire;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};

pub(crate) use turns::Turns;
pub(crate) use wire::{bearer, carried_out, header, json, page, tell, typed};

/// What becomes of a request; see [`Outside::answer`].
pub type Answer<'a> = BoxFuture<'a, Result<Response<Bytes>, Broken>>;

/// The connection is reset instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// A service beside the nodes, the same in virtual time and on a socket.
///
/// It waits by tokio's clock alone. It may never answer; dropping the future is the client's leaving. A service that
/// carries on all the same spawns what it does.
pub trait Outside: fmt::Debug + Send + Sync + 'static {
    /// Answers one request.
    fn answer(&self, request: Request<Bytes>) -> Answer<'_>;
}

impl<T: Outside + ?Sized> Outside for Arc<T> {
    fn answer(&self, request: Request<Bytes>) -> Answer<'_> {
        (**self).answer(request)
    }
}
