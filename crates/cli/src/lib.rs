//! What `homefire` does, command by command.
//!
//! In scope: tools, processes, what a person reads. Out of scope: what the service answers.

pub mod process;
pub mod tools;
pub mod workerd;
pub mod wrangler;
