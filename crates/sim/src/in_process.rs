//! `Platform` in one process and in virtual time: tokio's paused clock, nodes instead of sockets.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use homefire_core::platform::{Event, FetchError, Moment, Platform};
use homefire_core::store::Nowhere;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::node::{Node, Play, Step};
use crate::socket::Reach;

/// A world without sockets. Clones are the same world.
#[derive(Clone, Debug)]
pub struct InProcess {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    connect: Duration,
    nodes: Vec<(String, Node, watch::Sender<Reach>)>,
    events: Mutex<Vec<Event>>,
    drawn: AtomicU64,
    started: Instant,
}

impl InProcess {
    /// Nodes by their hosts. `connect` is how long a connection is waited for.
    pub fn new(nodes: impl IntoIterator<Item = (String, Node)>, connect: Duration) -> Self {
        let nodes =
            nodes.into_iter().map(|(host, node)| (host, node, watch::Sender::new(Reach::Up))).collect();
        let inner = Inner {
            connect,
            nodes,
            events: Mutex::default(),
            drawn: AtomicU64::new(0),
            started: Instant::now(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The nodes, in their order.
    pub fn node(&self, nth: usize) -> &Node {
        &self.inner.nodes[nth].1
    }

    /// Changes how a node can be reached. What is no longer `Up` breaks its open connections, as a power cut does.
    pub fn set(&self, nth: usize, reach: Reach) {
        self.inner.nodes[nth].2.send_replace(reach);
    }

    /// What was logged since the last call.
    pub fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.inner.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A reply's body.
type Body = Pin<Box<dyn Stream<Item = Result<Bytes, FetchError>> + Send>>;

impl Platform for InProcess {
    type Body = Body;
    type Keeper = Nowhere;

    async fn fetch(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>, FetchError> {
        let host = request.uri().host().unwrap_or_default();
        let found = self.inner.nodes.iter().find(|(name, ..)| name == host);
        let (_, node, reach) = found.ok_or(FetchError::Dns)?;
        let reached = *reach.borrow();
        match reached {
            Reach::Up => {}
            Reach::Down => return Err(FetchError::Refused),
            Reach::Silent => {
                sleep(self.inner.connect).await;
                return Err(FetchError::ConnectTimeout);
            }
        }
        let mut line = Line { play: node.answer(request), reach: reach.subscribe() };
        match line.next().await? {
            Some(Step::Head(status, headers)) => {
                let mut response = http::Response::new(body(line));
                *response.status_mut() = status;
                for (name, value) in headers {
                    let value = value.parse().expect("the simulator's headers are ASCII");
                    response.headers_mut().insert(name, value);
                }
                Ok(response)
            }
            Some(Step::Bytes(_) | Step::Reset) | None => Err(FetchError::Broken),
        }
    }

    async fn sleep(&self, wait: Duration) {
        sleep(wait).await;
    }

    fn now(&self) -> Moment {
        /// 2026-01-01, so that no test takes a moment for a duration.
        const EPOCH: Moment = Moment(1_767_225_600_000);
        EPOCH + self.inner.started.elapsed()
    }

    /// Not so here: each call counts on, so that a run can be repeated.
    fn entropy(&self) -> [u8; 10] {
        let count = self.inner.drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        std::array::from_fn(|at| count[at % count.len()])
    }

    fn log(&self, event: &Event) {
        self.inner.events.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
    }

    fn wait_until(&self, task: impl Future<Output = ()> + Send + 'static) {
        #[expect(clippy::disallowed_methods, reason = "this is the platform")]
        drop(tokio::spawn(task));
    }

    fn keeper(&self) -> Option<&Nowhere> {
        None
    }
}

/// A connection to a node, for as long as the node can be reached.
struct Line {
    play: Play,
    reach: watch::Receiver<Reach>,
}

impl Line {
    async fn next(&mut self) -> Result<Option<Step>, FetchError> {
        tokio::select! {
            biased;
            _ = self.reach.wait_for(|reach| *reach != Reach::Up) => Err(FetchError::Broken),
            step = self.play.next() => Ok(step),
        }
    }
}

fn body(line: Line) -> Body {
    Box::pin(stream::unfold(Some(line), |line| async move {
        let mut line = line?;
        match line.next().await {
            Ok(Some(Step::Bytes(bytes))) => Some((Ok(bytes), Some(line))),
            Ok(None) => None,
            Ok(Some(Step::Reset | Step::Head(..))) | Err(_) => Some((Err(FetchError::Broken), None)),
        }
    }))
}
