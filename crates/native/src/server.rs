//! All routes on one listener.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use homefire_core::error::Error;
use homefire_core::limits::Address;
use homefire_core::reply::{self, Reply};
use homefire_core::service::{self, Service};
use http::{Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, BodyStream, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tower_http::services::ServeDir;

use crate::{Native, gathered};

/// Connections at once; further ones wait in the kernel's queue. Each may need another to a node.
const MOST_CONNECTIONS: u64 = 4096;

/// Until a request's head is there.
const READ_HEAD: Duration = Duration::from_secs(10);

/// For so long a client may take nothing of what waits for it.
const STUCK: Duration = Duration::from_secs(30);

/// What is still being answered when the server stops may take so long.
const FAREWELL: Duration = Duration::from_secs(10);

/// For the readers of what did not end by then to be told so.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves until `stop` resolves, then lets what is being answered end, and what goes on behind it, for [`FAREWELL`] at most;
/// what has not is told to be cut. Dropping it closes every connection at once. Paths outside `/api/` are files below
/// `public`.
pub async fn serve(
    listener: TcpListener,
    platform: Native,
    service: Arc<Service>,
    public: PathBuf,
    stop: impl Future<Output = ()>,
) {
    let mut stop = pin!(stop);
    let room = Arc::new(Semaphore::new(places()));
    let (say_cut, cut) = watch::channel(false);
    let behind = platform.clone();
    let app = Arc::new(App { platform, service, files: ServeDir::new(public), stuck: STUCK, cut });
    let (say_stop, stopping) = watch::channel(false);
    // Dropping the set closes what is still open.
    let mut connections = JoinSet::new();
    loop {
        let place = tokio::select! {
            () = &mut stop => break,
            place = Arc::clone(&room).acquire_owned() => place.expect("the semaphore is never closed"),
        };
        let accepted = tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (app, stopping) = (Arc::clone(&app), stopping.clone());
                connections.spawn(async move {
                    app.connection(stream, peer.ip(), stopping).await;
                    drop(place);
                });
            }
            // Out of file descriptors, say: what is open may end and make room.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    drop(listener);
    let _ = say_stop.send(true);
    let mut all = pin!(async {
        while connections.join_next().await.is_some() {}
        // Leases are returned there, and a round whose caller has left is played.
        behind.rest().await;
    });
    if tokio::time::timeout(FAREWELL, &mut all).await.is_err() {
        let _ = say_cut.send(true);
        let _ = tokio::time::timeout(LAST_WORDS, all).await;
    }
}

/// As many files as all connections need may be open, where this user may have so many.
pub fn allow_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(2 * MOST_CONNECTIONS, |most| most.min(2 * MOST_CONNECTIONS));
    if limit.current.is_some_and(|current| current < wanted) {
        // As it was, otherwise: there are fewer places then.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
    }
}

/// For connections: half of the files that may be open, so that no client takes what a node is asked by.
fn places() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    (files / 2).clamp(1, MOST_CONNECTIONS) as usize
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

struct App {
    platform: Native,
    service: Arc<Service>,
    files: ServeDir,
    stuck: Duration,
    /// Whether what is still being answered is cut.
    cut: watch::Receiver<bool>,
}

impl App {
    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: IpAddr,
        mut stopping: watch::Receiver<bool>,
    ) {
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.stuck));
        let app = service_fn(move |request| Arc::clone(&self).handle(peer, request));
        // A client that closes its side has left, for hyper as for us: the reply is dropped.
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(READ_HEAD)
            .serve_connection(TokioIo::new(Box::pin(stream)), app);
        let mut connection = pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = stopping.wait_for(|stopping| *stopping) => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }

    async fn handle(
        self: Arc<Self>,
        peer: IpAddr,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if is_read && !request.uri().path().starts_with("/api/") {
            return Ok(match self.files.clone().try_call(request).await {
                Ok(file) => file.map(BodyExt::boxed_unsync),
                Err(error) if is_absent(&error) => self.convert(reply::empty(StatusCode::NOT_FOUND)),
                Err(_) => self.convert(reply::empty(StatusCode::INTERNAL_SERVER_ERROR)),
            });
        }
        let mut request = request.map(|body| {
            BodyStream::new(body).map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default()))
        });
        request.extensions_mut().insert(Address(peer.to_string()));
        let (headers, mut cut) = (request.headers().clone(), self.cut.clone());
        let reply = tokio::select! {
            reply = service::handle(&self.platform, &self.service, request) => reply,
            // There is nothing yet that could be cut.
            Ok(_) = cut.wait_for(|is_cut| *is_cut) => service::stopped(&self.platform, &self.service, &headers),
        };
        Ok(self.convert(reply))
    }

    fn convert(&self, reply: Reply) -> Response<Body> {
        reply.map(|body| match body {
            reply::Body::Whole(bytes) => whole(bytes),
            reply::Body::Events(events) => {
                // What was said until then leaves before it.
                let ending = events.ending();
                let told = gathered(Box::pin(until_cut(events, ending, self.cut.clone())));
                StreamBody::new(told.map(|bytes| Ok::<_, io::Error>(Frame::data(bytes)))).boxed_unsync()
            }
        })
    }
}

/// What is told of `events` until they are cut, and then that they are, unless their end was told.
fn until_cut(
    events: impl Stream<Item = Bytes> + Send,
    has_ended: impl Fn() -> bool + Send,
    mut cut: watch::Receiver<bool>,
) -> impl Stream<Item = Bytes> + Send {
    let looked = cut.clone();
    let told = async move { (*looked.borrow() && !has_ended()).then(|| Error::Cut.frame().to_bytes()) };
    let cut = async move { drop(cut.wait_for(|is_cut| *is_cut).await) };
    events.take_until(cut).chain(stream::once(told).filter_map(ready))
}

fn is_absent(error: &io::Error) -> bool {
    [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind())
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::path::Path;

    use futures_util::FutureExt;
    use futures_util::stream::BoxStream;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::mpsc::unbounded_channel;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn what_has_not_ended_at_the_end_is_told_to_be_cut() {
        let check = async |rest: BoxStream<'static, Bytes>, has_ended, is_cut: bool, expect: &[Bytes]| {
            let (say_cut, cut) = watch::channel(false);
            let events = stream::iter([Bytes::from("a")]).chain(rest);
            let mut told = pin!(until_cut(events, move || has_ended, cut));
            assert_eq!(told.next().await, Some(Bytes::from("a")));
            say_cut.send(is_cut).unwrap();
            assert_eq!(told.collect::<Vec<_>>().await, expect);
        };
        check(stream::pending().boxed(), false, true, &[Error::Cut.frame().to_bytes()]).await;
        // What lingers behind its end.
        check(stream::pending().boxed(), true, true, &[]).await;
        check(stream::empty().boxed(), false, false, &[]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_said_until_then_leaves_before_it() {
        let (say_cut, cut) = watch::channel(false);
        let (say, mut said) = unbounded_channel();
        let said = stream::poll_fn(move |cx| said.poll_recv(cx));
        let mut told = gathered(Box::pin(until_cut(said, || false, cut)));
        say.send(Bytes::from("a")).unwrap();
        assert_eq!(told.next().await, Some(Bytes::from("a")));
        say.send(Bytes::from("b")).unwrap();
        // It is held, to be gathered with what follows.
        assert!(told.next().now_or_never().is_none());
        say_cut.send(true).unwrap();
        assert_eq!(
            told.next().await,
            Some([Bytes::from("b"), Error::Cut.frame().to_bytes()].concat().into())
        );
        assert_eq!(told.next().await, None);
    }

    /// An instance whose only node is at `node`.
    fn app(node: SocketAddr, public: &Path, stuck: Duration, cut: watch::Receiver<bool>) -> Arc<App> {
        let read = |name: &str| (name == "OLLAMA_PRIMARY_URL").then(|| format!("http://{node}"));
        let service = Arc::new(Service::from_reader(read).unwrap());
        let platform = Native::new(&service.config.deadlines);
        Arc::new(App { platform, service, files: ServeDir::new(public), stuck, cut })
    }

    #[tokio::test]
    async fn who_has_no_head_yet_at_the_end_is_told_to_ask_again() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (say_cut, cut) = watch::channel(false);
        let app = app(silent.local_addr().unwrap(), Path::new("/nowhere"), STUCK, cut);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut reader = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let body = r#"{"query":"What do you build?"}"#;
        let head = "POST /api/terminal HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-type: application/json";
        let ask = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        reader.write_all(ask.as_bytes()).await.unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        let (_stay, stopping) = watch::channel(false);
        let end = async {
            silent.accept().await.unwrap();
            say_cut.send(true).unwrap();
            let mut said = String::new();
            reader.read_to_string(&mut said).await.unwrap();
            said
        };
        let (said, ()) = tokio::join!(end, app.connection(stream, peer.ip(), stopping));
        assert!(said.starts_with("HTTP/1.1 503 ") && said.contains("retry-after: "), "{said}");
        assert!(said.contains(r#""code":"timeout""#) && said.contains("x-request-id: "), "{said}");
    }

    #[tokio::test]
    async fn who_takes_nothing_is_given_up() {
        let public = tempfile::tempdir().unwrap();
        std::fs::write(public.path().join("large"), vec![b'x'; 16 << 20]).unwrap();
        let (_, cut) = watch::channel(false);
        let app = app(([127, 0, 0, 1], 1).into(), public.path(), Duration::from_millis(200), cut);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut deaf = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        deaf.write_all(b"GET /large HTTP/1.1\r\nhost: here\r\n\r\n").await.unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        let (_stay, stopping) = watch::channel(false);
        let connection = app.connection(stream, peer.ip(), stopping);
        timeout(Duration::from_secs(20), connection).await.expect("nobody waits for it for ever");
    }
}
