//! An answer broke off after its first word: another node goes on with it, or says it again from its beginning.

use super::{Answer, Asking, Question};
use crate::config::Node;
use crate::event::Event;
use crate::events::Sink;
use crate::failure::Failure;
use crate::ollama::{Message, Prompt, Role};
use crate::platform::Platform;
use crate::seam::{self, Seam};
use crate::sse::Frame;
use crate::told::Told;

/// How the next node is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// To go on behind what was shown.
    GoOn {
        /// It is known that it does.
        is_trusted: bool,
    },
    /// As it was asked at first; what was shown is cleared.
    Anew,
}

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
        let node = &config.nodes[attempt.node];
        let mut manner = manner(node, answer.question.load.model(node), &shown);
        loop {
            let mut asking = Asking::new(platform, &config, &answer.question, attempt);
            let prompt = prompt(&answer.question, manner, &shown);
            match asking.first_word(&prompt, told(manner, &shown), Some(sink)).await {
                Ok(hearing) => {
                    asking.spoke();
                    let (from, to, model) = (answer.node.clone(), asking.node(), asking.model());
                    sink.send(Frame::Failover { from: &from, to: &to, why }.to_bytes()).await;
                    platform.log(&Event::Resumed { from, to: to.clone(), reason: why });
                    (answer.node, answer.model, answer.hearing) = (to, model, hearing);
                    return true;
                }
                Err(why) => {
                    asking.failed(why);
                    if manner != Manner::Anew && is_refusal(why) {
                        manner = Manner::Anew;
                        continue;
                    }
                    answer.failover.failed(why);
                    break;
                }
            }
        }
    }
    false
}

/// `model` is what would be chosen here. A guard may choose the other one: it is trusted only if both go on.
fn manner(node: &Node, model: &str, shown: &str) -> Manner {
    if node.continues.of(model) == Some(false) || seam::partial(shown).is_none() {
        return Manner::Anew;
    }
    let both = [&node.models.primary, &node.models.fallback];
    Manner::GoOn { is_trusted: both.iter().all(|model| node.continues.of(model) == Some(true)) }
}

fn prompt(question: &Question, manner: Manner, shown: &str) -> Prompt {
    let mut prompt = question.prompt.clone();
    if let (Manner::GoOn { .. }, Some(partial)) = (manner, seam::partial(shown)) {
        prompt.messages.push(Message { role: Role::Assistant, content: partial.to_owned() });
    }
    prompt
}

fn told(manner: Manner, shown: &str) -> Told {
    match manner {
        Manner::GoOn { is_trusted } => Told::behind(Seam::new(shown.to_owned(), is_trusted)),
        Manner::Anew => Told::anew(),
    }
}

/// Some models take no conversation that ends with their own words, and some have nothing to say to it.
fn is_refusal(why: Failure) -> bool {
    matches!(why, Failure::Rejected | Failure::Status(400 | 500) | Failure::ErrorLine | Failure::Empty)
}
