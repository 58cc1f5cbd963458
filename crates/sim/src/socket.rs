//! A node on a real address: hyper in front, and connections that can be reset.

mod control;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::node::{Node, Play, Step};

const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// A node that listens. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    node: Node,
    addr: SocketAddr,
    reach: Reach,
    keep_alive: bool,
    task: Option<JoinHandle<()>>,
    blackhole: Vec<Socket>,
}

/// How a node can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It listens and answers.
    Up,
    /// Nobody listens: a connection is refused.
    Down,
    /// Connections are neither accepted nor refused.
    Silent,
}

impl Server {
    /// Listens on 127.0.0.1; port 0 takes a free one.
    ///
    /// Without `keep_alive` every reply ends its connection. A node that falls takes its idle connections with it, and
    /// whether a client's pool has noticed when it asks again is a race.
    pub async fn start(node: Node, port: u16, keep_alive: bool) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let addr = listener.local_addr()?;
        let mut server = Self { node, addr, reach: Reach::Up, keep_alive, task: None, blackhole: Vec::new() };
        server.listen(listener);
        Ok(server)
    }

    /// The node behind it.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Where it listens, or would.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The same as a base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// How it can be reached now.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Changes how it can be reached. What is no longer `Up` resets its open connections, as a power cut does.
    pub async fn set(&mut self, reach: Reach) -> io::Result<()> {
        if reach == self.reach {
            return Ok(());
        }
        self.blackhole.clear();
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
        match reach {
            Reach::Up => self.listen(rebind(self.addr).await?),
            Reach::Silent => self.blackhole = blackhole(self.addr).await?,
            Reach::Down => {}
        }
        self.reach = reach;
        Ok(())
    }

    fn listen(&mut self, listener: TcpListener) {
        #[expect(clippy::disallowed_methods, reason = "the task is held, and aborted with the server")]
        let task = tokio::spawn(accept(listener, self.node.clone(), self.keep_alive));
        self.task = Some(task);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// A port that was just given up may take a moment to be free.
async fn rebind(addr: SocketAddr) -> io::Result<TcpListener> {
    let mut tries = 0;
    loop {
        match TcpListener::bind(addr).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries < 100 => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            result => return result,
        }
    }
}

/// A listener whose queue is full and never emptied: the kernel drops what would connect.
async fn blackhole(addr: SocketAddr) -> io::Result<Vec<Socket>> {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    listener.set_reuse_address(true)?;
    listener.bind(&addr.into())?;
    listener.listen(0)?;
    let mut sockets = vec![listener];
    for _ in 0..4 {
        let filler = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        filler.set_nonblocking(true)?;
        // In progress, or dropped: both fill the queue.
        let _ = filler.connect(&addr.into());
        sockets.push(filler);
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(sockets)
}

async fn accept(listener: TcpListener, node: Node, keep_alive: bool) {
    // Aborting this task drops the set, and with it every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(serve(stream, node.clone(), keep_alive));
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn serve(stream: TcpStream, node: Node, keep_alive: bool) {
    let _ = stream.set_nodelay(true);
    let Ok(mut cord) = Cord::new(&stream) else { return };
    let (reset, mut resets) = watch::channel(false);
    let reset = Arc::new(reset);
    let service = service_fn(move |request| handle(request, node.clone(), Arc::clone(&reset)));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(keep_alive)
        // As Go writes them.
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = connection => cord.served = true,
        _ = resets.wait_for(|reset| *reset) => {}
    }
}

/// Resets a connection that ends before it was served: a linger of zero at the last close is what the kernel makes of it.
struct Cord {
    socket: Socket,
    served: bool,
}

impl Cord {
    fn new(stream: &TcpStream) -> io::Result<Self> {
        Ok(Self { socket: SockRef::from(stream).try_clone()?, served: false })
    }
}

impl Drop for Cord {
    fn drop(&mut self) {
        if !self.served {
            let _ = self.socket.set_linger(Some(Duration::ZERO));
        }
    }
}

type Body = BoxBody<Bytes, io::Error>;

async fn handle(
    request: Request<Incoming>,
    node: Node,
    reset: Arc<watch::Sender<bool>>,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
        return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "too large"));
    };
    let request = Request::from_parts(head, body.to_bytes());
    if request.uri().path().starts_with("/_sim/") {
        return Ok(control::answer(&node, &request)
            .map(|body| Full::new(body).map_err(|never| match never {}).boxed()));
    }
    let mut play = node.answer(request);
    loop {
        match play.next().await {
            Some(Step::Head(status, headers)) => {
                let mut response = Response::new(body_of(play, reset));
                *response.status_mut() = status;
                for (name, value) in headers {
                    let value = value.parse().expect("the simulator's headers are ASCII");
                    response.headers_mut().insert(name, value);
                }
                return Ok(response);
            }
            Some(Step::Reset) => {
                let _ = reset.send(true);
                std::future::pending::<()>().await;
            }
            Some(Step::Bytes(_)) | None => return Ok(plain(StatusCode::OK, "")),
        }
    }
}

fn body_of(play: Play, reset: Arc<watch::Sender<bool>>) -> Body {
    let frames = stream::unfold((play, reset), |(mut play, reset)| async move {
        match play.next().await? {
            Step::Bytes(bytes) => Some((Ok(Frame::data(bytes)), (play, reset))),
            Step::Reset => {
                let _ = reset.send(true);
                std::future::pending().await
            }
            Step::Head(..) => None,
        }
    });
    StreamBody::new(frames).boxed()
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(text.into()).map_err(|never| match never {}).boxed());
    *response.status_mut() = status;
    response
}
