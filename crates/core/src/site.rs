//! The owner's typed data.

/// Placeholder.
#[derive(Debug)]
pub struct Site {}
