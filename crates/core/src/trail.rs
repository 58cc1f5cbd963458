//! Which nodes were asked for one answer, what came of it, and how long it took.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::HeaderValue;

use crate::failure::Failure;

/// The attempts so far. Clones share it: the reply's head may leave while attempts go on.
#[derive(Clone, Debug, Default)]
pub struct Trail(Arc<Mutex<Vec<Attempt>>>);

/// One node was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The node's name.
    pub node: String,
    /// What came of it: a word, or why not.
    pub outcome: Result<(), Failure>,
    /// From the asking to the outcome.
    pub took: Duration,
}

impl Trail {
    /// Adds an attempt that is over.
    pub fn push(&self, attempt: Attempt) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(attempt);
    }

    /// The attempts as `Server-Timing`; `None` where there are none yet.
    pub fn server_timing(&self) -> Option<HeaderValue> {
        let attempts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for Attempt { node, outcome, took } in attempts.iter() {
            let comma = if text.is_empty() { "" } else { ", " };
            let millis = took.as_millis();
            let outcome = outcome.map_or_else(|failure| failure.to_string(), |()| "word".to_owned());
            write!(text, "{comma}{node};dur={millis};desc=\"{outcome}\"").expect("a string takes all text");
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
            trail.push(Attempt { node: node.to_owned(), outcome, took: Duration::from_millis(took) });
        };
        push("mini", Err(Failure::Status(503)), 12);
        push("cloud", Ok(()), 240);
        let expect = "mini;dur=12;desc=\"status_503\", cloud;dur=240;desc=\"word\"";
        assert_eq!(trail.server_timing().unwrap(), expect);
    }
}
