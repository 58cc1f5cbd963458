//! One attempt under way. Whoever makes it says what came of it.

use http::HeaderMap;

use super::guard::{self, Choice};
use super::manner::Manner;
use super::{Hearing, Question, Spoken, Try, first_word, heartbeat, heartbeats, request};
use crate::config::{Config, Node};
use crate::event::Event;
use crate::events::Sink;
use crate::failure::Failure;
use crate::load::Load;
use crate::ollama::Prompt;
use crate::platform::{Elapsed, Moment, Platform, within};
use crate::relay::Output;
use crate::trail::Attempt;

/// One attempt under way.
#[derive(Clone, Debug)]
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

    /// Up to the first word of what goes into `output`, under the deadline for it. Until then the reader behind `sink` is
    /// kept with heartbeats.
    pub async fn first_word<O: Output>(
        &mut self,
        prompt: &Prompt,
        output: O,
        sink: Option<&Sink>,
    ) -> Result<Hearing<P, O>, Failure> {
        let deadlines = &self.config.deadlines;
        let is_cold = self.question.outlook.is_cold(self.config, self.node, self.model, self.platform.now());
        let _cold = is_cold.then(|| self.question.waking.begin());
        if let Some(sink) = sink {
            // Before the clock runs: a reader who is slow to take it is not to be held against the node.
            heartbeat(sink, &self.question.waking).await;
        }
        let until = self.question.until;
        let left = until.since(self.platform.now());
        let patience = deadlines.patience(self.attempt.is_last, is_cold, left);
        let mut request = request(self.node, self.model, prompt);
        guard::offer(request.headers_mut(), self.node);
        if self.question.takes_lane {
            guard::offer_lane(request.headers_mut(), P::GATHER);
        }
        let word = first_word(self.platform, request, output);
        let word = heartbeats(self.platform, deadlines.heartbeat, sink, &self.question.waking, word);
        let spoken = match within(self.platform, patience.min(left), word).await {
            Ok(outcome) => outcome?,
            Err(Elapsed) if left <= patience => return Err(Failure::AnswerTimeout),
            Err(Elapsed) => return Err(Failure::FirstWordTimeout),
        };
        let Spoken { relay, body, headers } = spoken;
        self.hear_guard(&headers);
        Ok(Hearing::new(self.platform, deadlines, until, relay, body))
    }

    /// The same for an answer whose beginning the reader may hold: to go on behind it, and where the node refuses that, anew.
    pub(super) async fn first_word_behind(
        mut self,
        held: Option<&str>,
        sink: Option<&Sink>,
    ) -> (Self, Result<Hearing<P>, Failure>) {
        let mut manner = held.map_or(Manner::First, |held| Manner::behind(held, self.node, self.model));
        loop {
            let prompt = manner.prompt(&self.question.prompt);
            match self.first_word(&prompt, manner.told(), sink).await {
                Err(why) if let Some(next) = manner.after(why) => {
                    // It says nothing of the node: it may be well, and not go on with another's words.
                    self.note_failure(why);
                    self = Self::new(self.platform, self.config, self.question, self.attempt);
                    manner = next;
                }
                outcome => return (self, outcome),
            }
        }
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
        self.question.outlook.spoke(&self.node.name, self.model, self.platform.now());
        self.question.outlook.completed(&self.node.name);
        self.note(Ok(what));
    }

    /// Notes that the node has said its first word, and logs it.
    pub fn spoke(&self) {
        self.question.outlook.spoke(&self.node.name, self.model, self.platform.now());
        self.note(Ok("word"));
        let Load { in_flight, counted } = self.load;
        let (node, model, ms) = (self.node(), self.model(), self.ms());
        self.platform.log(&Event::Word { node, model, in_flight, counted, ms });
    }

    /// Notes why the attempt brought nothing, and logs it.
    pub fn failed(&self, reason: Failure) {
        self.question.outlook.failed(self.config, &self.node.name, reason, self.platform.now());
        self.note_failure(reason);
    }

    fn note_failure(&self, reason: Failure) {
        self.note(Err(reason));
        let (node, model, ms) = (self.node(), self.model(), self.ms());
        self.platform.log(&Event::Failed { node, model, reason, ms });
    }

    /// Notes that another node, asked too, has spoken before this one.
    pub fn outrun(&self) {
        self.note(Err(Failure::Outrun));
    }

    /// Which node is asked, by its place in the configuration.
    pub fn place(&self) -> usize {
        self.attempt.node
    }

    /// Whether both ask the same node.
    pub fn is_same(&self, other: &Self) -> bool {
        self.attempt == other.attempt
    }

    fn note(&self, outcome: Result<&'static str, Failure>) {
        let (node, model) = (self.node(), self.model());
        self.question.trail.push(Attempt { node, model, outcome, ms: self.ms() });
    }

    fn ms(&self) -> u64 {
        self.platform.now().millis_since(self.began)
    }
}
