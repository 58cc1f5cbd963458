//! Two nodes that listen, each behind a guard or not.

use homefire_sim::scenario::{Before, MODELS, Ward, nodes_variable};
use homefire_sim::{Node, Pace, Reach, Received, Server};

use super::guarded::Guarded;

/// `mini` and `cloud`.
pub(crate) struct Home {
    machines: [Machine; 2],
    before: Before,
}

struct Machine {
    ollama: Server,
    guard: Option<Guarded>,
}

impl Home {
    pub(crate) async fn open(before: Before) -> Result<Self, String> {
        let machines = [Machine::start("mini", before).await?, Machine::start("cloud", before).await?];
        Ok(Self { machines, before })
    }

    /// `HOMEFIRE_NODES` that leads here.
    pub(crate) fn variable(&self) -> String {
        let [mini, cloud] = self.machines.each_ref().map(Machine::url);
        nodes_variable(&mini, &cloud)
    }

    pub(crate) fn node(&self, nth: usize) -> Node {
        self.machines[nth].ollama.node().clone()
    }

    pub(crate) async fn set(&mut self, nth: usize, reach: Reach) -> Result<(), String> {
        self.machines[nth].ollama.set(reach).await.map_err(|error| error.to_string())
    }

    pub(crate) fn before(&self) -> Before {
        self.before
    }

    pub(crate) async fn guard(&mut self, nth: usize, ward: Ward) -> Result<(), String> {
        let Machine { ollama, guard } = &mut self.machines[nth];
        let guard = guard.as_mut().ok_or(format!("no guard that could be {ward:?}"))?;
        guard.set(ward, ollama.node()).await
    }

    pub(crate) async fn rest(&mut self) -> Result<(), String> {
        for Machine { ollama, guard } in &mut self.machines {
            if let Some(guard) = guard {
                guard.rest(ollama).await?;
            }
        }
        Ok(())
    }

    pub(crate) fn received(&self, nth: usize) -> Vec<Received> {
        let Machine { ollama, guard } = &self.machines[nth];
        let mut received = ollama.node().received();
        if guard.is_some() {
            received.retain(|request| !super::guarded::is_own(request));
        }
        received
    }

    /// What the guards wrote since the last call.
    pub(crate) fn take_log(&self) -> String {
        self.guards().map(Guarded::take_log).collect()
    }

    fn guards(&self) -> impl Iterator<Item = &Guarded> {
        self.machines.iter().filter_map(|machine| machine.guard.as_ref())
    }
}

impl Machine {
    async fn start(name: &str, before: Before) -> Result<Self, String> {
        let ollama = Server::start(Node::new(&MODELS, Pace::QUICK), 0, false).await;
        let ollama = ollama.map_err(|error| error.to_string())?;
        let guard =
            if before != Before::Nothing { Some(Guarded::start(name, &ollama.url()).await?) } else { None };
        Ok(Self { ollama, guard })
    }

    fn url(&self) -> String {
        self.guard.as_ref().map_or_else(|| self.ollama.url(), Guarded::url)
    }
}
