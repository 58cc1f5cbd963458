//! A home with machines that fail in every way that is known of, and the table of what a reader sees then.
//!
//! In scope: nodes that speak as Ollama does, whoever may answer in their place, the services beside them (a store, mail,
//! the owner's accounts), and the scenarios. Out of scope: what the service does about it; this crate sees of it what an
//! adapter sees.

pub mod accounts;
mod act;
mod catalog;
pub mod chaos;
mod drafts;
pub mod house;
mod in_process;
mod keep_alive;
pub mod mail;
mod node;
mod ollama;
pub mod outside;
pub mod redis;
pub mod scenario;
pub mod script;
mod socket;
mod text;

pub use in_process::InProcess;
pub use node::{End, Node, Pace, Received};
pub use script::Script;
pub use socket::{Reach, Server};
