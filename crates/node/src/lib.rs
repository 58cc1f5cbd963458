//! The guard in front of Ollama: who may call, what may be called, how much at once.
//!
//! In scope: tokens, routes, bodies, admission, the stream in between, a slot that is lost, draining, health. Out of scope:
//! which machine is asked; that is the edge's. What is decided is pure and has its rows of tests; what waits is around it.

pub mod admission;
pub mod auth;
mod body;
pub mod config;
pub mod drain;
mod errand;
mod guard;
mod health;
mod lane;
mod leave;
mod log;
mod manner;
mod metrics;
mod ollama;
mod proxy;
mod pulse;
mod refusal;
mod request;
mod routes;
mod server;
mod visit;
mod wedge;
mod wires;

pub use config::Config;
pub use guard::Guard;
pub use server::serve;
