//! The nodes: from the two URLs of the first version, or any number of them as JSON.

use std::fmt::Display;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use serde::Deserialize;
use serde_json::Value;

use super::{Reader, secret_header};
use crate::json;

const LIST: &str = "HOMEFIRE_NODES";
const DEFAULT_PRIMARY_MODEL: &str = "qwen3.5:latest";
const DEFAULT_FALLBACK_MODEL: &str = "qwen2.5-coder:7b";
pub(super) const MOST_NODES: u32 = 8;

/// One machine with Ollama on it.
#[derive(Clone, Debug)]
pub struct Node {
    /// What replies and logs call it: `[a-z0-9-]`, at most 32 characters.
    pub name: String,
    /// Where it is, without a slash at the end.
    pub url: String,
    /// What it runs.
    pub models: Models,
    /// Which of its models are known to go on with another node's answer, or not to.
    pub continues: Continues,
    /// What opens its door: the Access headers and the bearer token, as far as they are configured.
    pub credentials: HeaderMap,
}

/// The models of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Models {
    /// `PRIMARY_MODEL`: for a request that is alone.
    pub primary: String,
    /// `FALLBACK_MODEL`: the lighter one, from the second request in flight on.
    pub fallback: String,
}

/// What the owner has found out about going on with an answer, by model; see `doctor --continuation`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub enum Continues {
    /// Nothing: it is tried.
    #[default]
    Unknown,
    /// The same for every model.
    All(bool),
    /// Model by model.
    Each(Vec<(String, bool)>),
}

impl TryFrom<Value> for Continues {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, &'static str> {
        let each = match value {
            Value::Null => return Ok(Self::Unknown),
            Value::Bool(all) => return Ok(Self::All(all)),
            Value::Object(each) => each,
            Value::Number(_) | Value::String(_) | Value::Array(_) => return Err("neither yes nor no"),
        };
        let each = each.into_iter().map(|(model, goes_on)| Some((model, goes_on.as_bool()?)));
        each.collect::<Option<_>>().map(Self::Each).ok_or("neither yes nor no")
    }
}

impl Continues {
    /// Whether `model` goes on, where that is known.
    pub fn of(&self, model: &str) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::All(all) => Some(*all),
            Self::Each(each) => each.iter().find(|(known, _)| known == model).map(|(_, goes_on)| *goes_on),
        }
    }
}

/// The nodes in the order in which they are asked. Never empty.
#[derive(Clone, Debug)]
pub struct Nodes(Vec<Node>);

impl std::ops::Deref for Nodes {
    type Target = [Node];

    fn deref(&self) -> &[Node] {
        &self.0
    }
}

/// One entry of `HOMEFIRE_NODES`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    url: String,
    /// The best model first, then a lighter one.
    #[serde(default)]
    models: Vec<String>,
    token: Option<String>,
    /// `true`, `false`, or which by model.
    #[serde(default)]
    continues: Continues,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Nodes> {
    let models = Models {
        primary: read_model(reader, "PRIMARY_MODEL", DEFAULT_PRIMARY_MODEL),
        fallback: read_model(reader, "FALLBACK_MODEL", DEFAULT_FALLBACK_MODEL),
    };
    let credentials = read_credentials(reader);
    let nodes = match reader.text(LIST) {
        Some(json) => read_list(reader, &json, &models, &credentials),
        None => read_pair(reader, &models, &credentials),
    };
    (!nodes.is_empty()).then_some(Nodes(nodes))
}

fn read_model(reader: &mut Reader<'_>, name: &str, default: &str) -> String {
    let model = reader.text(name).unwrap_or_else(|| default.to_owned());
    if !is_model(&model) {
        reader.fault(name, format!("{model:?} is not a model's name"));
    }
    model
}

fn read_credentials(reader: &mut Reader<'_>) -> HeaderMap {
    const ACCESS_ID: &str = "CF_ACCESS_CLIENT_ID";
    const ACCESS_SECRET: &str = "CF_ACCESS_CLIENT_SECRET";
    const CLIENT_ID: HeaderName = HeaderName::from_static("cf-access-client-id");
    const CLIENT_SECRET: HeaderName = HeaderName::from_static("cf-access-client-secret");
    let mut headers = HeaderMap::new();
    match (reader.text(ACCESS_ID).is_some(), reader.text(ACCESS_SECRET).is_some()) {
        (true, false) => reader.fault(ACCESS_SECRET, format!("is missing, but {ACCESS_ID} is set")),
        (false, true) => reader.fault(ACCESS_ID, format!("is missing, but {ACCESS_SECRET} is set")),
        (true, true) | (false, false) => {}
    }
    for (header, variable) in [(CLIENT_ID, ACCESS_ID), (CLIENT_SECRET, ACCESS_SECRET)] {
        if let Some(value) = reader.secret(variable, "") {
            headers.insert(header, value);
        }
    }
    if let Some(value) = reader.secret("NODE_TOKEN", "Bearer ") {
        headers.insert(AUTHORIZATION, value);
    }
    headers
}

fn read_pair(reader: &mut Reader<'_>, models: &Models, credentials: &HeaderMap) -> Vec<Node> {
    let urls = [("primary", "OLLAMA_PRIMARY_URL"), ("fallback", "OLLAMA_FALLBACK_URL")];
    let mut nodes: Vec<Node> = Vec::new();
    for (name, variable) in urls {
        let Some(url) = reader.url(variable) else { continue };
        // The same machine twice is one node: a second try would abort the load that the first one began.
        if nodes.iter().all(|node| node.url != url) {
            nodes.push(Node {
                name: name.to_owned(),
                url,
                models: models.clone(),
                continues: Continues::Unknown,
                credentials: credentials.clone(),
            });
        }
    }
    if reader.text("OLLAMA_PRIMARY_URL").is_none() {
        reader.fault("OLLAMA_PRIMARY_URL", "is not set, and neither is HOMEFIRE_NODES: no node to ask");
    }
    nodes
}

fn read_list(reader: &mut Reader<'_>, json: &str, models: &Models, credentials: &HeaderMap) -> Vec<Node> {
    for variable in ["OLLAMA_PRIMARY_URL", "OLLAMA_FALLBACK_URL"] {
        if reader.text(variable).is_some() {
            reader.fault(variable, format!("is set beside {LIST}; keep one of the two"));
        }
    }
    let entries: Vec<Entry> = match json::read(json) {
        Ok(entries) => entries,
        Err(fault) => {
            // The error's own words may quote the value, and with it a token.
            let at = format!("line {}, column {}", fault.line, fault.column);
            reader.fault(
                LIST,
                format!("is not a JSON list of {{name, url, models?, token?, continues?}} ({at})"),
            );
            return Vec::new();
        }
    };
    if entries.is_empty() || entries.len() > MOST_NODES as usize {
        reader.fault(LIST, format!("names {} nodes; it takes 1 to {MOST_NODES}", entries.len()));
    }
    let mut nodes: Vec<Node> = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        if nodes.iter().any(|node| node.name == entry.name) {
            fault(reader, at, "name", format!("{:?} is used twice", entry.name));
        }
        let node = node(reader, at, entry, models, credentials);
        // A second look at the same machine would be no second opinion.
        let is_same = |other: &Node| {
            (&other.url, &other.models, &other.credentials) == (&node.url, &node.models, &node.credentials)
        };
        if !node.url.is_empty() && nodes.iter().any(is_same) {
            fault(reader, at, "url", "is another entry's, with the same models and token");
        }
        nodes.push(node);
    }
    nodes
}

fn node(reader: &mut Reader<'_>, at: usize, entry: Entry, models: &Models, credentials: &HeaderMap) -> Node {
    if !is_name(&entry.name) {
        let name = &entry.name;
        fault(reader, at, "name", format!("{name:?} is not made of a-z, 0-9 and -, 1 to 32 of them"));
    }
    let url = base_url(&entry.url).unwrap_or_else(|what| {
        fault(reader, at, "url", what);
        String::new()
    });
    let mut credentials = credentials.clone();
    if let Some(token) = entry.token.as_ref().filter(|token| !token.is_empty()) {
        match secret_header("Bearer ", token) {
            Some(value) => drop(credentials.insert(AUTHORIZATION, value)),
            None => fault(reader, at, "token", "holds a character that a header cannot carry"),
        }
    }
    let models = match entry.models.as_slice() {
        [] => models.clone(),
        [only] => Models { primary: only.clone(), fallback: only.clone() },
        [best, lighter] => Models { primary: best.clone(), fallback: lighter.clone() },
        [..] => {
            fault(reader, at, "models", "takes the best model and a lighter one, no more");
            models.clone()
        }
    };
    for model in [&models.primary, &models.fallback] {
        if !is_model(model) {
            fault(reader, at, "models", format!("{model:?} is not a model's name"));
        }
    }
    if let Continues::Each(each) = &entry.continues {
        let has = |model: &String| [&models.primary, &models.fallback].contains(&model);
        for (model, _) in each.iter().filter(|(model, _)| !has(model)) {
            fault(reader, at, "continues", format!("{model:?} is none of its models"));
        }
    }
    Node { name: entry.name, url, models, continues: entry.continues, credentials }
}

/// What is wrong with the entry of that place.
fn fault(reader: &mut Reader<'_>, at: usize, field: &str, what: impl Display) {
    reader.fault(&format!("{LIST}[{at}].{field}"), what);
}

/// The URL without a slash at its end. The errors do not repeat it: it may hold a password.
pub(super) fn base_url(text: &str) -> Result<String, &'static str> {
    const FORM: &str = "is not a URL such as https://mini.example.com";
    let uri: http::Uri = text.parse().map_err(|_| FORM)?;
    let authority = uri.authority().ok_or(FORM)?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || authority.host().is_empty() {
        return Err(FORM);
    }
    if authority.as_str().contains('@') {
        return Err("holds a user name or password; use NODE_TOKEN or the Access variables");
    }
    // What is behind the host is a port: what is none would be told as a name that is not found.
    if authority.as_str().len() > authority.host().len() && authority.port_u16().is_none() {
        return Err(FORM);
    }
    if text.contains(['?', '#']) {
        return Err("holds a query or a fragment");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn is_name(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Model names travel in headers, and in a list of them.
fn is_model(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && !b"\",".contains(&b))
}
