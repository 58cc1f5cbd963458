//! `Platform` in one process and in virtual time: tokio's paused clock, nodes and services instead of sockets.

mod door;

use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::FutureExt;
use futures_util::stream::{self, Stream};
use homefire_core::platform::{Event, FetchError, Line as Logged, Moment, Platform};
use homefire_core::store::Nowhere;
use tokio::time::{Instant, sleep};

use door::{Door, Guest};

use crate::node::{Node, Play, Step};
use crate::outside::Outside;
use crate::socket::Reach;

/// A world without sockets. Clones are the same world.
#[derive(Clone, Debug)]
pub struct InProcess {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    connect: Duration,
    nodes: Vec<(String, Node, Door)>,
    outside: Mutex<Vec<Neighbour>>,
    lines: Mutex<Vec<(Option<String>, Event)>>,
    drawn: AtomicU64,
    started: Instant,
}

/// A service that is no node: its host, itself, how it can be reached.
type Neighbour = (String, Arc<dyn Outside>, Door);

impl InProcess {
    /// Nodes by their hosts. `connect` is how long a connection is waited for.
    pub fn new(nodes: impl IntoIterator<Item = (String, Node)>, connect: Duration) -> Self {
        let nodes = nodes.into_iter().map(|(host, node)| (host, node, Door::default())).collect();
        let inner = Inner {
            connect,
            nodes,
            outside: Mutex::default(),
            lines: Mutex::default(),
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
        self.inner.nodes[nth].2.set(reach);
    }

    /// Adds a service that is no node, by its host. A second one of the same host takes the first one's place.
    pub fn add(&self, host: &str, service: impl Outside) {
        let mut outside = self.outside();
        outside.retain(|(name, ..)| name != host);
        outside.push((host.to_owned(), Arc::new(service), Door::default()));
    }

    /// Changes how the service at `host` can be reached.
    ///
    /// # Panics
    /// There is none of that name.
    pub fn set_outside(&self, host: &str, reach: Reach) {
        let outside = self.outside();
        let found = outside.iter().find(|(name, ..)| name == host);
        let (_, _, door) = found.unwrap_or_else(|| panic!("nobody was added at {host}"));
        door.set(reach);
    }

    fn outside(&self) -> MutexGuard<'_, Vec<Neighbour>> {
        self.inner.outside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is at `host`, and how it can be reached.
    fn find(&self, host: &str) -> Option<(Host, Door)> {
        let node = self.inner.nodes.iter().find(|(name, ..)| name == host);
        if let Some((_, node, door)) = node {
            return Some((Host::Node(node.clone()), door.clone()));
        }
        let outside = self.outside();
        let (_, service, door) = outside.iter().find(|(name, ..)| name == host)?;
        Some((Host::Outside(Arc::clone(service)), door.clone()))
    }

    /// What was logged since the last call.
    pub fn take_events(&self) -> Vec<Event> {
        self.take_lines().into_iter().map(|(_, event)| event).collect()
    }

    /// What was logged since the last call, each event with the id of its request.
    pub fn take_lines(&self) -> Vec<(Option<String>, Event)> {
        std::mem::take(&mut *self.lines())
    }

    fn lines(&self) -> MutexGuard<'_, Vec<(Option<String>, Event)>> {
        self.inner.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reply's body.
type Body = Pin<Box<dyn Stream<Item = Result<Bytes, FetchError>> + Send>>;

impl Platform for InProcess {
    type Body = Body;
    type Keeper = Nowhere;
    type Limiter = Nowhere;

    const GATHER: Duration = Duration::ZERO;

    async fn fetch(&self, request: http::Request<Bytes>) -> Result<http::Response<Body>, FetchError> {
        let host = request.uri().host().unwrap_or_default();
        let (host, door) = self.find(host).ok_or(FetchError::Dns)?;
        match door.reach() {
            Reach::Up => {}
            Reach::Down => return Err(FetchError::Refused),
            Reach::Silent => {
                sleep(self.inner.connect).await;
                return Err(FetchError::ConnectTimeout);
            }
        }
        let guest = door.enter();
        match host {
            Host::Node(node) => head(Line { play: node.answer(request), guest }).await,
            Host::Outside(service) => {
                let response = guest.stay(service.answer(request)).await?;
                Ok(response.map_err(|_| FetchError::Broken)?.map(|bytes| pieces(bytes, guest)))
            }
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

    fn write(&self, line: &Logged<'_>) {
        self.lines().push((line.request.map(str::to_owned), line.event.clone()));
    }

    /// Nobody waits for it: a test would not see that it panics.
    fn wait_until(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = async {
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                // Not by a macro: a test's own words would be lost with it.
                let _ = std::io::stderr().write_all(b"what is done behind a reply has panicked\n");
                std::process::abort();
            }
        };
        #[expect(clippy::disallowed_methods, reason = "this is the platform")]
        drop(tokio::spawn(task));
    }

    fn keeper(&self) -> Option<&Nowhere> {
        None
    }

    fn limiter(&self) -> Option<&Nowhere> {
        None
    }
}

#[derive(Debug)]
enum Host {
    Node(Node),
    Outside(Arc<dyn Outside>),
}

/// A connection to a node, for as long as the node can be reached.
struct Line {
    play: Play,
    guest: Guest,
}

impl Line {
    async fn next(&mut self) -> Result<Option<Step>, FetchError> {
        self.guest.stay(self.play.next()).await
    }
}

async fn head(mut line: Line) -> Result<http::Response<Body>, FetchError> {
    let Some(Step::Head(status, headers)) = line.next().await? else { return Err(FetchError::Broken) };
    let mut response = http::Response::new(body(line));
    *response.status_mut() = status;
    for (name, value) in headers {
        let value = value.parse().expect("the simulator's headers are ASCII");
        response.headers_mut().insert(name, value);
    }
    Ok(response)
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

/// A whole body as a network brings it: in pieces, and not to its end if its sender falls.
fn pieces(bytes: Bytes, guest: Guest) -> Body {
    const PIECE: usize = 16 * 1024;
    Box::pin(stream::unfold(Some(bytes), move |rest| {
        let is_out = guest.is_out();
        async move {
            let mut rest = rest.filter(|rest| !rest.is_empty())?;
            if is_out {
                return Some((Err(FetchError::Broken), None));
            }
            let piece = rest.split_to(rest.len().min(PIECE));
            Some((Ok(piece), Some(rest)))
        }
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::stream::StreamExt;
    use homefire_core::platform::{FetchError, Platform};
    use http::{Request, Response};
    use tokio::time::{Instant, sleep};

    use super::InProcess;
    use crate::outside::{Answer, Broken, Outside};
    use crate::socket::Reach;

    const CONNECT: Duration = Duration::from_secs(3);

    /// Answers with as many bytes as the path says; to `/broken` not at all, to `/hang` never.
    #[derive(Clone, Debug)]
    struct Echo;

    impl Outside for Echo {
        fn answer(&self, request: Request<Bytes>) -> Answer<'_> {
            Box::pin(async move {
                sleep(Duration::from_millis(20)).await;
                match request.uri().path() {
                    "/broken" => Err(Broken),
                    "/hang" => std::future::pending().await,
                    path => Ok(Response::new(vec![b'x'; path[1..].parse().unwrap()].into())),
                }
            })
        }
    }

    async fn ask(world: &InProcess, url: &str) -> Result<Vec<usize>, FetchError> {
        let response = world.fetch(Request::get(url).body(Bytes::new()).unwrap()).await?;
        let pieces: Vec<_> = response.into_body().collect().await;
        pieces.into_iter().map(|piece| Ok(piece?.len())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_is_reached_by_its_name() {
        let world = InProcess::new([], CONNECT);
        world.add("mail", Echo);
        assert_eq!(ask(&world, "http://mail/0").await, Ok(vec![]));
        assert_eq!(ask(&world, "https://mail:8443/40000").await, Ok(vec![16384, 16384, 7232]));
        assert_eq!(ask(&world, "http://mail/broken").await, Err(FetchError::Broken));
        assert_eq!(ask(&world, "http://nobody/1").await, Err(FetchError::Dns));
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_falls_as_a_node_does() {
        let world = InProcess::new([], CONNECT);
        world.add("mail", Echo);
        let check = async |reach, expect: Result<Vec<usize>, _>, after: Duration| {
            world.set_outside("mail", reach);
            let began = Instant::now();
            assert_eq!((ask(&world, "http://mail/1").await, began.elapsed()), (expect, after), "{reach:?}");
        };
        check(Reach::Down, Err(FetchError::Refused), Duration::ZERO).await;
        check(Reach::Silent, Err(FetchError::ConnectTimeout), CONNECT).await;
        check(Reach::Up, Ok(vec![1]), Duration::from_millis(20)).await;
        let falls = async {
            sleep(Duration::from_secs(1)).await;
            world.set_outside("mail", Reach::Down);
        };
        let (asked, ()) = tokio::join!(ask(&world, "http://mail/hang"), falls);
        assert_eq!(asked, Err(FetchError::Broken));
        world.set_outside("mail", Reach::Up);
        let large = Request::get("http://mail/40000").body(Bytes::new()).unwrap();
        let mut body = world.fetch(large).await.unwrap().into_body();
        assert_eq!(body.next().await.unwrap().unwrap().len(), 16384);
        world.set_outside("mail", Reach::Down);
        assert_eq!(body.next().await, Some(Err(FetchError::Broken)));
        assert_eq!(body.next().await, None);
    }
}
