//! The front door: every adapter converts its request, calls [`handle`], and converts the reply back.

pub mod bearer;
mod cors;
mod tagged;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Request};

use crate::activity::Lately;
use crate::config::{Config, Faults};
use crate::error::Error;
use crate::event::Event;
use crate::limits::{Address, Visitors};
use crate::outlook::Outlook;
use crate::platform::{Platform, within};
use crate::reply::Reply;
use crate::route::{self, Route};
use crate::site::Site;
use crate::store::Memory;
use crate::{draft, feedback, health, status, terminal};
use tagged::Tagged;

/// Bytes of a request's body.
pub const LONGEST_BODY: usize = 64 * 1024;

/// Bytes of a body that is refused, and yet read to its end.
const LONGEST_REFUSED: usize = 1024 * 1024;

/// Until a request's body is there.
pub const READ_BODY: Duration = Duration::from_secs(10);

/// What an instance of the service is made of; shared by all its requests.
#[derive(Clone, Debug)]
pub struct Service {
    /// What it was told at its start.
    pub config: Arc<Config>,
    /// What the owner says about himself.
    pub site: &'static Site,
    /// What this instance remembers.
    pub memory: Memory,
    /// What this instance has heard of the nodes.
    pub outlook: Outlook,
    /// Who is here, and who came lately.
    pub visitors: Visitors,
    /// What it has read of the owner's activity.
    pub lately: Lately,
}

impl Service {
    /// The service with the owner's content as it was built.
    pub fn new(config: Config) -> Self {
        Self {
            config: Arc::new(config),
            site: Site::load(),
            memory: Memory::default(),
            outlook: Outlook::default(),
            visitors: Visitors::default(),
            lately: Lately::default(),
        }
    }

    /// The service with what `read` knows of the variables.
    pub fn from_reader(read: impl Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        Config::from_reader(read).map(Self::new)
    }
}

/// Answers one request. Its extensions hold the [`Address`] of whoever asks, where the adapter knows it.
pub async fn handle<P, B, E>(platform: &P, service: &Service, request: Request<B>) -> Reply
where
    P: Platform,
    B: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Send,
{
    let platform = Tagged::new(platform, request.headers());
    platform.tag(answer(&platform, service, request).await)
}

/// Plays one round of the monitor, for a trigger that is no request. What came of it is in the log.
pub async fn round<P: Platform>(platform: &P, service: &Service) {
    let platform = Tagged::new(platform, &HeaderMap::new());
    drop(health::round(&platform, service).await);
}

/// What every request is answered with when the configuration was refused. Logs the faults.
pub fn misconfigured<P: Platform>(platform: &P, request: &HeaderMap, faults: &Faults) -> Reply {
    let platform = Tagged::new(platform, request);
    platform.log(&Event::Misconfigured { faults: faults.0.clone() });
    platform.tag(Error::Misconfigured.reply())
}

/// What a request is answered with that there is no time for any more, where the server stops.
pub fn stopped<P: Platform>(platform: &P, service: &Service, request: &HeaderMap) -> Reply {
    let reply = cors::open_to(&service.config.allowed_origins, request, Error::Timeout.reply());
    Tagged::new(platform, request).tag(reply)
}

async fn answer<P, B, E>(platform: &P, service: &Service, request: Request<B>) -> Reply
where
    P: Platform,
    B: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Send,
{
    let (head, body) = request.into_parts();
    // Whatever is asked: a client reads a refusal when it has sent all, and a proxy between may break on what is left
    // unread.
    let body = receive(platform, &head.headers, body).await;
    let origins = &service.config.allowed_origins;
    if head.method == Method::OPTIONS {
        let reply = match route::at(head.uri.path()) {
            Ok((allowed, _)) => cors::preflight(allowed),
            Err(error) => error.reply(),
        };
        return cors::open_to(origins, &head.headers, reply);
    }
    let reply = match route::find(&head.method, head.uri.path()) {
        Ok(route) => call(platform, service, route, &head, body).await,
        Err(error) => Err(error),
    };
    cors::open_to(origins, &head.headers, reply.unwrap_or_else(|error| error.reply()))
}

async fn call<P: Platform>(
    platform: &P,
    service: &Service,
    route: Route,
    head: &Parts,
    body: Result<Vec<u8>, Error>,
) -> Result<Reply, Error> {
    let headers = &head.headers;
    // Futures of their own: on Workers a function is compiled whole when it is first called, and this one with all of
    // theirs in it.
    match route {
        Route::Terminal => {
            let address = head.extensions.get::<Address>();
            terminal::handle(platform, service, address, &json(headers, body)?).await
        }
        Route::Draft => {
            bearer::check(headers, service.config.draft_key.as_ref())?;
            Box::pin(draft::handle(platform, service, headers, &json(headers, body)?)).await
        }
        Route::Feedback => {
            bearer::check(headers, service.config.draft_key.as_ref())?;
            Box::pin(feedback::handle(platform, service, &json(headers, body)?)).await
        }
        Route::Health => {
            bearer::check(headers, service.config.monitor.cron_secret.as_ref())?;
            Box::pin(health::handle(platform, service)).await
        }
        Route::Status => Box::pin(status::handle(platform, service)).await,
    }
}

fn json(headers: &HeaderMap, body: Result<Vec<u8>, Error>) -> Result<Vec<u8>, Error> {
    if is_json(headers) { body } else { Err(Error::UnsupportedMediaType) }
}

async fn receive<P, B, E>(platform: &P, headers: &HeaderMap, body: B) -> Result<Vec<u8>, Error>
where
    P: Platform,
    B: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Send,
{
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > LONGEST_REFUSED) {
        return Err(Error::BodyTooLarge);
    }
    within(platform, READ_BODY, read(body)).await.unwrap_or(Err(Error::BodyTimeout))
}

async fn read<B, E>(mut body: B) -> Result<Vec<u8>, Error>
where
    B: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let (mut whole, mut length) = (Vec::new(), 0);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| Error::BodyBroken)?;
        length += chunk.len();
        if length > LONGEST_REFUSED {
            return Err(Error::BodyTooLarge);
        }
        if length <= LONGEST_BODY {
            whole.extend_from_slice(&chunk);
        }
    }
    if length > LONGEST_BODY { Err(Error::BodyTooLarge) } else { Ok(whole) }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes) else { return false };
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}
