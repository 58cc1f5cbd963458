//! Ollama's answer on its way to the client, chunk by chunk as it comes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri, response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full, Limited};
use serde_json::Value;
use tokio::time::{Sleep, sleep, timeout};

use crate::config::Waits;
use crate::leave;
use crate::log::End;
use crate::manner::Manner;
use crate::pulse::Pulse;
use crate::refusal::Refusal;
use crate::visit::Visit;
use crate::wires::{Asking, Coming, Wires};

/// What Ollama is told of the client. Tokens, cookies, origins and whatever a proxy has added stay here.
const PASSED_ON: [HeaderName; 4] =
    [CONTENT_TYPE, ACCEPT, USER_AGENT, HeaderName::from_static("x-request-id")];

/// Bytes of an error's body, and of a list.
const LONGEST_ERROR: usize = 64 * 1024;
const LONGEST_LIST: usize = 1024 * 1024;

/// What is guarded.
#[derive(Debug)]
pub(crate) struct Ollama {
    wires: Wires,
    /// Its own address, as a request names it.
    host: HeaderValue,
}

impl Ollama {
    pub(crate) fn new(base: Uri, connect: Duration) -> Self {
        let (host, port) = (base.host().unwrap_or_default(), base.port_u16());
        let named = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let named = named.parse().expect("a URL's authority is visible ASCII");
        Self { wires: Wires::new(host, port.unwrap_or(80), connect), host: named }
    }

    /// A request to it, with a Host of its own address.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &'static str,
        from: &HeaderMap,
        body: Bytes,
    ) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = Uri::from_static(path);
        request.headers_mut().insert(HOST, self.host.clone());
        for name in PASSED_ON {
            if let Some(value) = from.get(&name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        request
    }

    pub(crate) fn send(&self, request: Request<Full<Bytes>>) -> Asking {
        self.wires.send(request)
    }

    /// What it says at `path`, if that is JSON, short, and there in time.
    pub(crate) async fn json(&self, path: &'static str, patience: Duration) -> Option<Value> {
        let ask = async {
            let reply =
                self.send(self.request(Method::GET, path, &HeaderMap::new(), Bytes::new())).await.ok()?;
            let is_good = reply.status().is_success();
            let body = Limited::new(reply.into_body(), LONGEST_LIST).collect().await.ok()?.to_bytes();
            if is_good { serde_json::from_slice(&body).ok() } else { None }
        };
        timeout(patience, ask).await.ok()?
    }
}

/// An answer that is awaited, or comes. Dropping it before its end means that the client has left: `leave` goes on.
pub(crate) struct Relay {
    stage: Stage,
    visit: Option<Visit>,
    /// Set while the head has left without a word.
    early: Option<Early>,
    end: Pin<Box<Sleep>>,
    waits: Waits,
    pulse: Pulse,
    hint: SizeHint,
}

/// A head that has left without a word, and what follows it until there is one.
struct Early {
    manner: Manner,
    beat: Pin<Box<Sleep>>,
}

pub(crate) enum Stage {
    /// Ollama has the request.
    Asking(Asking),
    /// It refused after the head had left: the reason is on its way.
    Explaining(Pin<Box<dyn Future<Output = String> + Send>>),
    Speaking(Coming),
    Over,
}

/// What a poll of the answer gives.
type Handed = Poll<Option<Result<Frame<Bytes>, io::Error>>>;

impl Relay {
    pub(crate) fn new(asking: Asking, visit: Visit, pulse: Pulse) -> Self {
        let waits = visit.app.config.waits;
        Self {
            stage: Stage::Asking(asking),
            visit: Some(visit),
            early: None,
            end: Box::pin(sleep(waits.answer)),
            waits,
            pulse,
            hint: SizeHint::default(),
        }
    }

    /// Ollama's head. It is there once, and not after [`Relay::early`].
    pub(crate) async fn head(&mut self) -> Result<response::Parts, Refusal> {
        let arrived = std::future::poll_fn(|cx| {
            let Stage::Asking(asking) = &mut self.stage else { return Poll::Ready(None) };
            match asking.as_mut().poll(cx) {
                Poll::Ready(arrived) => Poll::Ready(Some(arrived)),
                Poll::Pending => self.end.as_mut().poll(cx).map(|()| None),
            }
        });
        match arrived.await {
            Some(Ok(reply)) => {
                let (head, body) = reply.into_parts();
                self.hint = body.size_hint();
                self.stage = Stage::Speaking(body);
                Ok(head)
            }
            Some(Err(_)) => {
                self.over(End::Cut);
                Err(Refusal::Unreachable)
            }
            None => {
                self.over(End::Overdue);
                Err(Refusal::Overdue)
            }
        }
    }

    /// The head leaves now, and what means nothing keeps the way open until there is a word.
    pub(crate) fn early(&mut self, manner: Manner) {
        self.early = Some(Early { manner, beat: Box::pin(sleep(self.waits.heartbeat)) });
    }

    /// What the log says of the status.
    pub(crate) fn status(&mut self, status: u16) {
        if let Some(visit) = &mut self.visit {
            visit.line.status = status;
        }
    }

    fn over(&mut self, end: End) {
        self.stage = Stage::Over;
        if let Some(visit) = &mut self.visit {
            visit.line.end = end;
        }
    }

    /// What went wrong, as the last of a stream whose head has left.
    fn last(&mut self, words: &str, end: End) -> Handed {
        let manner = self.early.as_ref().map_or(Manner::Lines, |early| early.manner);
        self.over(end);
        hand(manner.error(words))
    }
}

impl Body for Relay {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Handed {
        loop {
            let polled = match &mut self.stage {
                Stage::Over => {
                    self.visit = None;
                    self.pulse.idle();
                    return Poll::Ready(None);
                }
                Stage::Asking(asking) => match Pin::new(asking).poll(cx) {
                    Poll::Ready(Ok(reply)) => {
                        let is_good = reply.status().is_success();
                        let body = reply.into_body();
                        self.stage = match is_good {
                            true => Stage::Speaking(body),
                            false => Stage::Explaining(Box::pin(explain(body))),
                        };
                        continue;
                    }
                    Poll::Ready(Err(_)) => return self.last(&Refusal::Unreachable.words(), End::Cut),
                    Poll::Pending => Poll::Pending,
                },
                Stage::Explaining(explaining) => match explaining.as_mut().poll(cx) {
                    Poll::Ready(words) => return self.last(&words, End::Finished),
                    Poll::Pending => Poll::Pending,
                },
                Stage::Speaking(body) => Pin::new(body).poll_frame(cx),
            };
            match polled {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers are none of ours.
                    let Ok(bytes) = frame.into_data() else { continue };
                    if let Some(visit) = &mut self.visit {
                        visit.hear(bytes.len());
                    }
                    self.early = None;
                    return hand(bytes);
                }
                Poll::Ready(Some(Err(_))) => {
                    self.over(End::Cut);
                    return Poll::Ready(Some(Err(io::Error::other("Ollama broke off"))));
                }
                Poll::Ready(None) => self.over(End::Finished),
                Poll::Pending => {
                    if self.end.as_mut().poll(cx).is_ready() {
                        if self.early.is_some() {
                            return self.last(&Refusal::Overdue.words(), End::Overdue);
                        }
                        self.over(End::Overdue);
                        return Poll::Ready(Some(Err(io::Error::other("overdue"))));
                    }
                    let heartbeat = self.waits.heartbeat;
                    let Some(early) = &mut self.early else { return Poll::Pending };
                    ready!(early.beat.as_mut().poll(cx));
                    early.beat.set(sleep(heartbeat));
                    return hand(early.manner.beat());
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.pulse.idle();
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        if let Some(visit) = self.visit.take() {
            leave::from(stage, visit);
        }
    }
}

fn hand(bytes: Bytes) -> Handed {
    Poll::Ready(Some(Ok(Frame::data(bytes))))
}

/// The words of a refusal of Ollama's, in its own form or in OpenAI's.
async fn explain(body: Coming) -> String {
    let body = Limited::new(body, LONGEST_ERROR).collect().await.map(|body| body.to_bytes());
    let said = body.ok().and_then(|body| serde_json::from_slice::<Value>(&body).ok());
    let error = said.as_ref().map(|said| &said["error"]);
    let words = error.and_then(|error| error.as_str().or(error["message"].as_str()));
    words.unwrap_or("refused").to_owned()
}
