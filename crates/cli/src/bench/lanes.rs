//! The ways to the node that are compared, and the order in which they take their turns.

use std::net::SocketAddr;

use anyhow::Result;
use homefire::process::Group;

use super::line::Line;
use super::wire::Wire;

/// One way to the node.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// How the node is asked, and how the reader asks and is answered.
    pub(crate) wires: [Wire; 2],
    /// Connections that were opened and say nothing.
    pub(crate) idle: Vec<Line>,
    /// Connections that ask.
    pub(crate) streams: Vec<Line>,
    /// What stands in between: none where the way is direct.
    pub(crate) processes: Vec<u32>,
    _programs: Vec<Group>,
}

impl Lane {
    pub(crate) fn new(
        name: &'static str,
        address: SocketAddr,
        wires: [Wire; 2],
        between: Vec<(Group, Vec<u32>)>,
    ) -> Self {
        let (programs, processes): (Vec<_>, Vec<_>) = between.into_iter().unzip();
        let (idle, streams, processes) = (Vec::new(), Vec::new(), processes.concat());
        Self { name, address, wires, idle, streams, processes, _programs: programs }
    }

    /// Opens the connections that ask.
    pub(crate) async fn connect(&mut self, streams: usize) -> Result<()> {
        self.streams = open(self.address, streams).await?;
        Ok(())
    }

    /// Opens those that say nothing.
    pub(crate) async fn connect_idle(&mut self, idle: usize) -> Result<()> {
        self.idle = open(self.address, idle).await?;
        Ok(())
    }
}

async fn open(address: SocketAddr, count: usize) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for _ in 0..count {
        lines.push(Line::open(address).await?);
    }
    Ok(lines)
}

/// Who is when: each is first as often as the others.
pub(crate) fn order(round: usize, lanes: usize) -> Vec<usize> {
    (0..lanes).map(|nth| (round + nth) % lanes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_first_in_turn() {
        let orders: Vec<_> = (0..4).map(|round| order(round, 3)).collect();
        assert_eq!(orders, [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]]);
    }
}
