//! Which node is asked, for how long, and what is done when it does not answer.

mod attempt;
mod failover;
mod guard;
mod hear;
mod speak;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use http::HeaderMap;

use crate::config::{Config, Node};
use crate::error::Error;
use crate::event::Event;
use crate::events::Sink;
use crate::failure::Failure;
use crate::load::Load;
use crate::ollama::Prompt;
use crate::outlook::{Order, Outlook};
use crate::platform::{Elapsed, Moment, Platform, within};
use crate::relay::Output;
use crate::sse::HEARTBEAT;
use crate::trail::{Attempt, Trail};

pub(crate) use attempt::{AGENT, first_word, request};
pub use failover::{Failover, Try};
use guard::Choice;
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
    /// Takes a note of every attempt.
    pub trail: Trail,
    /// Knows who is out, and hears who has spoken.
    pub outlook: Outlook,
}

impl Question {
    /// The nodes in the order in which they are asked.
    pub fn order<P: Platform>(&self, platform: &P, config: &Config) -> Order {
        self.outlook.order(config, platform.now())
    }
}

/// A node that has begun to speak.
pub struct Answer<P: Platform, O = BytesMut> {
    /// Its name.
    pub node: String,
    /// The model that speaks.
    pub model: String,
    /// What it says.
    pub hearing: Hearing<P, O>,
    arrived: Moment,
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
    while let Some(attempt) = failover.advance() {
        let mut asking = Asking::new(&platform, &config, &question, attempt);
        match asking.first_word(None).await {
            Ok(hearing) => {
                asking.succeeded("word");
                let (node, model, Load { in_flight, counted }) = (asking.node(), asking.model(), asking.load);
                let word = Event::Word { node, model, in_flight, counted, ms: asking.ms() };
                platform.log(&word);
                let (node, model) = (asking.node(), asking.model());
                return Ok(Answer { node, model, hearing, arrived: question.arrived });
            }
            Err(why) => {
                asking.failed(why);
                failover.failed(why);
            }
        }
    }
    let ms = millis(&platform, question.arrived);
    platform.log(&Event::NoNode { ms });
    Err(failover.verdict())
}

/// One attempt under way. Whoever makes it says what came of it.
#[derive(Debug)]
pub struct Asking<'a, P> {
    platform: &'a P,
    config: &'a Config,
    question: &'a Question,
    attempt: Try,
    node: &'a Node,
    /// By our own choice, until a guard has made another one.
    model: &'a str,
    load: Load,
    began: Moment,
}

impl<'a, P: Platform> Asking<'a, P> {
    /// Begins now.
    pub fn new(platform: &'a P, config: &'a Config, question: &'a Question, attempt: Try) -> Self {
        let (node, load) = (&config.nodes[attempt.node], question.load);
        Self {
            platform,
            config,
            question,
            attempt,
            node,
            model: load.model(node),
            load,
            began: platform.now(),
        }
    }

    /// Up to the first word, under the deadline for it. Until then the reader behind `sink` is kept with heartbeats.
    pub async fn first_word<O: Output>(&mut self, sink: Option<&Sink>) -> Result<Hearing<P, O>, Failure> {
        let deadlines = &self.config.deadlines;
        let until = self.question.until;
        let left = until.since(self.platform.now());
        let patience = if self.attempt.is_last { deadlines.last_first_word } else { deadlines.first_word };
        let request = request(self.node, self.model, &self.question.prompt);
        let word = first_word(self.platform, request);
        let word = heartbeats(self.platform, deadlines.heartbeat, sink, word);
        let spoken = match within(self.platform, patience.min(left), word).await {
            Ok(outcome) => outcome?,
            Err(Elapsed) if left <= patience => return Err(Failure::AnswerTimeout),
            Err(Elapsed) => return Err(Failure::FirstWordTimeout),
        };
        self.hear_guard(&spoken.headers);
        Ok(Hearing::new(self.platform, deadlines, until, spoken.relay, spoken.body))
    }

    fn hear_guard(&mut self, headers: &HeaderMap) {
        let choice = guard::choice(headers, self.node);
        self.question.outlook.guarded(&self.node.name, choice.is_some());
        if let Some(Choice { model, load }) = choice {
            (self.model, self.load) = (model, load);
        }
    }

    /// The node's name.
    pub fn node(&self) -> String {
        self.node.name.clone()
    }

    /// The model that was chosen for the load.
    pub fn model(&self) -> String {
        self.model.to_owned()
    }

    /// Notes that the attempt brought what was wanted.
    pub fn succeeded(&self, what: &'static str) {
        self.question.outlook.spoke(&self.node.name);
        self.note(Ok(what));
    }

    /// Notes why the attempt brought nothing, and logs it.
    pub fn failed(&self, reason: Failure) {
        self.note(Err(reason));
        let (node, model, ms) = (self.node(), self.model(), self.ms());
        self.platform.log(&Event::Failed { node, model, reason, ms });
    }

    fn note(&self, outcome: Result<&'static str, Failure>) {
        let (node, model) = (self.node(), self.model());
        self.question.trail.push(Attempt { node, model, outcome, ms: self.ms() });
    }

    fn ms(&self) -> u64 {
        millis(self.platform, self.began)
    }
}

/// Runs `task`, and sends a heartbeat into `sink` each time that `pause` has passed.
pub async fn heartbeats<P: Platform, T>(
    platform: &P,
    pause: Duration,
    sink: Option<&Sink>,
    task: impl Future<Output = T>,
) -> T {
    let Some(sink) = sink else { return task.await };
    let mut task = pin!(task);
    loop {
        sink.send(HEARTBEAT).await;
        if let Ok(done) = within(platform, pause, task.as_mut()).await {
            return done;
        }
    }
}

/// Milliseconds since `began`.
fn millis<P: Platform>(platform: &P, began: Moment) -> u64 {
    platform.now().0.saturating_sub(began.0)
}
