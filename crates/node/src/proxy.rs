//! Ollama's answer on its way to the client, chunk by chunk as it comes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use homefire_core::failure::Failure;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use tokio::time::{Instant, Sleep, sleep};

use crate::config::Waits;
use crate::lane::Lane;
use crate::leave;
use crate::log::End;
use crate::manner::Manner;
use crate::pulse::Pulse;
use crate::refusal::Refusal;
use crate::visit::Visit;
use crate::wires::{Asking, Coming, Head, Reply};

/// Bytes of an error's body.
const LONGEST_ERROR: usize = 64 * 1024;

/// An answer that is awaited, or comes. Dropping it before its end means that the client has left: `leave` goes on.
pub(crate) struct Relay {
    stage: Stage,
    visit: Option<Box<Visit>>,
    /// Set while the head has left without a word, and on the lane to the end.
    beat: Option<Beat>,
    /// Who reads the lines, where frames are asked for.
    lane: Option<Lane>,
    end: Pin<Box<Sleep>>,
    waits: Waits,
    pulse: Pulse,
    hint: SizeHint,
}

/// What means nothing and keeps the way open while Ollama is silent.
struct Beat {
    manner: Manner,
    timer: Pin<Box<Sleep>>,
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
    pub(crate) fn new(asking: Asking, visit: Box<Visit>, pulse: Pulse) -> Self {
        let waits = visit.app.config.waits;
        Self {
            stage: Stage::Asking(asking),
            visit: Some(visit),
            beat: None,
            lane: None,
            end: Box::pin(sleep(waits.answer)),
            waits,
            pulse,
            hint: SizeHint::default(),
        }
    }

    /// Ollama's head. It is there once, and not after [`Relay::early`].
    pub(crate) async fn head(&mut self) -> Result<Head, Refusal> {
        let arrived = std::future::poll_fn(|cx| {
            let Stage::Asking(asking) = &mut self.stage else { return Poll::Ready(None) };
            match asking.as_mut().poll(cx) {
                Poll::Ready(arrived) => Poll::Ready(Some(arrived)),
                Poll::Pending => self.end.as_mut().poll(cx).map(|()| None),
            }
        });
        match arrived.await {
            Some(Ok(Reply { head, body })) => {
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

    /// How long its head is awaited before one leaves without it, where that may be.
    pub(crate) fn early_head(&self) -> Option<Duration> {
        self.waits.early_head
    }

    /// The head leaves now, and what means nothing keeps the way open until there is a word. Frames are gathered for so long.
    pub(crate) fn early(&mut self, manner: Manner, gather: Duration) {
        self.beat = Some(Beat { manner, timer: Box::pin(sleep(self.waits.heartbeat)) });
        self.lane = (manner == Manner::Frames).then(|| Lane::gathering(gather));
    }

    /// The lines that come are read here, and frames leave.
    pub(crate) fn take_lane(&mut self, gather: Duration) {
        self.early(Manner::Frames, gather);
        self.hint = SizeHint::default();
    }

    /// What the log says of the status.
    pub(crate) fn status(&mut self, status: u16) {
        if let Some(visit) = &mut self.visit {
            visit.line.status = status;
        }
    }

    fn over(&mut self, end: End) {
        self.stage = Stage::Over;
        let Some(visit) = &mut self.visit else { return };
        visit.line.end = end;
        // It is broken off here, and not by Ollama.
        if let (End::Overdue, Some(lane)) = (end, visit.speaks()) {
            visit.app.watch().suspect(lane);
        }
    }

    /// What went wrong, as the last of a stream whose head has left.
    fn last(&mut self, words: &str, end: End) -> Handed {
        let manner = self.beat.as_ref().map_or(Manner::Lines, |beat| beat.manner);
        self.over(end);
        hand(manner.error(words))
    }

    /// Something came of Ollama: what the client gets for it, if anything.
    fn heard(&mut self, bytes: Bytes) -> Option<Bytes> {
        let said = match (&mut self.lane, &mut self.beat) {
            (Some(lane), Some(beat)) => {
                let now = Instant::now();
                let said = lane.hear(&bytes, now);
                beat.timer.as_mut().reset(lane.due().unwrap_or(now + self.waits.heartbeat));
                Some(said).filter(|said| !said.is_empty())
            }
            _ => {
                self.beat = None;
                Some(bytes)
            }
        };
        if let Some(visit) = &mut self.visit {
            visit.hear(said.as_ref().map_or(0, Bytes::len));
        }
        said
    }

    /// What is gathered and due, or what means nothing.
    fn beat(&mut self, now: Instant) -> Option<Bytes> {
        let beat = self.beat.as_mut()?;
        beat.timer.as_mut().reset(now + self.waits.heartbeat);
        let held = self.lane.as_mut().map(|lane| lane.hand(now)).filter(|held| !held.is_empty());
        if let (Some(held), Some(visit)) = (&held, &mut self.visit) {
            visit.line.bytes += held.len() as u64;
        }
        Some(held.unwrap_or_else(|| beat.manner.beat()))
    }

    /// Nothing more comes of Ollama; `last` is what the lane makes of it.
    fn ended(&mut self, end: End, last: impl FnOnce(&mut Lane) -> Bytes) -> Option<Bytes> {
        self.over(end);
        let said = last(self.lane.as_mut()?);
        if let Some(visit) = &mut self.visit {
            visit.line.bytes += said.len() as u64;
        }
        (!said.is_empty()).then_some(said)
    }

    /// Behind the last byte of an answer whose length was told nobody asks for more, nor for one that has none.
    pub(crate) fn end_of_known_length(&mut self) {
        if self.lane.is_none() && matches!(&self.stage, Stage::Speaking(body) if body.is_end_stream()) {
            self.over(End::Finished);
        }
    }

    fn overdue(&mut self) -> Handed {
        if self.lane.is_some() {
            let said = self.ended(End::Overdue, |lane| lane.cut(Failure::Broken));
            return Poll::Ready(said.map(|said| Ok(Frame::data(said))));
        }
        if self.beat.is_some() {
            return self.last(&Refusal::Overdue.words(), End::Overdue);
        }
        self.over(End::Overdue);
        Poll::Ready(Some(Err(io::Error::other("overdue"))))
    }

    /// The client was told that this answer is cut. Ollama goes on for a while.
    fn cut(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        if let Some(visit) = self.visit.take() {
            leave::behind_cut(stage, visit);
        }
    }
}

impl Body for Relay {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Handed {
        loop {
            if matches!(self.stage, Stage::Speaking(_)) && self.lane.as_ref().is_some_and(Lane::is_cut) {
                self.cut();
            }
            let polled = match &mut self.stage {
                Stage::Over => {
                    self.visit = None;
                    self.pulse.idle();
                    return Poll::Ready(None);
                }
                Stage::Asking(asking) => match Pin::new(asking).poll(cx) {
                    Poll::Ready(Ok(Reply { head, body })) => {
                        self.stage = match head.status.is_success() {
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
                    // Bytes that are always there let no timer ring.
                    if Instant::now() >= self.end.deadline() {
                        return self.overdue();
                    }
                    // Trailers are none of ours.
                    let Ok(bytes) = frame.into_data() else { continue };
                    if let Some(said) = self.heard(bytes) {
                        self.end_of_known_length();
                        return hand(said);
                    }
                }
                Poll::Ready(Some(Err(_))) if self.lane.is_some() => {
                    if let Some(said) = self.ended(End::Cut, |lane| lane.cut(Failure::Broken)) {
                        return hand(said);
                    }
                }
                Poll::Ready(Some(Err(_))) => {
                    self.over(End::Cut);
                    return Poll::Ready(Some(Err(io::Error::other("Ollama broke off"))));
                }
                Poll::Ready(None) => {
                    if let Some(said) = self.ended(End::Finished, Lane::finish) {
                        return hand(said);
                    }
                }
                Poll::Pending => {
                    if self.end.as_mut().poll(cx).is_ready() {
                        return self.overdue();
                    }
                    let Some(beat) = &mut self.beat else { return Poll::Pending };
                    ready!(beat.timer.as_mut().poll(cx));
                    return Poll::Ready(self.beat(Instant::now()).map(|said| Ok(Frame::data(said))));
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
