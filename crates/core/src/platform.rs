//! What the core asks of the world: fetch, sleep, the time, chance, a log line, and to be kept alive.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, maybe_done, select};
use futures_util::stream::{Stream, StreamExt};
use serde::{Deserialize, Serialize};

pub use crate::event::{Event, Line};
use crate::limits::Limiter;
use crate::ollama::CHAT;
use crate::store::Keeper;

/// One running place of the service. Cloning is cheap; a clone speaks for the same request.
pub trait Platform: Clone + Send + Sync + 'static {
    /// A reply's body, chunk by chunk as it arrives.
    type Body: Stream<Item = Result<Bytes, FetchError>> + Send + Unpin + 'static;
    /// The platform's own place for records, if it has one.
    type Keeper: Keeper;
    /// The platform's own place that counts how often somebody comes, if it has one.
    type Limiter: Limiter;

    /// How long the pieces of an answer are gathered behind those that were handed on last: twenty times a second a reader
    /// sees something new, and each time costs more than the words in it. What comes behind a longer silence does not wait.
    const GATHER: Duration = Duration::from_millis(50);

    /// Sends a request and resolves when the reply's head is there. Redirects are not followed.
    ///
    /// Dropping is cancelling: to drop this future, or the body it resolved to, aborts the request.
    /// Where the platform can see a connection being made, it gives up after the configured
    /// [`connect`](crate::config::Deadlines::connect) and says [`FetchError::ConnectTimeout`]. Where it keeps connections
    /// itself, and one that was kept breaks at once, it may send the request again if it [`may_be_sent_twice`].
    fn fetch(
        &self,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = Result<http::Response<Self::Body>, FetchError>> + Send;

    /// Resolves after `wait`.
    fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send;

    /// The time. On Workers the clock stands still between two events of the outside world.
    fn now(&self) -> Moment;

    /// Bytes that nobody can foresee.
    fn entropy(&self) -> [u8; 10];

    /// Writes one line of the log.
    fn write(&self, line: &Line<'_>);

    /// The id of the request that this speaks for, where that is known. It is core that knows it.
    fn request(&self) -> Option<&str> {
        None
    }

    /// Logs one event.
    fn log(&self, event: &Event) {
        self.write(&Line { event, request: self.request() });
    }

    /// Keeps the instance alive until `task` ends, even when the reply has been sent or its reader left.
    fn wait_until(&self, task: impl Future<Output = ()> + Send + 'static);

    /// Where records are kept for all instances; `None` where the platform has no such place of its own.
    fn keeper(&self) -> Option<&Self::Keeper>;

    /// Who counts how often somebody comes; `None` where the platform has no such place of its own.
    fn limiter(&self) -> Option<&Self::Limiter>;
}

/// A moment in time: milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub u64);

impl Moment {
    /// The time from `earlier` to `self`; zero if the clock went backwards.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.millis_since(earlier))
    }

    /// Milliseconds from `earlier` to `self`; zero if the clock went backwards.
    pub fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Self;

    fn add(self, wait: Duration) -> Self {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

/// Why no reply, or no further byte of one, came from a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// The name of the host could not be resolved.
    Dns,
    /// Nobody listens there.
    Refused,
    /// No connection within the configured time.
    ConnectTimeout,
    /// The connection was made and then lost, or the reply was not HTTP.
    Broken,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "name not resolved",
            Self::Refused => "connection refused",
            Self::ConnectTimeout => "no connection in time",
            Self::Broken => "connection broken",
        })
    }
}

impl std::error::Error for FetchError {}

/// Whether it does no harm if whoever is asked hears a request twice: a question, and what only reads. A store would count
/// twice, or take its own writing for another's.
pub fn may_be_sent_twice(request: &http::Request<Bytes>) -> bool {
    request.method() == http::Method::GET || request.uri().path().ends_with(CHAT)
}

/// Whether a body says so.
pub(crate) fn holds(body: &[u8], words: &[u8]) -> bool {
    body.windows(words.len()).any(|window| window == words)
}

/// A body as far as its first `most` bytes.
pub async fn gather(
    body: &mut (impl Stream<Item = Result<Bytes, FetchError>> + Unpin),
    most: usize,
) -> Result<Vec<u8>, FetchError> {
    let mut whole = Vec::new();
    while whole.len() < most {
        let Some(chunk) = body.next().await else { break };
        let chunk = chunk?;
        whole.extend_from_slice(&chunk[..chunk.len().min(most - whole.len())]);
    }
    Ok(whole)
}

/// What all of them come to, in their order. They are few: each is polled whenever one is woken, and what `futures_util` has
/// for many would be 3 KB of the Worker.
pub(crate) async fn all<F: Future>(tasks: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut tasks: Vec<_> = tasks.map(|task| Box::pin(maybe_done(task))).collect();
    poll_fn(|cx| {
        let pending = tasks.iter_mut().filter_map(|task| task.as_mut().poll(cx).is_pending().then_some(()));
        if pending.count() == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    tasks.iter_mut().filter_map(|task| task.as_mut().take_output()).collect()
}

/// A new id that nobody can foresee, later ones behind earlier ones: a UUIDv7.
pub fn new_id<P: Platform>(platform: &P) -> String {
    let now = platform.now().0;
    uuid::Builder::from_unix_timestamp_millis(now, &platform.entropy()).into_uuid().to_string()
}

/// A wait was longer than its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

/// Runs `task`, but no longer than `limit`.
pub async fn within<P: Platform, T>(
    platform: &P,
    limit: Duration,
    task: impl Future<Output = T>,
) -> Result<T, Elapsed> {
    match select(pin!(task), pin!(platform.sleep(limit))).await {
        Either::Left((value, _)) => Ok(value),
        Either::Right(((), _)) => Err(Elapsed),
    }
}
