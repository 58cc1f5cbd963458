//! Nodes and other services on real addresses.

mod control;
mod listener;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};

use crate::node::{Node, Play, Step};
use crate::outside::Outside;
use listener::{Body, Listener, Reset, plain, whole};

/// A node, or another service, that listens. Dropping it kills it.
#[derive(Debug)]
pub struct Server<S = Node> {
    service: S,
    listener: Listener,
}

/// How a service can be reached.
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
        let host = node.clone();
        let host = move |request, reset| -> _ { Box::pin(ask(host.clone(), request, reset)) as _ };
        Ok(Self { service: node, listener: Listener::start(Arc::new(host), port, keep_alive).await? })
    }

    /// The node behind it.
    pub fn node(&self) -> &Node {
        &self.service
    }
}

impl<S: Outside + Clone> Server<S> {
    /// The same for a service that is no node.
    pub async fn open(service: S, port: u16, keep_alive: bool) -> io::Result<Self> {
        let host = service.clone();
        let host = move |request, reset| -> _ { Box::pin(call(host.clone(), request, reset)) as _ };
        Ok(Self { service, listener: Listener::start(Arc::new(host), port, keep_alive).await? })
    }

    /// The service behind it.
    pub fn service(&self) -> &S {
        &self.service
    }
}

impl<S> Server<S> {
    /// Where it listens, or would.
    pub fn addr(&self) -> SocketAddr {
        self.listener.addr()
    }

    /// The same as a base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// How it can be reached now.
    pub fn reach(&self) -> Reach {
        self.listener.reach()
    }

    /// Changes how it can be reached. What is no longer `Up` resets its open connections, as a power cut does.
    pub async fn set(&mut self, reach: Reach) -> io::Result<()> {
        self.listener.set(reach).await
    }
}

async fn call(service: impl Outside, request: Request<Bytes>, reset: Reset) -> Response<Body> {
    match service.answer(request).await {
        Ok(response) => response.map(whole),
        Err(_) => reset.pull().await,
    }
}

async fn ask(node: Node, request: Request<Bytes>, reset: Reset) -> Response<Body> {
    if request.uri().path().starts_with("/_sim/") {
        return control::answer(&node, &request).map(whole);
    }
    let mut play = node.answer(request);
    match play.next().await {
        Some(Step::Head(status, headers)) => {
            let mut response = Response::new(rest(play, reset));
            *response.status_mut() = status;
            for (name, value) in headers {
                let value = value.parse().expect("the simulator's headers are ASCII");
                response.headers_mut().insert(name, value);
            }
            response
        }
        Some(Step::Reset) => reset.pull().await,
        Some(Step::Bytes(_)) | None => plain(StatusCode::OK, ""),
    }
}

fn rest(play: Play, reset: Reset) -> Body {
    let frames = stream::unfold((play, reset), |(mut play, reset)| async move {
        match play.next().await? {
            Step::Bytes(bytes) => Some((Ok(Frame::data(bytes)), (play, reset))),
            Step::Reset => reset.pull().await,
            Step::Head(..) => None,
        }
    });
    StreamBody::new(frames).boxed()
}
