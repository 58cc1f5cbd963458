//! What is counted, and how Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::admission::Load;
use crate::log::{End, Line};

/// Counts since the start. Bounded: routes, statuses and ends are few.
#[derive(Debug)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Clone, Debug)]
struct Counts {
    requests: BTreeMap<(&'static str, u16), u64>,
    ends: BTreeMap<End, u64>,
    bytes: u64,
    restarts: u64,
    last_word_ms: Option<u64>,
}

/// What is so now.
pub(crate) struct Now<'a> {
    pub(crate) loads: &'a [(&'a str, Load)],
    pub(crate) is_draining: bool,
    pub(crate) is_wedged: bool,
    /// Lines of the log.
    pub(crate) lost: u64,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Counts {
            requests: BTreeMap::new(),
            ends: BTreeMap::new(),
            bytes: 0,
            restarts: 0,
            last_word_ms: None,
        }))
    }

    pub(crate) fn request(&self, line: &Line) {
        let mut counts = self.counts();
        *counts.requests.entry((line.route, line.status)).or_default() += 1;
        *counts.ends.entry(line.end).or_default() += 1;
        counts.bytes += line.bytes;
    }

    /// A model's first word, after so many milliseconds.
    pub(crate) fn word(&self, ms: u64) {
        self.counts().last_word_ms = Some(ms);
    }

    pub(crate) fn restart(&self) {
        self.counts().restarts += 1;
    }

    pub(crate) fn last_word_ms(&self) -> Option<u64> {
        self.counts().last_word_ms
    }

    /// The text form, version 0.0.4.
    pub(crate) fn write(&self, now: &Now<'_>) -> String {
        let counts = self.counts().clone();
        let mut text = Page::default();
        text.begin("requests_total", "counter", "Requests by route and status.");
        for ((route, status), count) in &counts.requests {
            text.row("requests_total", &format!("route={route:?},status=\"{status}\""), *count);
        }
        text.begin("ends_total", "counter", "Requests by how they ended.");
        for (end, count) in &counts.ends {
            text.row("ends_total", &format!("end={:?}", end.name()), *count);
        }
        text.begin("in_flight", "gauge", "Requests that a model works on.");
        for (model, load) in now.loads {
            text.row("in_flight", &format!("model={model:?}"), load.in_flight as u64);
        }
        text.begin("queued", "gauge", "Requests that wait for a model.");
        for (model, load) in now.loads {
            text.row("queued", &format!("model={model:?}"), load.waiting as u64);
        }
        let single = [
            ("answer_bytes_total", "counter", "Bytes of answers.", counts.bytes),
            ("restarts_total", "counter", "Restarts of Ollama.", counts.restarts),
            ("log_lost_total", "counter", "Lines of the log that nobody took.", now.lost),
            ("draining", "gauge", "1 while nothing new is taken.", u64::from(now.is_draining)),
            ("wedged", "gauge", "1 while no model says a word.", u64::from(now.is_wedged)),
        ];
        for (name, kind, help, value) in single {
            text.begin(name, kind, help);
            text.row(name, "", value);
        }
        if let Some(ms) = counts.last_word_ms {
            text.begin("last_word_milliseconds", "gauge", "Until the last first word.");
            text.row("last_word_milliseconds", "", ms);
        }
        text.0
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn begin(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP homefire_node_{name} {help}\n# TYPE homefire_node_{name} {kind}\n");
    }

    fn row(&mut self, name: &str, labels: &str, value: u64) {
        let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let _ = writeln!(self.0, "homefire_node_{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_text_form() {
        let tally = Tally::new();
        let line = Line {
            at: 0,
            id: String::new(),
            route: "/api/chat",
            model: None,
            status: 200,
            end: End::Finished,
            queued_ms: None,
            first_ms: None,
            ms: 1,
            bytes: 10,
        };
        tally.request(&line);
        tally.request(&line);
        let load = Load { limit: 1, in_flight: 1, waiting: 2 };
        let now = Now { loads: &[("a:7b", load)], is_draining: true, is_wedged: false, lost: 3 };
        let text = tally.write(&now);
        for row in [
            "# TYPE homefire_node_requests_total counter\n",
            "homefire_node_requests_total{route=\"/api/chat\",status=\"200\"} 2\n",
            "homefire_node_ends_total{end=\"finished\"} 2\n",
            "homefire_node_in_flight{model=\"a:7b\"} 1\n",
            "homefire_node_queued{model=\"a:7b\"} 2\n",
            "homefire_node_answer_bytes_total 20\n",
            "homefire_node_log_lost_total 3\n",
            "homefire_node_draining 1\n",
        ] {
            assert!(text.contains(row), "{row} in {text}");
        }
        assert!(!text.contains("last_word"));
    }
}
