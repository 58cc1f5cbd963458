//! What was written, so that nothing of anybody else's is ever removed.

use std::io;

use serde::{Deserialize, Serialize};

use crate::place::{Place, digest};

/// The files that were written. It is itself a file, and is never ahead of what it tells of by more than one of them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) files: Vec<Entry>,
}

/// One file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) path: String,
    /// The fingerprint of everything that was ever written there.
    pub(crate) written: Vec<String>,
    /// The fingerprint of what the last installation left there; none if it stopped before that.
    #[serde(default)]
    pub(crate) installed: Option<String>,
    /// Where that lies which was there before.
    pub(crate) kept: Option<String>,
}

impl Receipt {
    pub(crate) fn read(place: Place<'_>, path: &str) -> io::Result<Self> {
        let Some(text) = place.read(path)? else { return Ok(Self::default()) };
        serde_json::from_slice(&text).map_err(|error| io::Error::other(format!("{path}: {error}")))
    }

    pub(crate) fn write(&self, place: Place<'_>, path: &str) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        place.write(path, 0o644, text.as_bytes())
    }

    /// Whether `content` at `path` is what was written there, then or now.
    pub(crate) fn wrote(&self, path: &str, content: &[u8]) -> bool {
        let entry = self.files.iter().find(|entry| entry.path == path);
        entry.is_some_and(|entry| entry.is_ours(content))
    }

    /// Whether `content` is what the last installation left at `path`.
    pub(crate) fn installed(&self, path: &str, content: &[u8]) -> bool {
        let entry = self.files.iter().find(|entry| entry.path == path);
        entry.is_some_and(|entry| entry.installed.as_ref() == Some(&digest(content)))
    }

    /// Notes that `content` is at `path` now.
    pub(crate) fn settle(&mut self, path: &str, content: &[u8]) {
        if let Some(entry) = self.files.iter_mut().find(|entry| entry.path == path) {
            entry.installed = Some(digest(content));
        }
    }

    /// Notes that `content` is about to be written to `path`, over what is kept at `kept`.
    ///
    /// What was kept first is what was there before us, and stays the one that is put back.
    pub(crate) fn note(&mut self, path: &str, content: &[u8], kept: Option<String>) {
        let written = digest(content);
        match self.files.iter_mut().find(|entry| entry.path == path) {
            Some(entry) => {
                if !entry.written.contains(&written) {
                    entry.written.push(written);
                }
                entry.installed = None;
                entry.kept = entry.kept.take().or(kept);
            }
            None => {
                let (path, written) = (path.to_owned(), vec![written]);
                self.files.push(Entry { path, written, installed: None, kept });
            }
        }
    }
}

impl Entry {
    pub(crate) fn is_ours(&self, content: &[u8]) -> bool {
        self.written.contains(&digest(content))
    }
}
