//! The rest of an answer, from the first word to an end that is told.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::stream::StreamExt;

use super::{Answer, millis};
use crate::config::Deadlines;
use crate::deadline::{Due, Watch};
use crate::error::Error;
use crate::event::Event;
use crate::events::Sink;
use crate::failure::Failure;
use crate::ollama::Done;
use crate::platform::{Platform, within};
use crate::relay::State;
use crate::sse::{Frame, HEARTBEAT};

/// How long a node that is done may take to end its stream, so that the connection can be used again.
const LINGER: Duration = Duration::from_millis(250);

/// Sends an answer to its reader until it is complete or cut, and says which of the two.
pub async fn speak<P: Platform>(platform: &P, deadlines: &Deadlines, mut answer: Answer<P>, sink: &Sink) {
    let end = relay(platform, deadlines, &mut answer, sink).await;
    let ms = millis(platform, answer.arrived);
    let Answer { node, model, body, .. } = &mut answer;
    match end {
        Ok(Done { reason, tokens }) => {
            let reason = reason.as_str();
            sink.send(Frame::Done { node, model, reason, tokens }.to_bytes()).await;
            platform.log(&Event::Answered { node: node.clone(), model: model.clone(), tokens, ms });
            let _ = within(platform, LINGER, body.next()).await;
        }
        Err(reason) => {
            sink.send(Error::from(reason).frame().to_bytes()).await;
            platform.log(&Event::Cut { node: node.clone(), model: model.clone(), reason, ms });
        }
    }
}

async fn relay<P: Platform>(
    platform: &P,
    deadlines: &Deadlines,
    answer: &mut Answer<P>,
    sink: &Sink,
) -> Result<Done, Failure> {
    let mut watch = Watch::new(deadlines, answer.arrived, platform.now());
    let mut timer = pin!(platform.sleep(watch.wait(platform.now())));
    loop {
        sink.send(answer.relay.take()).await;
        if let State::Done(done) = answer.relay.state() {
            return Ok(done.clone());
        }
        watch.heard(platform.now());
        let chunk = loop {
            match select(answer.body.next(), timer.as_mut()).await {
                Either::Left((chunk, _)) => break chunk,
                Either::Right(((), _)) => {
                    let now = platform.now();
                    match watch.due(now) {
                        Due::Nothing => {}
                        Due::Heartbeat => {
                            sink.send(HEARTBEAT).await;
                            watch.told(now);
                        }
                        Due::Idle => return Err(Failure::IdleTimeout),
                        Due::End => return Err(Failure::AnswerTimeout),
                    }
                    timer.set(platform.sleep(watch.wait(now)));
                }
            }
        };
        let outcome = match chunk {
            Some(chunk) => take(answer, chunk?),
            None => answer.relay.finish().map(|_| ()),
        };
        if let Err(why) = outcome {
            // What was said before the failure is the reader's.
            sink.send(answer.relay.take()).await;
            return Err(why);
        }
        if watch.due(platform.now()) == Due::End {
            return Err(Failure::AnswerTimeout);
        }
    }
}

fn take<P: Platform>(answer: &mut Answer<P>, chunk: Bytes) -> Result<(), Failure> {
    answer.relay.push(&chunk).map(|_| ())
}
