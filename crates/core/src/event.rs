//! What is worth telling the operator: one vocabulary, one JSON line each, never an upstream's text.

use serde::Serialize;

use crate::draft::{Source, Tone};
use crate::failure::Failure;
use crate::feedback::Verdict;
use crate::health::Seen;
use crate::load::Counted;

/// What the log holds of one event. Adapters print it as one line of JSON.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Line<'a> {
    /// What happened.
    #[serde(flatten)]
    pub event: &'a Event,
    /// The id of the request that it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<&'a str>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A node spoke its first word. `in_flight` is what the model was chosen by, `counted` who counted.
    Word { node: String, model: String, in_flight: usize, counted: Counted, ms: u64 },
    /// An attempt ended without a word.
    Failed { node: String, model: String, reason: Failure, ms: u64 },
    /// An answer reached its end.
    Answered { node: String, model: String, tokens: Option<u64>, ms: u64 },
    /// A started answer broke off, and the reader was told so.
    Cut { node: String, model: String, reason: Failure, ms: u64 },
    /// A started answer broke off at one node, and another one goes on with it, or says it again.
    Resumed { from: String, to: String, reason: Failure },
    /// The reader left before the end.
    Left { ms: u64 },
    /// A question was refused: the service is full, or its address takes more than it may.
    Limited { reason: &'static str },
    /// No node answered.
    NoNode { ms: u64 },
    /// A draft left. `node` is none where it is the template.
    Drafted { id: String, source: Source, node: Option<String>, tone: Tone, attempts: usize, ms: u64 },
    /// What became of a draft. `distance` counts the characters that were changed, where the draft is still known,
    /// and not too much of a long one was.
    Feedback { id: String, verdict: Verdict, distance: Option<usize> },
    /// The monitor has looked at the nodes.
    Round { round: u64, nodes: Vec<Seen> },
    /// A letter was accepted; or, where no mail is configured, this line is the letter.
    Told { subject: String },
    /// A letter was not accepted. The next round tries again.
    Untold { subject: String, reason: &'static str },
    /// Whoever waits for the monitor's beat did not hear it.
    BeatFailed,
    /// The keeper could not be read or written: a round does not count, or a request or its address is not counted among
    /// all instances.
    StoreFailed { reason: String },
    /// The owner's activity was not read from this place, or not kept (`store`); what was heard before stays.
    ActivityFailed { place: &'static str, reason: String },
    /// What the monitor knows is lost with this instance, and other instances do not know it.
    MemoryOnly,
    /// The configuration was refused; each fault names its variable and no value that is secret.
    Misconfigured { faults: Vec<String> },
}
