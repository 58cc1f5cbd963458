//! The nodes that `dev` asks: the owner's, or two simulated ones.

use std::time::Duration;

use anyhow::Result;
use homefire_core::config::Config;
use homefire_sim::scenario::{MODELS, nodes_variable};
use homefire_sim::{Node, Pace, Server};

use super::variables::{self, DEV_DRAFT_KEY};
use crate::Refused;

/// The variables of the service, and the simulated nodes that live as long as this.
pub(crate) struct Home {
    pub(crate) variables: Vec<(String, String)>,
    simulated: Option<[Server; 2]>,
    names: Vec<String>,
}

/// A Mac mini on a desk.
const FAST: Pace = Pace {
    first: Duration::from_millis(350),
    between: Duration::from_millis(45),
    load: Duration::from_millis(900),
};

/// A small machine in the cloud.
const SLOW: Pace = Pace {
    first: Duration::from_millis(1400),
    between: Duration::from_millis(130),
    load: Duration::from_millis(1500),
};

impl Home {
    /// Reads the environment and `.env`; what is wrong with them is told at once.
    pub(crate) async fn open() -> Result<Self> {
        let mut variables = variables::read()?;
        let is_set =
            |name: &str| variables.iter().any(|(known, value)| known == name && !value.trim().is_empty());
        let (is_open, is_configured) =
            (is_set("DRAFT_KEY"), is_set("OLLAMA_PRIMARY_URL") || is_set("HOMEFIRE_NODES"));
        if !is_open {
            variables.retain(|(name, _)| name != "DRAFT_KEY");
            variables.push(("DRAFT_KEY".to_owned(), DEV_DRAFT_KEY.to_owned()));
        }
        let simulated = match is_configured {
            true => None,
            false => {
                let nodes = [
                    Server::start(Node::new(&MODELS, FAST), 0, true).await?,
                    Server::start(Node::new(&MODELS, SLOW), 0, true).await?,
                ];
                variables.retain(|(name, _)| name != "HOMEFIRE_NODES" && name != "OLLAMA_FALLBACK_URL");
                variables
                    .push(("HOMEFIRE_NODES".to_owned(), nodes_variable(&nodes[0].url(), &nodes[1].url())));
                Some(nodes)
            }
        };
        let find =
            |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let config = Config::from_reader(find).map_err(|faults| Refused(faults.to_string()))?;
        let names = config.nodes.iter().map(|node| node.name.clone()).collect();
        Ok(Self { variables, simulated, names })
    }

    pub(crate) fn is_simulated(&self) -> bool {
        self.simulated.is_some()
    }

    /// The fast simulated node.
    pub(crate) fn mini(&mut self) -> Option<&mut Server> {
        self.simulated.as_mut().map(|nodes| &mut nodes[0])
    }

    pub(crate) fn describe(&self) -> String {
        let kind = if self.is_simulated() { ", simulated" } else { "" };
        format!("{}{kind}", self.names.join(", then "))
    }
}
