//! The shape of `content/site.toml`, as it is read when the library is built.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Everything that the owner says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Site {
    /// Who it is about.
    pub(super) owner: Owner,
    /// What the owner has made.
    #[serde(default)]
    pub(super) products: Vec<Entry>,
    /// What it runs on.
    #[serde(default)]
    pub(super) systems: Vec<Entry>,
    /// What was done lately.
    pub(super) activity: Activity,
}

/// Who it is about.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Owner {
    /// The full name.
    pub(super) name: String,
    /// What the owner is.
    pub(super) role: String,
    /// One line.
    pub(super) line: String,
    /// Some sentences.
    pub(super) text: String,
    /// Names and URLs.
    #[serde(default)]
    pub(super) links: BTreeMap<String, String>,
}

/// A product or a system.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Entry {
    /// What it is called in commands: `[a-z0-9-]`.
    pub(super) slug: String,
    /// What it is called.
    pub(super) name: String,
    /// One line.
    pub(super) line: String,
    /// Some sentences.
    pub(super) text: String,
    /// What it is made of.
    pub(super) stack: Vec<String>,
    /// Names and URLs.
    #[serde(default)]
    pub(super) links: BTreeMap<String, String>,
    /// Whatever else the owner says of it.
    #[serde(flatten)]
    pub(super) more: BTreeMap<String, Value>,
}

/// What was done lately.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Activity {
    /// The day of the snapshot.
    pub(super) as_of: String,
    /// On GitHub.
    pub(super) github: Account,
    /// On GitLab.
    pub(super) gitlab: Account,
}

/// What was done lately in one place.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    /// The owner's name there; empty where there is no account to ask.
    pub(super) user: String,
    /// Where to see more.
    pub(super) url: String,
    /// The newest first.
    #[serde(default)]
    pub(super) recent: Vec<Act>,
}

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Act {
    /// Where.
    pub(super) repo: String,
    /// When: `YYYY-MM-DD`.
    pub(super) date: String,
    /// What.
    pub(super) line: String,
}
