//! One question among many: what it meets, and whether a node still works on it.

use std::sync::PoisonError;

use super::{Node, Received, State};
use crate::script::Script;

impl Node {
    /// The next chat that asks exactly `question` meets this one, whatever is queued for the others.
    pub fn queue_for(&self, question: &str, script: Script) {
        self.state().by_question.entry(question.to_owned()).or_default().push_back(script);
    }

    /// How many scripts `question` has not met; they are forgotten.
    pub fn unmet(&self, question: &str) -> usize {
        self.state().by_question.remove(question).map_or(0, |scripts| scripts.len())
    }

    /// Whether a request that holds `words` still lasts.
    pub fn works_on(&self, words: &str) -> bool {
        let received = self.state().received.clone();
        received.iter().any(|request| {
            let request = request.lock().unwrap_or_else(PoisonError::into_inner);
            request.end.is_none() && holds(&request.body, words)
        })
    }

    /// The machine starts anew: its slot is free, nothing is loaded, and what has ended is forgotten. Whoever asks later
    /// meets what was queued.
    pub fn restart(&self) {
        self.forget();
        let mut state = self.state();
        let State { slot, loaded, .. } = State::default();
        (state.slot, state.loaded) = (slot, loaded);
    }

    /// Forgets the requests that have ended.
    pub fn forget(&self) {
        let lasts = |request: &Received| request.end.is_none();
        self.state()
            .received
            .retain(|request| lasts(&request.lock().unwrap_or_else(PoisonError::into_inner)));
    }

    pub(super) fn script(&self, question: Option<&str>) -> Script {
        let mut state = self.state();
        let own = question.and_then(|question| state.by_question.get_mut(question)?.pop_front());
        own.or_else(|| state.scripts.pop_front()).unwrap_or_default()
    }
}

fn holds(body: &[u8], words: &str) -> bool {
    std::str::from_utf8(body).is_ok_and(|body| body.contains(words))
}
