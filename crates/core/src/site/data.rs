//! The shape of `content/site.toml`, for the build script and for the library.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything that the owner says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Who it is about.
    pub owner: Owner,
    /// What the owner has made.
    #[serde(default)]
    pub products: Vec<Entry>,
    /// What it runs on.
    #[serde(default)]
    pub systems: Vec<Entry>,
    /// What was done lately.
    pub activity: Activity,
}

/// Who it is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The full name.
    pub name: String,
    /// What the owner is.
    pub role: String,
    /// One line.
    pub line: String,
    /// Some sentences.
    pub text: String,
    /// Names and URLs.
    #[serde(default)]
    pub links: BTreeMap<String, String>,
}

/// A product or a system.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// What it is called in commands: `[a-z0-9-]`.
    pub slug: String,
    /// What it is called.
    pub name: String,
    /// One line.
    pub line: String,
    /// Some sentences.
    pub text: String,
    /// What it is made of.
    pub stack: Vec<String>,
    /// Names and URLs.
    #[serde(default)]
    pub links: BTreeMap<String, String>,
    /// Whatever else the owner says of it.
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

/// What was done lately.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// The day of the snapshot.
    pub as_of: String,
    /// On GitHub.
    pub github: Account,
    /// On GitLab.
    pub gitlab: Account,
}

/// What was done lately in one place.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The owner's name there; empty where there is no account to ask.
    pub user: String,
    /// Where to see more.
    pub url: String,
    /// The newest first.
    #[serde(default)]
    pub recent: Vec<Act>,
}

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Where.
    pub repo: String,
    /// When: `YYYY-MM-DD`.
    pub date: String,
    /// What.
    pub line: String,
}
