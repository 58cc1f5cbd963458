//! The ways in which the service runs, each behind the same two calls.

pub(crate) mod in_process;
pub(crate) mod monitor;
mod native;
mod socket;
mod vercel;
mod workerd;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use homefire_sim::scenario::{self, Scenario};
use socket::SocketWorld;
use tokio::runtime::Runtime;

/// The worlds behind real sockets.
pub(crate) const NAMES: [&str; 3] = ["native", "vercel", "workerd"];

/// The worlds and the stores in which the monitor's story is played.
pub(crate) const STORIES: [(&str, &str); 5] = [
    ("native", "memory"),
    ("native", "upstash"),
    ("vercel", "upstash"),
    ("workerd", "upstash"),
    ("workerd", "durable"),
];

/// The worlds that have been started, each at its first row.
#[derive(Default)]
pub(crate) struct Worlds {
    started: Mutex<HashMap<&'static str, Arc<Slot>>>,
}

type Slot = OnceLock<Result<Mutex<Option<Running>>, String>>;

struct Running {
    world: SocketWorld,
    runtime: Runtime,
}

impl Worlds {
    /// Plays one row in the world of that name.
    pub(crate) fn play(&self, name: &'static str, row: &Scenario) -> Result<(), String> {
        let slot =
            Arc::clone(self.started.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default());
        let running = slot.get_or_init(|| run(name).map(|running| Mutex::new(Some(running))));
        let running = running.as_ref().map_err(|error| format!("the world {name} did not start: {error}"))?;
        let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
        let Running { world, runtime } = running.as_mut().ok_or("the world has ended")?;
        runtime.block_on(scenario::run(world, row))
    }

    /// Ends what was started.
    pub(crate) fn end(&self) {
        for slot in self.started.lock().unwrap_or_else(PoisonError::into_inner).values() {
            if let Some(Ok(running)) = slot.get()
                && let Some(Running { world, runtime }) =
                    running.lock().unwrap_or_else(PoisonError::into_inner).take()
            {
                runtime.block_on(async { drop(world) });
                runtime.shutdown_background();
            }
        }
    }
}

fn run(name: &str) -> Result<Running, String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    let world = runtime.block_on(start(name, Vec::new()))?;
    Ok(Running { world, runtime })
}

/// Plays the monitor's story.
pub(crate) fn tell(story: (&str, &str)) -> Result<(), String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    let result = runtime.block_on(monitor::play(story));
    runtime.shutdown_background();
    result
}

/// Starts a world with two nodes, the scenario table's settings and `more`.
async fn start(name: &str, more: Vec<(String, String)>) -> Result<SocketWorld, String> {
    let (nodes, mut variables) = socket::nodes().await?;
    variables.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    variables.extend(more);
    match name {
        "native" => native::start(nodes, &variables).await,
        "vercel" => vercel::start(nodes, &variables).await,
        "workerd" => workerd::start(nodes, &variables).await,
        other => Err(format!("no such world: {other}")),
    }
}
