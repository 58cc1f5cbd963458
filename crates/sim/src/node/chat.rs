//! `/api/chat` and `/api/generate`: what is asked, in the order in which Ollama looks at it, and the acts of the answer.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::routes::read;
use super::{Memory, Node};
use crate::act::{self, Act, JSON_UTF8, THOUGHTS, early_error, runner_error};
use crate::catalog::{Family, SCRIPTED};
use crate::keep_alive::KeepAlive;
use crate::ollama::{Metrics, Said, Voice};
use crate::script::{Fault, OllamaError, Say, Script, Text};
use crate::text;

impl Node {
    /// Answers a request for an answer.
    pub(super) fn speak(&self, path: &str, body: &[u8]) -> Vec<Act> {
        self.try_speak(path == "/api/chat", body).unwrap_or_else(|error| error)
    }

    fn try_speak(&self, chat: bool, body: &[u8]) -> Result<Vec<Act>, Vec<Act>> {
        let wrong = |text: &str| early_error(StatusCode::BAD_REQUEST, text);
        let request = read(body)?;
        let keep = KeepAlive::read(&request["keep_alive"]).map_err(|text| wrong(&text))?;
        let think = think(&request["think"]).map_err(|text| wrong(&text))?;
        let name = request["model"].as_str().filter(|name| !name.is_empty());
        let model = name.ok_or_else(|| wrong("model is required"))?;
        let stream = request["stream"].as_bool() != Some(false);
        let script = match model.strip_prefix(SCRIPTED) {
            Some(text) => text.parse::<Script>().map_err(|unknown| wrong(&unknown.to_string()))?,
            None => self.script(Talk::read(&request, chat).map(|talk| talk.question).as_deref()),
        };
        if !self.has(model) {
            return Err(act::error(OllamaError::NoModel, model, stream));
        }
        let mut say = match script {
            Script::Say(say) => say,
            Script::Hang => return Ok(vec![Act::Queue, Act::Stall]),
            Script::HangAfterHead => {
                return Ok(vec![Act::Queue, act::head(StatusCode::OK, act::NDJSON), Act::Stall]);
            }
            Script::Wedge => return Ok(vec![Act::Queue, Act::Leak, Act::Stall]),
            Script::Error(error) => return Ok(act::error(error, model, stream)),
            Script::Edge(page) => return Ok(act::edge(page)),
        };
        let voice = Voice { model: model.to_owned(), now: self.now(), chat };
        let talk = Talk::read(&request, chat);
        if talk.is_none() && keep == Some(KeepAlive::NONE) {
            self.unload(model);
            return Ok(only(&voice, "unload"));
        }
        let thinks = Family::of(model).thinks();
        if think == Some(true) && !thinks {
            return Err(act::error(OllamaError::Incapable, model, stream));
        }
        // A scripted model thinks when its script says so, or when it is told to.
        say.thinking |= think.unwrap_or(thinks && !model.starts_with(SCRIPTED));
        let load = Act::Load(Memory::of(model, &request, keep));
        let Some(talk) = talk else {
            return Ok([vec![load], only(&voice, "load")].concat());
        };
        let schema = format(&request["format"]);
        let schema = schema.map_err(|text| runner_error(StatusCode::INTERNAL_SERVER_ERROR, &text, stream))?;
        let limit = request["options"]["num_predict"].as_u64().and_then(|limit| usize::try_from(limit).ok());
        let mut acts = vec![Act::Queue, load];
        acts.extend(self.reply(say, &voice, &talk, schema.as_ref(), limit, stream));
        Ok(acts)
    }

    fn reply(
        &self,
        mut say: Say,
        voice: &Voice,
        talk: &Talk,
        schema: Option<&Value>,
        limit: Option<usize>,
        stream: bool,
    ) -> Vec<Act> {
        let text = match (schema, &talk.said) {
            // The grammar begins anew whatever was said before.
            (Some(schema), _) if say.text == Text::Answer => {
                text::conforming(schema, &talk.told, &talk.question)
            }
            (_, Some(said)) if !say.anew => {
                let rest = text::rest(&text::answer(&say.text, &talk.question), said, say.no_lead);
                text::repeated(said, say.repeat) + &rest
            }
            _ => text::answer(&say.text, &talk.question),
        };
        let mut pieces = text::pieces(&text);
        let whole = pieces.len();
        pieces.truncate(if say.length { whole.div_ceil(2) } else { whole }.min(limit.unwrap_or(whole)));
        say.length |= pieces.len() < whole;
        let first = say.first.unwrap_or(self.inner.pace.first);
        let pace = say.pace.unwrap_or(self.inner.pace.between);
        let speaking = pace * u32::try_from(pieces.len()).unwrap_or(u32::MAX);
        let metrics = Metrics {
            total: first + speaking,
            load: first,
            prompt_tokens: talk.question.split_whitespace().count() + 20,
            tokens: pieces.len(),
            speaking,
        };
        if stream {
            return act::say(&say, voice, &pieces, first, pace, metrics);
        }
        one_reply(&say, &voice.later(first + speaking), &pieces.concat(), first + speaking, metrics)
    }
}

/// An answer in one object. Until everything is there nothing is sent, so whatever goes wrong half-way is an error.
fn one_reply(say: &Say, voice: &Voice, text: &str, wait: Duration, metrics: Metrics) -> Vec<Act> {
    let mut acts = vec![Act::Wait(wait)];
    match say.fault {
        None => {
            let reason = if say.length { "length" } else { "stop" };
            let metrics = if say.no_metrics { Metrics::default() } else { metrics };
            let thinking = if say.thinking { THOUGHTS.concat() } else { String::new() };
            let said = Said { text, thinking: &thinking, tools: say.tools };
            let mut whole = act::whole(StatusCode::OK, JSON_UTF8, voice.done(said, reason, metrics));
            if let Some(Act::Bytes { said, .. }) = whole.last_mut() {
                text.clone_into(said);
            }
            acts.extend(whole);
        }
        Some((_, Fault::Stall)) => acts.push(Act::Stall),
        Some((_, Fault::Reset)) => acts.push(Act::Reset),
        Some((_, Fault::End | Fault::ErrorLine | Fault::Garbage | Fault::LongLine)) => {
            acts.extend(act::error(OllamaError::Crash, &voice.model, false));
        }
    }
    acts
}

/// One object that says nothing but why.
fn only(voice: &Voice, reason: &str) -> Vec<Act> {
    act::whole(StatusCode::OK, JSON_UTF8, voice.done(Said::default(), reason, Metrics::default()))
}

/// Whether the model shall think, if that is said. The error is Ollama's.
fn think(value: &Value) -> Result<Option<bool>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(think) => Ok(Some(*think)),
        Value::String(level) if ["low", "medium", "high", "max"].contains(&&**level) => Ok(Some(true)),
        other @ (Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
            let said = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            let known = r#"must be "high", "medium", "low", "max", true, or false"#;
            Err(format!("invalid think value: {said:?} ({known})"))
        }
    }
}

/// The schema that the answer is held to, if any. The error is Ollama's.
fn format(value: &Value) -> Result<Option<Value>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(name) if name.is_empty() => Ok(None),
        Value::String(name) if name == "json" => Ok(Some(json!({"type": "object"}))),
        Value::Object(_) => Ok(Some(value.clone())),
        other @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            let said = other.to_string();
            Err(format!("invalid format: {said:?}; expected \"json\" or a valid JSON Schema object"))
        }
    }
}

/// What a request wants to be said.
struct Talk {
    /// The instructions.
    told: String,
    question: String,
    /// What the model has said already: it goes on from there.
    said: Option<String>,
}

impl Talk {
    /// `None` where nothing is asked: the model is only to be loaded or unloaded.
    fn read(request: &Value, chat: bool) -> Option<Self> {
        if !chat {
            let question = request["prompt"].as_str().filter(|prompt| !prompt.is_empty())?.to_owned();
            let told = request["system"].as_str().unwrap_or_default().to_owned();
            return Some(Self { told, question, said: None });
        }
        let messages = request["messages"].as_array()?;
        let of = |role: &str| {
            let message = messages.iter().rev().find(|message| message["role"] == role);
            message.and_then(|message| message["content"].as_str()).unwrap_or_default().to_owned()
        };
        let last = messages.last()?;
        let said =
            (last["role"] == "assistant").then(|| last["content"].as_str().unwrap_or_default().to_owned());
        Some(Self { told: of("system"), question: of("user"), said })
    }
}
