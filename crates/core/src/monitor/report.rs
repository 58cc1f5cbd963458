//! What everybody may know of the nodes.

use serde::Serialize;

use super::{Health, Record};
use crate::config::Config;
use crate::platform::Moment;

/// What is told of all nodes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// When the nodes were last looked at: milliseconds since 1970.
    pub checked: Option<Moment>,
    /// The nodes in the order in which they are asked.
    pub nodes: Vec<NodeReport>,
}

/// What is told of one node, by its name only: its address is nobody's business.
#[derive(Clone, Debug, Serialize)]
pub struct NodeReport {
    /// What replies call it.
    pub name: String,
    /// Its models, the best one first.
    pub models: Vec<String>,
    /// How it is; unknown where nobody has looked for long.
    pub state: Health,
    /// Since when.
    pub since: Option<Moment>,
    /// What is wrong with it.
    pub why: Option<&'static str>,
    /// The share of looks that found it well, from 0 to 1; none where nobody looked.
    pub availability: Availability,
}

/// Shares of looks that found a node well.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Availability {
    /// Within a day.
    #[serde(rename = "24h")]
    pub day: Option<f64>,
    /// Within a week.
    #[serde(rename = "7d")]
    pub week: Option<f64>,
    /// Within a month.
    #[serde(rename = "30d")]
    pub month: Option<f64>,
}

/// What `record` tells of the nodes that are configured.
pub fn report(record: &Record, config: &Config, now: Moment) -> Report {
    let is_stale = config.monitor.is_stale(record.checked, now);
    let nodes = config.nodes.iter().map(|node| {
        let known = record.nodes.get(&node.name).cloned().unwrap_or_default();
        let mut models = vec![node.models.primary.clone(), node.models.fallback.clone()];
        models.dedup();
        let state = if is_stale { Health::Unknown } else { known.state.health };
        NodeReport {
            name: node.name.clone(),
            models,
            state,
            since: (state != Health::Unknown).then_some(known.state.since),
            why: known.state.why.filter(|_| !is_stale).map(|why| why.name()),
            availability: Availability {
                day: known.days.share(now, 1),
                week: known.days.share(now, 7),
                month: known.days.share(now, 30),
            },
        }
    });
    Report { checked: (record.round > 0).then_some(record.checked), nodes: nodes.collect() }
}
