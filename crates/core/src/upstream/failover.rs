//! Which node is next: a decision, without waiting for anything.

use crate::error::Error;
use crate::failure::Failure;
use crate::outlook::Order;

/// Walks over the nodes of one question.
#[derive(Debug)]
pub struct Failover {
    order: Order,
    asked: usize,
    stopped: Option<Failure>,
}

/// A node to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// Its place in the configuration.
    pub node: usize,
    /// There is no other one behind it, or none that is not known to be out: it is given more time.
    pub is_last: bool,
}

impl Failover {
    /// Over the nodes in this order, each once.
    pub fn new(order: Order) -> Self {
        Self { order, asked: 0, stopped: None }
    }

    /// The node to ask now, if there is one.
    pub fn advance(&mut self) -> Option<Try> {
        if self.stopped.is_some() {
            return None;
        }
        let Order { nodes, well } = &self.order;
        let node = *nodes.get(self.asked)?;
        self.asked += 1;
        Some(Try { node, is_last: self.asked == *well || self.asked == nodes.len() })
    }

    /// The node that would be asked next, if it is not known to be out.
    pub fn next_well(&self) -> Option<usize> {
        let is_open = self.stopped.is_none() && self.asked < self.order.well;
        self.order.nodes.get(self.asked).copied().filter(|_| is_open)
    }

    /// A node that was asked was not needed after all: it is the next one again.
    pub fn give_back(&mut self, node: usize) {
        self.order.nodes.insert(self.asked, node);
        self.order.well += 1;
    }

    /// A node that was asked brought no word.
    pub fn failed(&mut self, why: Failure) {
        if why.is_final() {
            self.stopped = Some(why);
        }
    }

    /// A node has said its first word: what another one refused was not the request's fault.
    pub fn spoke(&mut self) {
        self.stopped = None;
    }

    /// What made every further attempt useless.
    pub fn stopped(&self) -> Option<Failure> {
        self.stopped
    }

    /// What the reader is told when there is no next node.
    pub fn verdict(&self) -> Error {
        self.stopped.map_or(Error::NoNode, Error::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks() {
        let check = |nodes: usize, failures: &[Failure], asked: &[(usize, bool)], verdict: Error| {
            let mut failover = Failover::new(Order { nodes: (0..nodes).collect(), well: nodes });
            let mut walk = Vec::new();
            while let Some(attempt) = failover.advance() {
                failover.failed(failures[walk.len()]);
                walk.push((attempt.node, attempt.is_last));
            }
            assert_eq!((walk.as_slice(), failover.verdict()), (asked, verdict), "{failures:?}");
        };
        use Failure::{AnswerTimeout, FirstWordTimeout, Refused, Rejected, Status};
        check(1, &[Refused], &[(0, true)], Error::NoNode);
        check(2, &[Refused, Status(500)], &[(0, false), (1, true)], Error::NoNode);
        check(
            3,
            &[Status(404), FirstWordTimeout, Status(429)],
            &[(0, false), (1, false), (2, true)],
            Error::NoNode,
        );
        check(2, &[Rejected], &[(0, false)], Error::Rejected);
        check(3, &[Refused, AnswerTimeout], &[(0, false), (1, false)], Error::Timeout);
    }

    #[test]
    fn a_word_goes_against_a_refusal() {
        let mut failover = Failover::new(Order { nodes: vec![0, 1, 2], well: 3 });
        failover.advance();
        failover.advance();
        failover.failed(Failure::Rejected);
        assert_eq!((failover.advance(), failover.stopped()), (None, Some(Failure::Rejected)));
        failover.spoke();
        assert_eq!((failover.advance().map(|next| next.node), failover.stopped()), (Some(2), None));
    }

    #[test]
    fn who_is_known_to_be_out_is_asked_behind_the_last_one() {
        let mut failover = Failover::new(Order { nodes: vec![1, 2, 0], well: 2 });
        let walk = [(1, false), (2, true), (0, true)].map(|(node, is_last)| Try { node, is_last });
        assert_eq!(std::iter::from_fn(|| failover.advance()).collect::<Vec<_>>(), walk);
    }
}
