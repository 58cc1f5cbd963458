//! The ways in which the service runs, each behind the same two calls.

mod guarded;
mod home;
pub(crate) mod in_process;
pub(crate) mod monitor;
mod native;
pub(crate) mod socket;
mod vercel;
mod workerd;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use home::Home;
use homefire_sim::scenario::{self, Before, SETTINGS, Scenario};
use socket::SocketWorld;
use tokio::runtime::Runtime;

/// The worlds behind real sockets, without a guard before each node and with it.
pub(crate) const NAMES: [&str; 6] =
    ["native", "vercel", "workerd", "native+guard", "vercel+guard", "workerd+guard"];

/// The same with guards that are not asked to read Ollama's lines.
pub(crate) const OFF_LANE: [&str; 3] = ["native+guard-lane", "vercel+guard-lane", "workerd+guard-lane"];

/// End the names of worlds with guards.
const GUARDED: &str = "+guard";
const NO_LANE: &str = "-lane";

/// The worlds and the stores in which the monitor's stories are played: the owner drains a node where it has a guard.
pub(crate) const STORIES: [(&str, &str); 8] = [
    ("native", "memory"),
    ("native", "upstash"),
    ("vercel", "upstash"),
    ("workerd", "upstash"),
    ("workerd", "durable"),
    ("native+guard", "memory"),
    ("vercel+guard", "upstash"),
    ("workerd+guard", "durable"),
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

    /// Ends what was started. The error is what the last rows have left behind.
    pub(crate) fn end(&self) -> Result<(), String> {
        let mut result = Ok(());
        for (name, slot) in self.started.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Some(Ok(running)) = slot.get()
                && let Some(Running { mut world, runtime }) =
                    running.lock().unwrap_or_else(PoisonError::into_inner).take()
            {
                let left = runtime.block_on(scenario::end(&mut world));
                result = result.and(left.map_err(|what| format!("of the last row in {name}: {what}")));
                runtime.block_on(async { drop(world) });
                runtime.shutdown_background();
            }
        }
        result
    }
}

fn run(name: &str) -> Result<Running, String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    let mut world = runtime.block_on(start(name, Vec::new()))?;
    runtime.block_on(scenario::begin(&mut world))?;
    Ok(Running { world, runtime })
}

/// Plays one of the monitor's stories.
pub(crate) fn tell(story: (&str, &str)) -> Result<(), String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    let result = runtime.block_on(monitor::play(story));
    runtime.shutdown_background();
    result
}

/// Whether a guard stands before each node of that world.
pub(crate) fn is_guarded(name: &str) -> bool {
    before(name) != Before::Nothing
}

/// Whether that world sees a reader leave before the reply has a head.
pub(crate) fn has_early_sight(name: &str) -> bool {
    platform(name) == "native"
}

fn platform(name: &str) -> &str {
    name.trim_end_matches(NO_LANE).trim_end_matches(GUARDED)
}

fn before(name: &str) -> Before {
    match name.strip_prefix(platform(name)) {
        Some("") | None => Before::Nothing,
        Some(GUARDED) => Before::Lane,
        Some(_) => Before::Guard,
    }
}

/// Starts a world with two nodes, the scenario table's settings and `more`.
pub(crate) async fn start(name: &str, more: Vec<(String, String)>) -> Result<SocketWorld, String> {
    let home = Home::open(before(name)).await?;
    let mut variables: Vec<(String, String)> =
        SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    variables.push(("HOMEFIRE_NODES".to_owned(), home.variable()));
    variables.push(("EXPRESS_LANE".to_owned(), (before(name) != Before::Guard).to_string()));
    variables.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    variables.extend(more);
    match platform(name) {
        "native" => native::start(home, &variables).await,
        "vercel" => vercel::start(home, &variables).await,
        "workerd" => workerd::start(home, &variables).await,
        other => Err(format!("no such world: {other}")),
    }
}
