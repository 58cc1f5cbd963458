//! `homefire bench`: what Homefire costs, in numbers that can be had again.
//!
//! In scope: lanes that are measured in turns, what they hold of memory and CPU, and whether the machine was quiet
//! meanwhile. Out of scope: pure code's speed, which is `cargo bench -p homefire-core`.

mod conditions;
mod fast;
mod first_word;
mod guard;
mod heard;
mod lanes;
mod line;
mod listening;
pub(crate) mod machine;
mod nginx;
mod node;
mod pass;
mod relay;
pub(crate) mod release;
mod report;
mod rounds;
mod serve;
mod stats;
mod table;
mod turn;
mod wire;

use anyhow::Result;
use clap::Subcommand;
use tokio::runtime::Builder;

#[derive(Subcommand)]
pub(crate) enum What {
    /// What the guard adds in front of Ollama: latency, memory and CPU, against no guard and against nginx.
    Node(node::Options),
    /// What it costs to turn a node's lines into events: CPU, latency and memory, against JavaScript and against handing
    /// bytes over.
    Relay(relay::Options),
    /// How long a reader waits for the first word, by what has become of the first node: on each runtime.
    FirstWord,
    /// The node behind the lanes, in a process of its own.
    #[command(hide = true)]
    Serve,
    /// What hands a node's bytes over, in a process of its own.
    #[command(hide = true)]
    Pass(pass::Options),
}

pub(crate) async fn run(what: What) -> Result<()> {
    match what {
        What::Node(options) => alone(|| node::run(options)).await,
        What::Relay(options) => alone(|| relay::run(options)).await,
        What::FirstWord => first_word::run(),
        What::Serve => alone(serve::run).await,
        What::Pass(options) => alone(|| pass::run(options)).await,
    }
}

/// On one thread: work that wanders between threads costs more, and is measured with everything else.
async fn alone<F: Future<Output = Result<()>>>(task: impl FnOnce() -> F + Send + 'static) -> Result<()> {
    let run = move || Builder::new_current_thread().enable_all().build()?.block_on(task());
    tokio::task::spawn_blocking(run).await?
}
