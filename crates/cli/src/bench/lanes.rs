//! The ways to the node that are compared, and the order in which they take their turns.

use std::net::SocketAddr;

use anyhow::Result;
use homefire::process::Group;

use super::line::Line;

/// One way to the node.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) name: &'static str,
    /// Connections that were opened and say nothing.
    pub(crate) idle: Vec<Line>,
    /// Connections that ask.
    pub(crate) streams: Vec<Line>,
    /// What stands in between: none where the way is direct.
    pub(crate) processes: Vec<u32>,
    _program: Option<Group>,
}

impl Lane {
    pub(crate) async fn open(
        name: &'static str,
        address: SocketAddr,
        between: Option<(Group, Vec<u32>)>,
        connections: usize,
        streams: usize,
    ) -> Result<Self> {
        let mut lines = Vec::new();
        for _ in 0..connections {
            lines.push(Line::open(address).await?);
        }
        let idle = lines.split_off(streams);
        let (program, processes) = between.unzip();
        Ok(Self { name, idle, streams: lines, processes: processes.unwrap_or_default(), _program: program })
    }
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
