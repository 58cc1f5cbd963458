//! Which node is asked, for how long, and what is done when it does not answer.

mod asking;
mod attempt;
mod company;
mod failover;
mod guard;
mod hear;
mod manner;
mod resume;
mod speak;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, Fuse, FutureExt, select};
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::config::Config;
use crate::error::Error;
use crate::event::Event;
use crate::failure::Failure;
use crate::load::Load;
use crate::ollama::Prompt;
use crate::outlook::{Order, Outlook};
use crate::platform::{Moment, Platform};
use crate::trail::Trail;

pub use asking::Asking;
pub use attempt::request;
pub(crate) use attempt::{AGENT, Spoken, first_word};
pub use company::{Waking, heartbeat, heartbeats};
pub use failover::{Failover, Try};
pub use hear::Hearing;
pub use speak::speak;

/// A question on its way to a node.
#[derive(Clone, Debug)]
pub struct Question {
    /// When the reader's request arrived.
    pub arrived: Moment,
    /// When its answer must be complete.
    pub until: Moment,
    /// Requests in flight, this one included.
    pub load: Load,
    /// What is asked.
    pub prompt: Prompt,
    /// The beginning of its answer, where the reader holds it already.
    pub held: Option<String>,
    /// Whether a guard may answer in frames.
    pub takes_lane: bool,
    /// Takes a note of every attempt.
    pub trail: Trail,
    /// Says when a model must be loaded first.
    pub waking: Waking,
    /// Knows who is out, and hears who has spoken.
    pub outlook: Outlook,
}

impl Question {
    /// The nodes in the order in which they are asked.
    pub fn order<P: Platform>(&self, platform: &P, config: &Config) -> Order {
        self.outlook.order(config, platform.now())
    }
}

/// A node that has begun to speak, and who else can be asked if it does not come to its end.
pub struct Answer<P: Platform> {
    /// Its name.
    pub node: String,
    /// The model that speaks.
    pub model: String,
    hearing: Hearing<P>,
    config: Arc<Config>,
    question: Question,
    failover: Failover,
    /// Nodes that may still go on.
    hops: usize,
    /// Whether an earlier part of it is another node's, or was here before.
    is_joined: bool,
}

/// Asks the nodes in turn until one has said its first word.
///
/// The first word is the commit point, not the head: a node that sends a head and then hangs can still be replaced.
pub async fn open<P: Platform>(
    platform: P,
    config: Arc<Config>,
    question: Question,
) -> Result<Answer<P>, Error> {
    let mut failover = Failover::new(question.order(&platform, &config));
    question.outlook.earn_hedge(&config);
    let begin = |attempt| Asking::new(&platform, &config, &question, attempt);
    let mut asked = FuturesUnordered::new();
    let mut silent = Vec::new();
    let mut is_hedged = false;
    let mut hedge = pin!(Fuse::terminated());
    loop {
        if asked.is_empty() {
            let Some(attempt) = failover.advance() else { break };
            silent = vec![begin(attempt)];
            asked.push(ask(begin(attempt), &question));
            hedge.set(sleep(platform.clone(), config.hedge.after).fuse());
        }
        match select(asked.next(), &mut hedge).await {
            Either::Left((Some((asking, Ok(hearing))), _)) => {
                asking.spoke();
                failover.spoke();
                let (node, model, hops) = (asking.node(), asking.model(), config.continue_hops);
                for outrun in silent.iter().filter(|other| !other.is_same(&asking)) {
                    outrun.outrun();
                    failover.give_back(outrun.place());
                }
                drop(asked);
                let is_joined = question.held.is_some();
                return Ok(Answer { node, model, hearing, config, question, failover, hops, is_joined });
            }
            Either::Left((Some((asking, Err(why))), _)) => {
                asking.failed(why);
                failover.failed(why);
                silent.retain(|other| !other.is_same(&asking));
            }
            Either::Left((None, _)) => {}
            Either::Right(((), _)) => {
                if !is_hedged
                    && may_hedge(&platform, &config, &question, &failover)
                    && let Some(attempt) = failover.advance()
                {
                    is_hedged = true;
                    silent.push(begin(attempt));
                    asked.push(ask(begin(attempt), &question));
                }
            }
        }
    }
    let ms = platform.now().millis_since(question.arrived);
    platform.log(&Event::NoNode { ms });
    Err(failover.verdict())
}

async fn ask<'a, P: Platform>(
    asking: Asking<'a, P>,
    question: &Question,
) -> (Asking<'a, P>, Result<Hearing<P>, Failure>) {
    asking.first_word_behind(question.held.as_deref(), None).await
}

async fn sleep<P: Platform>(platform: P, wait: Duration) {
    platform.sleep(wait).await;
}

/// Whether the next node may be asked while another one is silent: it is well, has a place, and the budget allows it.
///
/// With it a request waits for five heads at most: two nodes, the store's two counts, the monitor's record. Workers allow
/// six.
fn may_hedge<P: Platform>(platform: &P, config: &Config, question: &Question, failover: &Failover) -> bool {
    let Some(next) = failover.next_well() else { return false };
    !question.outlook.is_busy(&config.nodes[next].name, platform.now())
        && question.outlook.spend_hedge(config)
}
