//! An answer broke off after its first word: another node goes on with it, or says it again from its beginning.

use super::{Answer, Asking};
use crate::event::Event;
use crate::events::Sink;
use crate::failure::Failure;
use crate::platform::Platform;
use crate::sse::Frame;

/// Puts another node in the place of the one that broke off, and shows the seam. `false` where nobody goes on.
pub(super) async fn resume<P: Platform>(
    platform: &P,
    answer: &mut Answer<P>,
    why: Failure,
    sink: &Sink,
) -> bool {
    if why.is_final() || answer.hops == 0 {
        return false;
    }
    answer.hops -= 1;
    let Some(shown) = answer.hearing.output().shown() else { return false };
    answer.hearing.let_go();
    let config = answer.config.clone();
    while let Some(attempt) = answer.failover.advance() {
        let asking = Asking::new(platform, &config, &answer.question, attempt);
        match asking.first_word_behind(Some(&shown), Some(sink)).await {
            (asking, Ok(hearing)) => {
                asking.spoke();
                let (from, to, model) = (answer.node.clone(), asking.node(), asking.model());
                sink.send(Frame::Failover { from: &from, to: &to, why }.to_bytes()).await;
                platform.log(&Event::Resumed { from, to: to.clone(), reason: why });
                (answer.node, answer.model, answer.hearing) = (to, model, hearing);
                answer.is_joined = true;
                return true;
            }
            (asking, Err(why)) => {
                asking.failed(why);
                // A node has taken the question before: whoever refuses it speaks of himself.
                if why != Failure::Rejected {
                    answer.failover.failed(why);
                }
            }
        }
    }
    false
}
