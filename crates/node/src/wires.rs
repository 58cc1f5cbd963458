//! Connections to Ollama: kept while they are good, taken by one request at a time.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Connections that are kept, in use or not.
const MOST_KEPT: usize = 64;

/// A reply that is awaited. Dropping it closes its connection.
pub(crate) type Asking = Pin<Box<dyn Future<Output = io::Result<Response<Incoming>>> + Send>>;

type Wire = SendRequest<Full<Bytes>>;

/// All of them. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Wires(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    host: String,
    port: u16,
    patience: Duration,
    /// Those in use are not ready.
    wires: Mutex<Vec<Wire>>,
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
            while let Some(mut wire) = kept.take() {
                let asking = wire.try_send_request(request);
                kept.keep(wire);
                request = match asking.await {
                    Ok(reply) => return Ok(reply),
                    // It was closed just then, and Ollama has heard nothing.
                    Err(mut error) => match error.take_message() {
                        Some(request) => request,
                        None => return Err(io::Error::other(error.into_error())),
                    },
                };
            }
            let mut wire = kept.open().await?;
            let asking = wire.send_request(request);
            kept.keep(wire);
            asking.await.map_err(io::Error::other)
        })
    }
}

impl Kept {
    fn take(&self) -> Option<Wire> {
        let mut wires = self.wires();
        wires.retain(|wire| !wire.is_closed());
        let at = wires.iter().rposition(SendRequest::is_ready)?;
        Some(wires.swap_remove(at))
    }

    fn keep(&self, wire: Wire) {
        let mut wires = self.wires();
        if wires.len() < MOST_KEPT {
            wires.push(wire);
        }
    }

    async fn open(&self) -> io::Result<Wire> {
        let stream = timeout(self.patience, TcpStream::connect((&*self.host, self.port))).await??;
        stream.set_nodelay(true)?;
        let (wire, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        #[expect(clippy::disallowed_methods, reason = "it ends with the connection")]
        drop(tokio::spawn(connection));
        Ok(wire)
    }

    fn wires(&self) -> MutexGuard<'_, Vec<Wire>> {
        self.wires.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
