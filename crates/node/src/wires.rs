//! Connections to Ollama: kept while they are good, taken by one request at a time.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::bell::Bell;

/// Connections that are kept while nobody uses them.
const MOST_KEPT: usize = 64;

/// A reply that is awaited. Dropping it closes its connection.
pub(crate) type Asking = Pin<Box<dyn Future<Output = io::Result<Response<Coming>>> + Send>>;

/// All of them. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Wires(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    host: String,
    port: u16,
    patience: Duration,
    /// Those that nobody uses.
    wires: Mutex<Vec<Wire>>,
}

/// A connection. Whoever waits for what comes on it moves it along, so that nobody else is woken for it.
#[derive(Debug)]
struct Wire {
    sender: SendRequest<Full<Bytes>>,
    /// None once it is closed.
    connection: Option<Box<Connection<TokioIo<TcpStream>, Full<Bytes>>>>,
}

/// A connection in use. It is kept if its reply was read to the end.
struct Taken {
    wire: Option<Wire>,
    kept: Arc<Kept>,
}

/// A reply's body. Dropping it before its end closes its connection.
pub(crate) struct Coming {
    body: Incoming,
    taken: Taken,
    /// hyper's server asks for more several times a piece, and hardly ever is there more.
    bell: Bell,
}

impl Wires {
    /// To `host`, which must take a connection within `patience`.
    pub(crate) fn new(host: &str, port: u16, patience: Duration) -> Self {
        // Brackets are of an address in a URL, and not of an address.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Self(Arc::new(Kept { host, port, patience, wires: Mutex::default() }))
    }

    pub(crate) fn send(&self, request: Request<Full<Bytes>>) -> Asking {
        let kept = Arc::clone(&self.0);
        Box::pin(async move {
            let mut request = request;
            loop {
                let (mut wire, is_new) = match kept.take() {
                    Some(wire) => (wire, false),
                    None => (kept.open().await?, true),
                };
                let asking = wire.sender.try_send_request(request);
                let mut taken = Taken { wire: Some(wire), kept: Arc::clone(&kept) };
                let mut asking = pin!(asking);
                let reply = poll_fn(|cx| {
                    taken.go_on(cx);
                    asking.as_mut().poll(&mut idle())
                });
                request = match reply.await {
                    Ok(reply) => return Ok(reply.map(|body| Coming { body, taken, bell: Bell::new() })),
                    // It was closed just then, and Ollama has heard nothing.
                    Err(mut error) => match error.take_message().filter(|_| !is_new) {
                        Some(request) => request,
                        None => return Err(io::Error::other(error.into_error())),
                    },
                };
            }
        })
    }
}

impl Kept {
    fn take(&self) -> Option<Wire> {
        let mut wires = self.wires();
        std::iter::from_fn(|| wires.pop()).find_map(|mut wire| wire.is_ready().then_some(wire))
    }

    fn keep(&self, mut wire: Wire) {
        let mut wires = self.wires();
        // The one that was used longest ago: of those that are kept, each comes to this place if none is used.
        if wires.len() == MOST_KEPT || wires.first_mut().is_some_and(|first| !first.is_ready()) {
            wires.remove(0);
        }
        if wire.is_ready() {
            wires.push(wire);
        }
    }

    async fn open(&self) -> io::Result<Wire> {
        let stream = timeout(self.patience, TcpStream::connect((&*self.host, self.port))).await??;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        Ok(Wire { sender, connection: Some(Box::new(connection)) })
    }

    fn wires(&self) -> MutexGuard<'_, Vec<Wire>> {
        self.wires.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wire {
    /// Writes and reads what can be.
    fn go_on(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && Pin::new(connection).poll(cx).is_ready()
        {
            self.connection = None;
        }
    }

    /// Whether it is open, and all that was asked on it is answered.
    fn is_ready(&mut self) -> bool {
        self.go_on(&mut idle());
        self.connection.is_some() && self.sender.is_ready()
    }
}

impl Taken {
    fn go_on(&mut self, cx: &mut Context<'_>) {
        if let Some(wire) = &mut self.wire {
            wire.go_on(cx);
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(wire) = self.wire.take() {
            self.kept.keep(wire);
        }
    }
}

impl Body for Coming {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let Self { body, taken, bell } = self.get_mut();
        while bell.has_rung(cx) {
            taken.go_on(&mut Context::from_waker(bell.waker()));
            if let Poll::Ready(heard) = Pin::new(&mut *body).poll_frame(&mut idle()) {
                bell.again();
                return Poll::Ready(heard);
            }
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// For what only the connection brings about, which wakes its reader itself.
fn idle() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn kept_while_they_are_good() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wires = Wires::new("127.0.0.1", listener.local_addr().unwrap().port(), Duration::from_secs(3));
        let opened = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&opened);
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                open.spawn(async move {
                    // Two questions each, and then no more.
                    for end in ["", "connection: close\r\n"] {
                        let mut heard = Vec::new();
                        while !heard.ends_with(b"\r\n\r\n") {
                            heard.push(stream.read_u8().await?);
                        }
                        let said = format!("HTTP/1.1 200 OK\r\n{end}content-length: 2\r\n\r\nok");
                        stream.write_all(said.as_bytes()).await?;
                    }
                    io::Result::Ok(())
                });
            }
        });
        let ask = async || {
            let mut request = Request::new(Full::default());
            request.headers_mut().insert(http::header::HOST, "x".parse().unwrap());
            let reply = wires.send(request).await.unwrap();
            assert_eq!(reply.into_body().collect().await.unwrap().to_bytes(), "ok");
        };
        for (nth, expect) in (0..5).zip([1, 1, 2, 2, 3]) {
            ask().await;
            assert_eq!(opened.load(Ordering::Relaxed), expect, "{nth}");
        }
        tokio::join!(ask(), ask());
        assert_eq!(opened.load(Ordering::Relaxed), 4, "one goes where there is room, the other finds none");
    }

    #[tokio::test]
    async fn nobody_there() {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let wires = Wires::new("[::1]", port, Duration::from_secs(3));
        assert!(wires.send(Request::new(Full::default())).await.is_err());
    }
}
