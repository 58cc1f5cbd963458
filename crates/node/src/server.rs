//! The listener: connections, their bounds, and the end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
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

async fn connection(app: Arc<App>, stream: TcpStream, peer: SocketAddr, mut stopping: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let (waits, pulse) = (app.config.waits, Pulse::default());
    let answer = {
        let pulse = pulse.clone();
        service_fn(move |request| {
            let (app, pulse) = (Arc::clone(&app), pulse.clone());
            // Boxed, for hyper sets room aside for it as long as the connection lasts.
            Box::pin(async move { Ok::<_, Infallible>(guard::handle(app, request, peer, pulse).await) })
        })
    };
    // A client that closes its side has left, for hyper as for us: the reply is dropped.
    // Pinned where they are made: a future that is moved first has its room twice.
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(waits.idle)
            .max_headers(MOST_HEADERS)
            .max_buf_size(LONGEST_HEAD)
            .serve_connection(Heard { stream: TokioIo::new(stream), pulse: pulse.clone() }, answer)
    );
    let mut overdue = pin!(async {
        while !pulse.is_overdue(Instant::now(), &waits) {
            sleep(waits.head.min(waits.stalled) / 2).await;
        }
    });
    tokio::select! {
        _ = connection.as_mut() => return,
        () = overdue.as_mut() => return,
        _ = stopping.wait_for(|stopping| *stopping) => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ = connection => {}
        () = overdue => {}
    }
}
