//! The rest of an answer, from the first word to an end that is told.

use super::{Answer, Hearing, millis};
use crate::error::Error;
use crate::event::Event;
use crate::events::Sink;
use crate::failure::Failure;
use crate::ollama::Done;
use crate::platform::Platform;
use crate::relay::State;
use crate::sse::Frame;

/// Sends an answer to its reader until it is complete or cut, and says which of the two.
pub async fn speak<P: Platform>(platform: &P, mut answer: Answer<P>, sink: &Sink) {
    let end = relay(platform, &mut answer.hearing, sink).await;
    let ms = millis(platform, answer.arrived);
    let Answer { node, model, hearing, .. } = &mut answer;
    match end {
        Ok(Done { reason, tokens }) => {
            let reason = reason.as_str();
            sink.send(Frame::Done { node, model, reason, tokens }.to_bytes()).await;
            platform.log(&Event::Answered { node: node.clone(), model: model.clone(), tokens, ms });
            hearing.linger(platform).await;
        }
        Err(reason) => {
            sink.send(Error::from(reason).frame().to_bytes()).await;
            platform.log(&Event::Cut { node: node.clone(), model: model.clone(), reason, ms });
        }
    }
}

async fn relay<P: Platform>(platform: &P, hearing: &mut Hearing<P>, sink: &Sink) -> Result<Done, Failure> {
    loop {
        sink.send(hearing.relay.take()).await;
        if let State::Done(done) = hearing.state() {
            return Ok(done.clone());
        }
        if let Err(why) = hearing.next(platform, Some(sink)).await {
            // What was said before the failure is the reader's.
            sink.send(hearing.relay.take()).await;
            return Err(why);
        }
    }
}
