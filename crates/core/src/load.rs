//! Which model for this load.

use crate::config::Node;

/// The best model of `node` for a request that is alone, the lighter one from the second in flight on.
///
/// `in_flight` counts the request itself.
pub fn model(node: &Node, in_flight: usize) -> &str {
    match in_flight {
        0 | 1 => &node.models.primary,
        _ => &node.models.fallback,
    }
}
