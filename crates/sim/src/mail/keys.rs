//! Which mail was handed in under which key: a second one with the same is the same mail.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

/// How long Resend keeps a key.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, Default)]
pub(super) struct Keys(HashMap<String, Use>);

#[derive(Debug)]
struct Use {
    payload: Bytes,
    /// What became of it; nothing while it is on its way.
    id: Option<String>,
    since: Instant,
}

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing, until now.
    No,
    /// The mail was accepted with this id.
    Done(String),
    /// It came with another payload.
    Other,
    /// It is on its way.
    InFlight,
}

impl Keys {
    /// What is known of `key`; from now on it is on its way.
    ///
    /// Payloads are compared byte for byte. Resend does not say how it compares, and nothing could be stricter.
    pub(super) fn take(&mut self, key: &str, payload: &Bytes) -> Known {
        let now = Instant::now();
        self.0.retain(|_, used| now < used.since + KEPT);
        match self.0.get(key) {
            None => {
                let used = Use { payload: payload.clone(), id: None, since: now };
                self.0.insert(key.to_owned(), used);
                Known::No
            }
            Some(used) if used.payload != *payload => Known::Other,
            Some(Use { id: None, .. }) => Known::InFlight,
            Some(Use { id: Some(id), .. }) => Known::Done(id.clone()),
        }
    }

    /// The mail was accepted.
    pub(super) fn done(&mut self, key: &str, id: &str) {
        if let Some(used) = self.0.get_mut(key) {
            used.id = Some(id.to_owned());
        }
    }
}
