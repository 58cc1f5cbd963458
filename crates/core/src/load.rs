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
        if self.is_alone() { &node.models.primary } else { &node.models.fallback }
    }

    /// Whether no other request is in flight.
    pub fn is_alone(self) -> bool {
        self.in_flight <= 1
    }

    /// Whether `node` has a model for each.
    pub fn matters(node: &Node) -> bool {
        node.models.primary != node.models.fallback
    }
}
