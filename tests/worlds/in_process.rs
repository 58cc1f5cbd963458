//! Virtual time: no socket, no thread, no waiting.

use std::time::Duration;

use bytes::Bytes;
use homefire_core::platform::Platform;
use homefire_core::service::Service;
use homefire_sim::scenario::{self, Chunks, MODELS, SETTINGS, Scenario, World, nodes_variable};
use homefire_sim::{InProcess, Node, Pace, Reach, house};
use http::{Request, Response};

/// Plays one row in a world of its own.
pub(crate) fn play(row: &Scenario) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let mut world = VirtualWorld::new()?;
        scenario::run(&mut world, row).await?;
        // One second of grace for a reader who does not read, then nothing may be in flight.
        world.platform.sleep(Duration::from_secs(10)).await;
        match world.service.memory.in_flight(world.platform.now()) {
            0 => Ok(()),
            leases => Err(format!("{leases} leases were not returned")),
        }
    })
}

struct VirtualWorld {
    platform: InProcess,
    service: Service,
}

impl VirtualWorld {
    fn new() -> Result<Self, String> {
        let nodes = nodes_variable("http://mini", "http://cloud");
        let read = |name: &str| match name {
            "HOMEFIRE_NODES" => Some(nodes.clone()),
            _ => SETTINGS.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        };
        let service = Service::from_reader(read).map_err(|faults| faults.to_string())?;
        let nodes = ["mini", "cloud"].map(|host| (host.to_owned(), Node::new(&MODELS, Pace::QUICK)));
        Ok(Self { platform: InProcess::new(nodes, service.config.deadlines.connect), service })
    }
}

impl World for VirtualWorld {
    async fn send(&self, _at: &str, request: Request<Bytes>) -> Result<Response<Chunks>, String> {
        Ok(house::answer(&self.platform, &self.service, request).await)
    }

    fn node(&self, nth: usize) -> Node {
        self.platform.node(nth).clone()
    }

    async fn set(&mut self, nth: usize, reach: Reach) -> Result<(), String> {
        self.platform.set(nth, reach);
        Ok(())
    }

    fn has_whole_log(&self) -> bool {
        true
    }

    fn take_log(&mut self) -> String {
        let events = self.platform.take_events();
        let lines = events.iter().map(|event| serde_json::to_string(event).expect("events serialize"));
        lines.collect::<Vec<_>>().join("\n")
    }
}
