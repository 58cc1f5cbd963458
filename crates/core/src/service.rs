//! The front door: every adapter converts its request, calls [`handle`], and converts the reply back.

use bytes::Bytes;
use futures_util::stream::Stream;

use crate::config::Config;
use crate::platform::Platform;
use crate::reply::{self, Reply};
use crate::site::Site;

/// What an instance of the service is made of; shared by all its requests.
#[derive(Clone, Debug)]
pub struct Service {
    /// What it was told at its start.
    pub config: Config,
    /// What the owner says about himself.
    pub site: &'static Site,
}

/// Answers one request.
pub async fn handle<P, B, E>(_platform: &P, _service: &Service, _request: http::Request<B>) -> Reply
where
    P: Platform,
    B: Stream<Item = Result<Bytes, E>> + Send + Unpin,
{
    reply::json(http::StatusCode::NOT_FOUND, &"not found")
}
