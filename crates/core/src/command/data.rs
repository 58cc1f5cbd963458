//! What programs read of an answer.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Status;
use crate::activity::snapshot::Report;
use crate::site::Entry;

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Data<'a> {
    Help {
        commands: Vec<Form>,
        slugs: Vec<&'a str>,
    },
    List {
        #[serde(skip_serializing_if = "Option::is_none")]
        products: Option<Vec<Brief<'a>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        systems: Option<Vec<Brief<'a>>>,
    },
    Entry(Map<String, Value>),
    Field {
        slug: &'a str,
        field: String,
        value: Value,
    },
    Activity(Cow<'a, Report>),
    Status(&'a Status),
    /// What was perhaps meant.
    Meant {
        query: String,
        candidates: Vec<String>,
    },
}

/// A command.
#[derive(Debug, Serialize)]
pub(super) struct Form {
    pub(super) form: &'static str,
    pub(super) summary: &'static str,
}

/// A product or system in a list.
#[derive(Debug, Serialize)]
pub(super) struct Brief<'a> {
    slug: &'a str,
    name: &'a str,
    line: &'a str,
}

impl<'a> Brief<'a> {
    pub(super) fn of(entry: &'a Entry) -> Self {
        Self { slug: entry.slug, name: entry.name, line: entry.line }
    }
}
