//! Which model for this load.

use serde::Serialize;

use crate::config::Node;

/// Requests in flight, the one in question included, and who counted them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// At least one.
    pub in_flight: usize,
    /// Who counted.
    pub counted: Counted,
}

/// Who counted the requests in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// This instance: its own.
    Instance,
    /// The keeper: those of all instances.
    Fleet,
    /// The guard of the node: everybody's.
    Guard,
}

impl Load {
    /// The best model of `node` for a request that is alone, the lighter one from the second in flight on.
    pub fn model(self, node: &Node) -> &str {
        match self.in_flight {
            0 | 1 => &node.models.primary,
            _ => &node.models.fallback,
        }
    }
}
