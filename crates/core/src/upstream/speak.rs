//! The rest of an answer, from the first word to an end that is told.

use super::resume::resume;
use super::{Answer, Hearing};
use crate::error::Error;
use crate::event::Event;
use crate::events::Sink;
use crate::failure::Failure;
use crate::ollama::Done;
use crate::platform::Platform;
use crate::relay::State;
use crate::sse::Frame;

/// Sends an answer to its reader until it is complete or cut, and says which of the two. Where it breaks off another node
/// goes on, if one can.
pub async fn speak<P: Platform>(platform: &P, mut answer: Answer<P>, sink: &Sink) {
    loop {
        match relay(platform, &mut answer.hearing, sink).await {
            Ok(done) => return complete(platform, answer, done, sink).await,
            Err(why) => {
                answer.question.outlook.failed(&answer.config, &answer.node, why, platform.now());
                if !resume(platform, &mut answer, why, sink).await {
                    return cut(platform, answer, why, sink).await;
                }
            }
        }
    }
}

async fn complete<P: Platform>(platform: &P, mut answer: Answer<P>, done: Done, sink: &Sink) {
    let ms = platform.now().millis_since(answer.question.arrived);
    answer.question.outlook.completed(&answer.node);
    let (node, model, Done { reason, tokens }) = (answer.node, answer.model, done);
    // The node that goes on with another's answer counts its own part.
    let tokens = tokens.filter(|_| !answer.is_joined);
    let end = Frame::Done { node: &node, model: &model, reason: reason.as_str(), tokens }.to_bytes();
    // A reader who has it may leave, and nobody would be here to say so.
    platform.log(&Event::Answered { node, model, tokens, ms });
    sink.end(end).await;
    answer.hearing.linger(platform).await;
}

async fn cut<P: Platform>(platform: &P, answer: Answer<P>, why: Failure, sink: &Sink) {
    let ms = platform.now().millis_since(answer.question.arrived);
    let delivered = answer.hearing.output().shown().map(|shown| shown.chars().count());
    let error = answer.failover.stopped().map_or(Error::from(why), Error::from);
    let (node, model) = (answer.node, answer.model);
    // What is left of the node is let go before its reader is told.
    drop(answer.hearing);
    platform.log(&Event::Cut { node, model, reason: why, ms });
    sink.end(error.frame_after(delivered).to_bytes()).await;
}

async fn relay<P: Platform>(platform: &P, hearing: &mut Hearing<P>, sink: &Sink) -> Result<Done, Failure> {
    loop {
        let words = hearing.relay.output_mut().take();
        let is_told = !words.is_empty();
        sink.send(words).await;
        if let State::Done(done) = hearing.state() {
            return Ok(done.clone());
        }
        if let Err(why) = hearing.next(platform, Some(sink), is_told).await {
            // What was said before the failure is the reader's.
            sink.send(hearing.relay.output_mut().take()).await;
            return Err(why);
        }
    }
}
