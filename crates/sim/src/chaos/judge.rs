//! What every reply must be, whatever its question has met.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use super::heard::{End, Heard};
use super::plan::{Fault, Plan, Stay};
use super::town::ANSWER;

/// What became of a question, as its reader sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Whole, from one node.
    Whole,
    /// Whole, and another node has gone on.
    Continued,
    /// Whole, and what was shown first was cleared.
    Anew,
    /// It says that it is cut.
    Cut,
    /// It says that it took too long.
    Timeout,
    /// Nobody answers, and so it is said.
    NoNode,
    /// A node says that the question itself is wrong.
    Rejected,
    /// The reader has left.
    Left,
}

/// All of them, in the order in which they are told.
pub const OUTCOMES: [Outcome; 8] = {
    use Outcome::{Anew, Continued, Cut, Left, NoNode, Rejected, Timeout, Whole};
    [Whole, Continued, Anew, Cut, Timeout, NoNode, Rejected, Left]
};

/// What a reader has seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) status: StatusCode,
    pub(super) is_stream: bool,
    pub(super) retry_after: bool,
    pub(super) heard: Heard,
    /// A reply that is no stream.
    pub(super) whole: Vec<u8>,
    pub(super) broke: Option<String>,
    pub(super) has_left: bool,
    pub(super) took: Duration,
}

/// Says what it was, or what it should not have been. `grace` is how late the last word may come on a busy machine.
pub(super) fn judge(plan: &Plan, met: &[Fault], seen: &Seen, grace: Duration) -> Result<Outcome, String> {
    let Seen { heard, took, .. } = seen;
    if *took > ANSWER + grace {
        return Err(format!("it outlived its deadline: {took:?}"));
    }
    if let Some(wrong) = &heard.wrong {
        return Err(wrong.clone());
    }
    let words = Words { whole: plan.answer, is_loose: has_met(met, "no-lead") };
    if seen.has_left {
        return words.begin_with(&heard.text).map(|()| Outcome::Left);
    }
    if let Some(broke) = &seen.broke {
        return Err(format!("the reply broke off: {broke}"));
    }
    if !seen.is_stream {
        return refusal(met, seen);
    }
    match &heard.end {
        None => Err("it ends, and does not say how".to_owned()),
        Some(End::Done { reason }) => {
            let stopped = has_met(met, "length") || has_met(met, "empty") || has_met(met, "blank");
            match (&**reason, stopped) {
                ("stop", false) => words.are(&heard.text)?,
                // A model that had no more to say than it said.
                ("stop" | "length", true) => words.begin_with(&heard.text)?,
                _ => return Err(format!("it is done for no reason: {reason}")),
            }
            Ok(match (heard.restarts, heard.failovers) {
                (0, 0) => Outcome::Whole,
                (0, _) => Outcome::Continued,
                _ => Outcome::Anew,
            })
        }
        Some(End::Error { code, delivered }) => {
            words.begin_with(&heard.text)?;
            let shown = heard.text.chars().count();
            let is_counted = match delivered {
                Some(delivered) => *delivered == shown,
                // Nothing was said yet, or whoever looked away was told without a count.
                None => shown == 0 || matches!(plan.stay, Stay::Dozes(_)),
            };
            if !is_counted {
                return Err(format!("{delivered:?} characters delivered, and {shown} arrived"));
            }
            told(code, met)
        }
    }
}

/// A reply that is no stream: an error, and an honest one.
fn refusal(met: &[Fault], seen: &Seen) -> Result<Outcome, String> {
    let told_as = |body: &[u8]| {
        let body: Value = serde_json::from_slice(body).ok()?;
        Some(body["error"]["code"].as_str()?.to_owned())
    };
    let code = told_as(&seen.whole).ok_or("neither a stream nor an error")?;
    let outcome = told(&code, met)?;
    match (outcome, seen.status) {
        (Outcome::NoNode, StatusCode::SERVICE_UNAVAILABLE) if !seen.retry_after => {
            Err("503 without a word on when to ask again".to_owned())
        }
        (Outcome::NoNode | Outcome::Timeout, StatusCode::SERVICE_UNAVAILABLE)
        | (Outcome::Rejected, StatusCode::UNPROCESSABLE_ENTITY) => Ok(outcome),
        (_, status) => Err(format!("{status} for {code}")),
    }
}

fn told(code: &str, met: &[Fault]) -> Result<Outcome, String> {
    match code {
        "cut" => Ok(Outcome::Cut),
        "timeout" => Ok(Outcome::Timeout),
        "no_node" => Ok(Outcome::NoNode),
        "rejected" if has_met(met, "400") => Ok(Outcome::Rejected),
        _ => Err(format!("an error for no reason: {code}")),
    }
}

fn has_met(met: &[Fault], word: &str) -> bool {
    met.iter().any(|(_, script)| script.split(',').any(|part| part == word))
}

/// What the nodes say.
struct Words {
    whole: &'static str,
    /// A node has left out the white space where it went on: nobody knows what stood there.
    is_loose: bool,
}

impl Words {
    fn are(&self, text: &str) -> Result<(), String> {
        let is_same = self.spelled(text) == self.spelled(self.whole);
        if is_same { Ok(()) } else { Err(format!("it is said to be whole and is not: {text:?}")) }
    }

    fn begin_with(&self, text: &str) -> Result<(), String> {
        let is_so = self.spelled(self.whole).starts_with(&self.spelled(text));
        // White space alone is a node's that had nothing to say.
        let is_so = is_so || text.trim().is_empty();
        if is_so { Ok(()) } else { Err(format!("no node has said so: {text:?}")) }
    }

    fn spelled(&self, text: &str) -> String {
        if self.is_loose { text.split_whitespace().collect() } else { text.trim_end().to_owned() }
    }
}
