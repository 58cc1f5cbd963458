//! What Homefire means, apart from where it runs.
//!
//! In scope: which node is asked and for how long, what is relayed, what a reader is told, what the commands answer.
//! Out of scope: sockets, clocks, threads, the environment, randomness. Those come through [`platform::Platform`].

pub mod config;
pub mod event;
pub mod failure;
pub mod platform;
pub mod reply;
pub mod service;
pub mod site;
pub mod store;
