//! What a product is sent: the draft, and how it came about.

use serde::{Serialize, Serializer};

use super::fill::{fill, unfilled};
use super::request::Values;
use super::{Draft, Placeholder, Tone};
use crate::trail::Attempt;

/// Who wrote a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A model, at the first ask.
    Model,
    /// A model, when it had been told what was wrong.
    Repaired,
    /// The template.
    Template,
}

/// A draft that keeps the contract.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename = "draft", rename_all = "camelCase")]
pub struct Written {
    /// For feedback: a UUIDv7.
    pub id: String,
    /// Who wrote it.
    pub source: Source,
    /// How it sounds.
    pub tone: Tone,
    /// The language that was asked for, or the template's where it has none of that.
    pub language: String,
    /// The text itself.
    #[serde(flatten)]
    pub draft: Draft,
    /// What was found in the place of a placeholder, and mended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mended: Vec<String>,
    /// The node that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The model that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Every ask and what came of it.
    pub attempts: Vec<Attempt>,
    /// The text with the values, where values were given.
    #[serde(flatten, serialize_with = "filled")]
    pub values: Option<(Draft, Vec<Placeholder>)>,
}

/// The draft with its values in their places, and the placeholders that are left.
pub(super) fn with_values(draft: &Draft, values: &Values) -> (Draft, Vec<Placeholder>) {
    let filled = Draft { subject: fill(&draft.subject, values), body: fill(&draft.body, values) };
    (filled, unfilled(values))
}

fn filled<S: Serializer>(
    values: &Option<(Draft, Vec<Placeholder>)>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Filled<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        filled: Option<&'a Draft>,
        #[serde(skip_serializing_if = "Option::is_none")]
        unfilled: Option<&'a [Placeholder]>,
    }
    let filled = values.as_ref();
    Filled { filled: filled.map(|(draft, _)| draft), unfilled: filled.map(|(_, left)| &**left) }
        .serialize(serializer)
}
