//! Which model a node has in memory, made for which options, and until when.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::Node;
use crate::catalog;
use crate::keep_alive::{self, KeepAlive};
use crate::ollama::go_time;

/// Options that a model is loaded with: when one changes it is loaded anew.
const RUNNER: [&str; 7] =
    ["num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread", "draft_num_predict"];

/// Tokens; what Ollama takes on a machine with little memory.
const CONTEXT: u64 = 4096;

/// Ollama's "for ever" is the longest duration that Go knows.
const FOR_EVER: Duration = Duration::from_nanos(i64::MAX as u64);

/// A model in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    model: String,
    runner: Vec<Value>,
    context: u64,
    /// What whoever needs it says of it; once it is loaded, what was said last.
    keep: Option<KeepAlive>,
    /// Nothing while it is in use.
    until: Option<Instant>,
}

impl Memory {
    /// What `request` needs.
    pub(crate) fn of(model: &str, request: &Value, keep: Option<KeepAlive>) -> Self {
        let options = &request["options"];
        let context = options["num_ctx"].as_u64().unwrap_or(CONTEXT);
        let mut runner: Vec<Value> = RUNNER.iter().map(|&name| options[name].clone()).collect();
        runner[0] = context.into();
        runner.push(request["shift"].as_bool().unwrap_or(true).into());
        Self { model: model.to_owned(), runner, context, keep, until: None }
    }

    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }

    fn is_as(&self, other: &Self) -> bool {
        self.model == other.model && self.runner == other.runner
    }

    /// How long it is kept; without a figure, for ever.
    fn kept(&self) -> Option<Duration> {
        self.keep.unwrap_or(keep_alive::DEFAULT).0
    }
}

impl Node {
    /// Whether the model is there, made for the same options.
    pub(super) fn holds(&self, memory: &Memory) -> bool {
        let state = self.state();
        let loaded = state.loaded.as_ref().filter(|loaded| !loaded.is_over());
        loaded.is_some_and(|loaded| loaded.is_as(memory))
    }

    /// A request uses the model.
    pub(super) fn hold(&self, memory: &Memory) {
        let mut state = self.state();
        let before = state.loaded.take().filter(|loaded| !loaded.is_over() && loaded.is_as(memory));
        let keep = memory.keep.or(before.and_then(|loaded| loaded.keep));
        state.loaded = Some(Memory { keep, ..memory.clone() });
    }

    /// The request has ended: its `keep_alive` counts from now.
    pub(super) fn rest(&self, memory: &Memory) {
        let mut state = self.state();
        if let Some(loaded) = state.loaded.as_mut().filter(|loaded| loaded.model == memory.model) {
            loaded.until = loaded.kept().map(|keep| Instant::now() + keep);
        }
    }

    /// Takes the model out of memory.
    pub(super) fn unload(&self, model: &str) {
        self.state().loaded.take_if(|loaded| loaded.model == model);
    }

    /// The entries of `/api/ps`.
    pub(super) fn in_memory(&self) -> Vec<Value> {
        let now = Instant::now();
        let state = self.state();
        let loaded = state.loaded.iter().filter(|loaded| !loaded.is_over());
        loaded
            .map(|loaded| {
                let left = match loaded.until {
                    Some(until) => until - now,
                    None => loaded.kept().unwrap_or(FOR_EVER),
                };
                catalog::in_memory(&loaded.model, &go_time(self.now() + left), loaded.context)
            })
            .collect()
    }
}
