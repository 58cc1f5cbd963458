//! Which node is asked, for how long, and what is done when it does not answer.

mod attempt;
mod failover;
mod speak;

use std::sync::Arc;

use futures_util::stream::{Fuse, StreamExt};

use crate::config::{Config, Node};
use crate::error::Error;
use crate::event::Event;
use crate::failure::Failure;
use crate::load;
use crate::ollama::Message;
use crate::platform::{Elapsed, Moment, Platform, within};
use crate::relay::Relay;
use crate::trail::{Attempt, Trail};
use failover::{Failover, Try};

pub use speak::speak;

/// A question on its way to a node.
#[derive(Clone, Debug)]
pub struct Question {
    /// When the reader's request arrived: `ANSWER_MS` counts from here.
    pub arrived: Moment,
    /// Requests in flight, this one included.
    pub in_flight: usize,
    /// The conversation, the owner's instructions first.
    pub messages: Vec<Message>,
    /// Takes a note of every attempt.
    pub trail: Trail,
}

/// A node that has begun to speak.
#[derive(Debug)]
pub struct Answer<P: Platform> {
    /// Its name.
    pub node: String,
    /// The model that speaks.
    pub model: String,
    arrived: Moment,
    relay: Relay,
    body: Fuse<P::Body>,
}

/// Asks the nodes in turn until one has said its first word.
///
/// The first word is the commit point, not the head: a node that sends a head and then hangs can still be replaced.
pub async fn open<P: Platform>(
    platform: P,
    config: Arc<Config>,
    question: Question,
) -> Result<Answer<P>, Error> {
    let mut failover = Failover::new(config.nodes.len());
    while let Some(attempt) = failover.next() {
        let node = &config.nodes[attempt.node];
        let model = load::model(node, question.in_flight);
        let began = platform.now();
        let outcome = ask(&platform, &config, &question, attempt, node, model).await;
        note(
            &platform,
            &question.trail,
            node,
            model,
            began,
            outcome.as_ref().map(|_| ()).map_err(|why| *why),
        );
        match outcome {
            Ok((relay, body)) => {
                let (node, model, body) = (node.name.clone(), model.to_owned(), body.fuse());
                return Ok(Answer { node, model, arrived: question.arrived, relay, body });
            }
            Err(why) => failover.failed(why),
        }
    }
    let ms = millis(&platform, question.arrived);
    platform.log(&Event::NoNode { ms });
    Err(failover.verdict())
}

/// One attempt, up to the first word and under its deadline.
async fn ask<P: Platform>(
    platform: &P,
    config: &Config,
    question: &Question,
    attempt: Try,
    node: &Node,
    model: &str,
) -> Result<(Relay, P::Body), Failure> {
    let deadlines = &config.deadlines;
    let left = (question.arrived + deadlines.answer).since(platform.now());
    let patience = if attempt.is_last { deadlines.last_first_word } else { deadlines.first_word };
    let request = attempt::request(node, model, &question.messages);
    match within(platform, patience.min(left), attempt::first_word(platform, request)).await {
        Ok(outcome) => outcome,
        Err(Elapsed) if left <= patience => Err(Failure::AnswerTimeout),
        Err(Elapsed) => Err(Failure::FirstWordTimeout),
    }
}

fn note<P: Platform>(
    platform: &P,
    trail: &Trail,
    node: &Node,
    model: &str,
    began: Moment,
    outcome: Result<(), Failure>,
) {
    let took = platform.now().since(began);
    let (node, model, ms) = (node.name.clone(), model.to_owned(), millis(platform, began));
    trail.push(Attempt { node: node.clone(), outcome, took });
    platform.log(&match outcome {
        Ok(()) => Event::Word { node, model, ms },
        Err(reason) => Event::Failed { node, model, reason, ms },
    });
}

/// Milliseconds since `began`.
fn millis<P: Platform>(platform: &P, began: Moment) -> u64 {
    platform.now().0.saturating_sub(began.0)
}
