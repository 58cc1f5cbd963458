//! The listener: connections, their bounds, and the end.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::drain::control;
use crate::guard::{self, App, Guard};
use crate::pulse::{Heard, Pulse};
use crate::wedge;

/// Connections at once; further ones wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 4096;

/// Headers of a request, and bytes of its head.
const MOST_HEADERS: usize = 64;
const LONGEST_HEAD: usize = 32 * 1024;

/// Bytes that are read before hyper reads: most requests are not longer.
const FIRST_PIECE: usize = 2048;

/// A request so soon after the last one makes a connection lively.
const AT_ONCE: Duration = Duration::from_secs(1);

/// For what has been said already to reach its client.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves until `stop` resolves. Then nothing new is taken, and what is in flight may end, within `Waits::farewell`.
/// Dropping it closes every connection at once. Orders are heard on `orders`.
pub async fn serve(
    listener: TcpListener,
    orders: Option<UnixListener>,
    guard: Guard,
    stop: impl Future<Output = ()>,
) {
    let app = Arc::clone(&guard.0);
    let hear = async {
        match &orders {
            Some(orders) => control::listen(orders, &guard).await,
            None => std::future::pending().await,
        }
    };
    let quiet = async {
        stop.await;
        app.switch.close();
        let over = async {
            while app.in_flight() > 0 {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let _ = timeout(app.config.waits.farewell, over).await;
    };
    tokio::select! {
        () = hear => {}
        () = wedge::watch(&app) => {}
        () = connections(listener, &app, quiet) => {}
    }
}

async fn connections(listener: TcpListener, app: &Arc<App>, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let (say_stop, stopping) = watch::channel(false);
    // Dropping the set closes what is still open.
    let mut open = JoinSet::new();
    loop {
        let place = tokio::select! {
            () = &mut stop => break,
            place = Arc::clone(&room).acquire_owned() => place.expect("the semaphore is never closed"),
        };
        let accepted = tokio::select! {
            () = &mut stop => break,
            Some(_) = open.join_next(), if !open.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (app, stopping) = (Arc::clone(app), stopping.clone());
                open.spawn(async move {
                    connection(app, stream, peer, stopping).await;
                    drop(place);
                });
            }
            // Out of file descriptors, say: what is open may end and make room.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
    drop(listener);
    let _ = say_stop.send(true);
    let all = async { while open.join_next().await.is_some() {} };
    let _ = timeout(LAST_WORDS, all).await;
}

/// A client's connection, which is handed to hyper while there is something to say on it.
type Wire = Heard<TokioIo<TcpStream>>;

/// Between two requests nothing is kept of hyper, whose buffers are most of what a connection costs, unless the second came
/// at once: then so may a third.
async fn connection(app: Arc<App>, stream: TcpStream, peer: SocketAddr, mut stopping: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let mut wire = Heard { stream: TokioIo::new(stream), pulse: Pulse::default(), ahead: Bytes::new() };
    let mut quiet_since = None;
    loop {
        if wire.ahead.is_empty() {
            tokio::select! {
                begun = timeout(app.config.waits.idle, begin(wire.stream.inner_mut())) => match begun {
                    Ok(Ok(piece)) if !piece.is_empty() => wire.ahead = piece,
                    _ => return,
                },
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
        }
        let is_lively = quiet_since.is_some_and(|since: Instant| since.elapsed() < AT_ONCE);
        // Boxed, so that its room is given back.
        match Box::pin(talk(&app, wire, peer, is_lively, &mut stopping)).await {
            Some(quiet) => wire = quiet,
            None => return,
        }
        quiet_since = Some(Instant::now());
    }
}

/// The first bytes of a request, none if the client has left. Room for them is taken when they are there, and no earlier.
async fn begin(stream: &mut TcpStream) -> io::Result<Bytes> {
    poll_fn(|cx| {
        let mut piece = [0; FIRST_PIECE];
        let mut read = ReadBuf::new(&mut piece);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut read))?;
        Poll::Ready(Ok(Bytes::copy_from_slice(read.filled())))
    })
    .await
}

/// Speaks HTTP until nothing is under way; if the connection is lively until a look finds nothing under way. `None` if it has
/// come to its end.
async fn talk(
    app: &Arc<App>,
    wire: Wire,
    peer: SocketAddr,
    mut is_lively: bool,
    stopping: &mut watch::Receiver<bool>,
) -> Option<Wire> {
    let (waits, pulse) = (app.config.waits, wire.pulse.clone());
    let answer = {
        let pulse = pulse.clone();
        service_fn(move |request| {
            // Boxed, for hyper sets room aside for it as long as the connection lasts.
            Box::pin(guard::handle(Arc::clone(app), request, peer, pulse.clone()))
        })
    };
    // A client that closes its side has left, for hyper as for us: the reply is dropped. How long a head may take is looked
    // at below.
    let mut connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_headers(MOST_HEADERS)
        .max_buf_size(LONGEST_HEAD)
        // One short piece costs less than the three that a word would be.
        .writev(false)
        .serve_connection(wire, answer);
    let look = waits.head.min(waits.stalled) / 2;
    loop {
        // hyper has written what it has whenever it waits, unless the client takes nothing, which the pulse knows.
        let quiet = poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
            Poll::Ready(_) => Poll::Ready(false),
            Poll::Pending if !is_lively && pulse.is_quiet() => Poll::Ready(true),
            Poll::Pending => Poll::Pending,
        });
        tokio::select! {
            // What is said first, and then whether it took too long.
            biased;
            stays = quiet => {
                let parts = stays.then(|| connection.into_parts())?;
                // hyper may not have asked for all that was ahead.
                let ahead = [parts.read_buf, parts.io.ahead].concat().into();
                return Some(Heard { ahead, ..parts.io });
            }
            () = sleep(look) => match pulse.is_overdue(Instant::now(), &waits) {
                true => return None,
                false => is_lively &= !pulse.is_quiet(),
            },
            _ = stopping.wait_for(|stopping| *stopping) => break,
        }
    }
    Pin::new(&mut connection).graceful_shutdown();
    let overdue = async {
        while !pulse.is_overdue(Instant::now(), &waits) {
            sleep(look).await;
        }
    };
    tokio::select! {
        _ = connection => {}
        () = overdue => {}
    }
    None
}
