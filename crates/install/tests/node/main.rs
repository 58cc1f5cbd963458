//! A node's files as others read them, and a node's life from the first installation to the last.

#![expect(clippy::unwrap_used, reason = "a story ends where it stumbles")]

mod advice;
mod checks;
mod examples;
mod machine;
mod options;
mod rendering;
mod site;
