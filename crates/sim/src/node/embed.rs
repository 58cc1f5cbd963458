//! `/api/embed`: a few numbers for each text, the same for the same.

use http::StatusCode;
use serde_json::{Value, json};

use super::routes::{json_reply, read};
use super::{Memory, Node};
use crate::act::{Act, early_error};
use crate::keep_alive::KeepAlive;

/// Real models give hundreds.
const DIMENSIONS: usize = 4;

impl Node {
    pub(super) fn embed(&self, _: &str, body: &[u8]) -> Vec<Act> {
        self.try_embed(body).unwrap_or_else(|error| error)
    }

    fn try_embed(&self, body: &[u8]) -> Result<Vec<Act>, Vec<Act>> {
        let wrong = |text: &str| early_error(StatusCode::BAD_REQUEST, text);
        let request = read(body)?;
        let keep = KeepAlive::read(&request["keep_alive"]).map_err(|text| wrong(&text))?;
        let model = request["model"].as_str().unwrap_or_default();
        if !self.has(model) {
            let text = format!("model {model:?} not found, try pulling it first");
            return Err(early_error(StatusCode::NOT_FOUND, &text));
        }
        let texts = match &request["input"] {
            Value::Null => Vec::new(),
            Value::String(text) => vec![&**text],
            Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
            Value::Bool(_) | Value::Number(_) | Value::Object(_) => return Err(wrong("invalid input type")),
        };
        let first = self.inner.pace.first;
        let took = u64::try_from(first.as_nanos()).unwrap_or(u64::MAX);
        let tokens: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
        let said = json!({
            "model": model,
            "embeddings": texts.into_iter().map(embedding).collect::<Vec<_>>(),
            "total_duration": took,
            "load_duration": took / 2,
            "prompt_eval_count": tokens,
        });
        let mut acts = vec![Act::Queue, Act::Load(Memory::of(model, &request, keep)), Act::Wait(first)];
        acts.extend(json_reply(&said));
        Ok(acts)
    }
}

/// Of length one, as Ollama's are.
fn embedding(text: &str) -> Vec<f64> {
    let mut sums = [1.0; DIMENSIONS];
    for (at, byte) in text.bytes().enumerate() {
        sums[at % DIMENSIONS] += f64::from(byte);
    }
    let length = sums.iter().map(|sum| sum * sum).sum::<f64>().sqrt();
    sums.iter().map(|sum| sum / length).collect()
}
