//! Which nodes were asked for one answer, what came of it, and how long it took.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::HeaderValue;
use serde::{Serialize, Serializer};

use crate::failure::Failure;

/// The attempts so far. Clones share it: the reply's head may leave while attempts go on.
#[derive(Clone, Debug, Default)]
pub struct Trail(Arc<Mutex<Vec<Attempt>>>);

/// One node was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The node's name.
    pub node: String,
    /// The model that was asked for.
    pub model: String,
    /// What came of it: what was wanted, or why not.
    #[serde(serialize_with = "word")]
    pub outcome: Result<&'static str, Failure>,
    /// Milliseconds from the asking to the outcome.
    pub ms: u64,
}

fn word<S: Serializer>(outcome: &Result<&'static str, Failure>, serializer: S) -> Result<S::Ok, S::Error> {
    match outcome {
        Ok(what) => serializer.serialize_str(what),
        Err(why) => serializer.collect_str(why),
    }
}

impl Trail {
    /// Adds an attempt that is over.
    pub fn push(&self, attempt: Attempt) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(attempt);
    }

    /// The attempts, in their order.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The attempts as `Server-Timing`; `None` where there are none yet.
    pub fn server_timing(&self) -> Option<HeaderValue> {
        let mut text = String::new();
        for Attempt { node, outcome, ms, .. } in self.attempts() {
            let comma = if text.is_empty() { "" } else { ", " };
            let outcome = outcome.map_or_else(|failure| failure.to_string(), str::to_owned);
            write!(text, "{comma}{node};dur={ms};desc=\"{outcome}\"").expect("a string takes all text");
        }
        (!text.is_empty()).then(|| HeaderValue::from_str(&text).expect("names and outcomes are ASCII words"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_timing() {
        let trail = Trail::default();
        assert_eq!(trail.server_timing(), None);
        let push = |node: &str, outcome, took| {
            trail.push(Attempt { node: node.to_owned(), model: "m".to_owned(), outcome, ms: took });
        };
        push("mini", Err(Failure::Status(503)), 12);
        push("cloud", Ok("word"), 240);
        let expect = "mini;dur=12;desc=\"status_503\", cloud;dur=240;desc=\"word\"";
        assert_eq!(trail.server_timing().unwrap(), expect);
    }
}
