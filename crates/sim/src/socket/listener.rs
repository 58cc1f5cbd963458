//! An address of this machine, and the connections to it: refused, swallowed or reset when that is asked for.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::Reach;

const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// Who answers.
pub(super) type Host = Arc<dyn Fn(Request<Bytes>, Reset) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

pub(super) type Body = BoxBody<Bytes, io::Error>;

/// Resets the connection that a request came by.
#[derive(Clone)]
pub(super) struct Reset(Arc<watch::Sender<bool>>);

impl Reset {
    /// There is no after.
    pub(super) async fn pull<T>(&self) -> T {
        let _ = self.0.send(true);
        std::future::pending().await
    }
}

/// A host that listens. Dropping it ends it.
pub(super) struct Listener {
    host: Host,
    addr: SocketAddr,
    reach: Reach,
    keep_alive: bool,
    task: Option<JoinHandle<()>>,
    blackhole: Vec<Socket>,
}

impl Listener {
    pub(super) async fn start(host: Host, port: u16, keep_alive: bool) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let addr = listener.local_addr()?;
        let mut this = Self { host, addr, reach: Reach::Up, keep_alive, task: None, blackhole: Vec::new() };
        this.listen(listener);
        Ok(this)
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(super) fn reach(&self) -> Reach {
        self.reach
    }

    pub(super) async fn set(&mut self, reach: Reach) -> io::Result<()> {
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
        let task = tokio::spawn(accept(listener, Arc::clone(&self.host), self.keep_alive));
        self.task = Some(task);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Listener");
        shown.field("addr", &self.addr).field("reach", &self.reach).finish_non_exhaustive()
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
    // None is as many as there may be, to some systems.
    listener.listen(1)?;
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

async fn accept(listener: TcpListener, host: Host, keep_alive: bool) {
    // Aborting this task drops the set, and with it every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(serve(stream, host.clone(), keep_alive));
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn serve(stream: TcpStream, host: Host, keep_alive: bool) {
    let _ = stream.set_nodelay(true);
    let Ok(mut cord) = Cord::new(&stream) else { return };
    let (reset, mut resets) = watch::channel(false);
    let reset = Reset(Arc::new(reset));
    let service = service_fn(move |request| handle(request, host.clone(), reset.clone()));
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

async fn handle(request: Request<Incoming>, host: Host, reset: Reset) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
        return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "too large"));
    };
    Ok(host(Request::from_parts(head, body.to_bytes()), reset).await)
}

pub(super) fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response.map(whole)
}

pub(super) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}
