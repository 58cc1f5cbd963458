//! One check: how it went, what was seen, and what to do about it.

use serde_json::{Value, json};

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// As it should be.
    Ok,
    /// It works, and something about it should be known.
    Warn,
    /// It does not work.
    Fail,
}

/// What was looked at, and what came of it. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) state: State,
    pub(super) what: String,
    pub(super) advice: Option<String>,
    pub(super) ms: Option<u64>,
}

/// Characters of most names: longer ones push the rest of their line.
const WIDTH: usize = 16;

impl Check {
    pub(super) fn ok(name: impl Into<String>, what: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Ok, what: what.into(), advice: None, ms: None }
    }

    pub(super) fn warn(name: impl Into<String>, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: State::Warn, advice: Some(advice.into()), ..Self::ok(name, what) }
    }

    pub(super) fn fail(name: impl Into<String>, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: State::Fail, ..Self::warn(name, what, advice) }
    }

    /// After so many milliseconds.
    pub(super) fn after(self, ms: u64) -> Self {
        Self { ms: Some(ms), ..self }
    }

    /// As a person reads it.
    pub(super) fn line(&self) -> String {
        let state = match self.state {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "FAIL",
        };
        let ms = self.ms.map_or(String::new(), |ms| format!("{ms} ms"));
        let advice = self.advice.as_ref().map_or(String::new(), |advice| format!(" {advice}"));
        format!("{state:<4}  {:<WIDTH$}  {ms:>8}  {}{advice}", self.name, self.what)
    }

    /// As a program reads it.
    pub(super) fn json(&self) -> Value {
        let state = match self.state {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "fail",
        };
        let mut json = json!({"name": self.name, "state": state, "what": self.what, "advice": self.advice});
        if let Some(ms) = self.ms {
            json["ms"] = ms.into();
        }
        json
    }
}
