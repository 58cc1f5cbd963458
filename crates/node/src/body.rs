//! What a request's body must be: a JSON object that names a model, within the owner's limits.
//!
//! Go, which reads it next, takes `"MODEL"` for `"model"` and of two the last. So a name counts in any case, and only once.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::config::Limits;
use crate::manner::Manner;
use crate::refusal::Refusal;
use crate::routes::Route;

/// Bytes of a request's body.
pub(crate) const LONGEST: usize = 1024 * 1024;

/// Fields at the top, and bytes of the options.
const MOST_FIELDS: usize = 64;
const LONGEST_OPTIONS: usize = 16 * 1024;

/// The options that decide how a model is loaded: other values mean another load.
const RUNNER: [&str; 7] =
    ["num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread", "draft_num_predict"];

/// A request's body, field by field. What is not looked at is passed on as it was written.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
    options: Option<Map<String, Value>>,
    most: Option<u64>,
}

impl<'a> Ask<'a> {
    /// Reads `body` as a request to `route`, and holds it to `limits`.
    pub(crate) fn read(route: Route, body: &'a [u8], limits: &Limits) -> Result<Self, Refusal> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        let fields = reader.deserialize_map(Fields).and_then(|fields| reader.end().map(|()| fields));
        let fields = fields.map_err(|_| Refusal::Body("the body must be one JSON object, each name once"))?;
        let mut ask = Self { fields, options: None, most: None };
        match route {
            Route::Completions => ask.most = ask.bounded_tokens(limits)?,
            Route::Chat | Route::Generate | Route::Embed => {
                ask.options = ask.bounded_options(route, limits)?
            }
            Route::Show | Route::Tags | Route::Ps | Route::Version | Route::Healthz | Route::Metrics => {}
        }
        Ok(ask)
    }

    /// The model that it names.
    pub(crate) fn model(&self) -> Result<String, Refusal> {
        let name = self.field("model").and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        name.filter(|name| !name.is_empty()).ok_or(Refusal::Body("model is required"))
    }

    /// Whether the answer is asked for as a stream.
    pub(crate) fn streams(&self, route: Route) -> bool {
        let said = self.field("stream").and_then(|raw| serde_json::from_str(raw.get()).ok());
        said.unwrap_or(route.manner() == Some(Manner::Lines))
    }

    /// What decides how the model is loaded, to ask for one word later without loading it anew.
    pub(crate) fn runner(&self) -> Map<String, Value> {
        let options = self.options.iter().flatten();
        let kept = options.filter(|(name, _)| RUNNER.contains(&name.as_str()));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The body that goes on, for `model`.
    pub(crate) fn write(&self, model: &str) -> Bytes {
        let length = self.fields.iter().map(|(_, raw)| raw.get().len()).sum::<usize>();
        let mut text = Vec::with_capacity(256 + length);
        text.push(b'{');
        push(&mut text, "model", model);
        for (name, raw) in &self.fields {
            let is_rewritten = match &**name {
                "model" => true,
                "options" => self.options.is_some(),
                "max_tokens" => self.most.is_some(),
                _ => false,
            };
            if !is_rewritten {
                push(&mut text, name, raw);
            }
        }
        if let Some(options) = &self.options {
            push(&mut text, "options", options);
        }
        if let Some(most) = self.most {
            push(&mut text, "max_tokens", &most);
        }
        text.push(b'}');
        text.into()
    }

    fn field(&self, name: &str) -> Option<&'a RawValue> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, raw)| *raw)
    }

    fn bounded_tokens(&self, limits: &Limits) -> Result<Option<u64>, Refusal> {
        let Some(limit) = limits.num_predict else { return Ok(None) };
        let wrong = Refusal::Body("max_tokens must be a number");
        let asked: Option<f64> = match self.field("max_tokens") {
            Some(raw) => serde_json::from_str(raw.get()).map_err(|_| wrong)?,
            None => None,
        };
        Ok(Some(clamp(asked, limit)))
    }

    fn bounded_options(&self, route: Route, limits: &Limits) -> Result<Option<Map<String, Value>>, Refusal> {
        let raw = self.field("options");
        if raw.is_some_and(|raw| raw.get().len() > LONGEST_OPTIONS) {
            return Err(Refusal::Body("options are too long"));
        }
        let options = raw.map(|raw| serde_json::from_str::<Option<Map<String, Value>>>(raw.get()));
        let options = options.transpose().map_err(|_| Refusal::Body("options must be an object"))?;
        let mut options = options.flatten().unwrap_or_default();
        if let (Some(limit), true) = (limits.num_predict, route.generates()) {
            let asked = number(&options, "num_predict", "num_predict must be a number")?;
            options.insert("num_predict".to_owned(), clamp(asked, limit).into());
        }
        if let Some(limit) = limits.num_ctx
            && let Some(asked) = number(&options, "num_ctx", "num_ctx must be a number")?
        {
            options.insert("num_ctx".to_owned(), clamp(Some(asked), limit).into());
        }
        Ok((raw.is_some() || !options.is_empty()).then_some(options))
    }
}

fn number(options: &Map<String, Value>, name: &str, wrong: &'static str) -> Result<Option<f64>, Refusal> {
    match options.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(Refusal::Body(wrong)),
    }
}

/// To Ollama what is below zero means without end, as does nothing at all.
fn clamp(asked: Option<f64>, limit: u64) -> u64 {
    match asked {
        // In range, so that nothing is lost.
        Some(asked) if asked >= 1.0 && asked < limit as f64 => asked as u64,
        Some(_) | None => limit,
    }
}

fn push(text: &mut Vec<u8>, name: &str, value: &(impl Serialize + ?Sized)) {
    if text.len() > 1 {
        text.push(b',');
    }
    serde_json::to_writer(&mut *text, name).expect("a name is text");
    text.push(b':');
    serde_json::to_writer(text, value).expect("it was read as JSON");
}

/// A field's name, which is copied only where it is written with escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields: Self::Value = Vec::new();
        while let Some((Name(mut name), raw)) = map.next_entry::<Name<'_>, &RawValue>()? {
            // Go also folds some letters beyond ASCII: U+017F is an `s` to it.
            if !name.is_ascii() || fields.len() == MOST_FIELDS {
                return Err(A::Error::custom("a name that no field has"));
            }
            if name.contains(|letter: char| letter.is_ascii_uppercase()) {
                name.to_mut().make_ascii_lowercase();
            }
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom("a name twice"));
            }
            fields.push((name, raw));
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { num_predict: Some(100), num_ctx: Some(4096) };

    #[test]
    fn what_goes_on() {
        let check = |route, body: &str, expect: &str| {
            let ask = Ask::read(route, body.as_bytes(), &LIMITS).unwrap();
            assert_eq!(ask.write("m"), expect, "{body}");
        };
        use Route::{Chat, Completions, Embed, Generate, Show};
        check(
            Chat,
            r#"{"messages": [ 1 ], "model":"x"}"#,
            r#"{"model":"m","messages":[ 1 ],"options":{"num_predict":100}}"#,
        );
        check(
            Chat,
            r#"{"options":{"num_predict":7,"num_ctx":99999,"seed":1}}"#,
            r#"{"model":"m","options":{"num_predict":7,"num_ctx":4096,"seed":1}}"#,
        );
        check(
            Generate,
            r#"{"OPTIONS":{"num_predict":-1,"num_ctx":0}}"#,
            r#"{"model":"m","options":{"num_predict":100,"num_ctx":4096}}"#,
        );
        check(Chat, r#"{"options":{"num_predict":1e99}}"#, r#"{"model":"m","options":{"num_predict":100}}"#);
        check(
            Chat,
            r#"{"options":{"num_predict":1,"num_predict":5000}}"#,
            r#"{"model":"m","options":{"num_predict":100}}"#,
        );
        check(Chat, r#"{"options":null}"#, r#"{"model":"m","options":{"num_predict":100}}"#);
        check(Embed, r#"{"input":"a"}"#, r#"{"model":"m","input":"a"}"#);
        check(Show, r#"{"model":"x","options":7}"#, r#"{"model":"m","options":7}"#);
        check(Completions, r#"{"max_tokens":500}"#, r#"{"model":"m","max_tokens":100}"#);
        check(Completions, r#"{"max_tokens":5}"#, r#"{"model":"m","max_tokens":5}"#);
        check(Completions, "{}", r#"{"model":"m","max_tokens":100}"#);
    }

    #[test]
    fn what_does_not() {
        let check = |body: &str| {
            let ask = Ask::read(Route::Chat, body.as_bytes(), &LIMITS);
            assert!(ask.is_err(), "{body}: {ask:?}");
        };
        check("");
        check("[]");
        check("7");
        check("{} {}");
        check("{");
        check(r#"{"model":"a","model":"b"}"#);
        check(r#"{"model":"a","Model":"b"}"#);
        check(r#"{"option\u017f":{}}"#);
        check(r#"{"options":[]}"#);
        check(r#"{"options":{"num_predict":"9"}}"#);
        check(r#"{"options":{"num_ctx":[]}}"#);
        check(&format!("{{\"options\":{{\"stop\":\"{}\"}}}}", "x".repeat(LONGEST_OPTIONS)));
        check(&format!("{{\"a\":{}", "[".repeat(100_000)));
        let many: Vec<_> = (0..=MOST_FIELDS).map(|at| format!("\"{at}\":0")).collect();
        check(&format!("{{{}}}", many.join(",")));
    }

    #[test]
    fn what_is_read_of_it() {
        let ask = |body: &'static str| Ask::read(Route::Chat, body.as_bytes(), &LIMITS).unwrap();
        assert_eq!(ask(r#"{"Model":"a"}"#).model(), Ok("a".to_owned()));
        for body in ["{}", r#"{"model":7}"#, r#"{"model":""}"#] {
            assert_eq!(ask(body).model(), Err(Refusal::Body("model is required")));
        }
        assert!(ask("{}").streams(Route::Chat) && !ask("{}").streams(Route::Completions));
        assert!(!ask(r#"{"stream":false}"#).streams(Route::Chat));
        let runner = ask(r#"{"options":{"seed":1,"num_ctx":8,"num_gpu":2}}"#).runner();
        assert_eq!(Value::from(runner).to_string(), r#"{"num_ctx":8,"num_gpu":2}"#);
    }
}
