//! What Homefire means, apart from where it runs.
//!
//! In scope: which node is asked and for how long, what is relayed, what a reader is told, what the commands answer.
//! Out of scope: sockets, clocks, threads, the environment, randomness. Those come through [`platform::Platform`].

pub mod activity;
pub mod breaker;
pub mod by_name;
pub mod calendar;
pub mod command;
pub mod config;
pub mod deadline;
mod departure;
pub mod draft;
pub mod error;
pub mod event;
pub mod events;
pub mod failure;
pub mod feedback;
pub mod headers;
pub mod health;
pub mod hedge;
mod hidden;
pub mod json;
pub mod lane;
mod lease;
mod letters;
pub mod limits;
pub mod load;
pub mod monitor;
pub mod ndjson;
pub mod ollama;
pub mod outlook;
pub mod platform;
pub mod relay;
pub mod reply;
mod roll;
pub mod route;
pub mod seam;
pub mod service;
pub mod site;
pub mod sse;
pub mod status;
pub mod store;
pub mod terminal;
pub mod told;
pub mod trail;
pub mod upstream;
