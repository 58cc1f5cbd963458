//! The ways in which the service runs, each behind the same two calls.

pub(crate) mod in_process;
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
        let running = slot.get_or_init(|| start(name).map(|running| Mutex::new(Some(running))));
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

fn start(name: &str) -> Result<Running, String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    let world = runtime.block_on(async {
        match name {
            "native" => native::start().await,
            "vercel" => vercel::start().await,
            "workerd" => workerd::start().await,
            other => Err(format!("no such world: {other}")),
        }
    })?;
    Ok(Running { world, runtime })
}
