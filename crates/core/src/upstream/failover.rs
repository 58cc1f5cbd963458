//! Which node is next: a decision, without waiting for anything.

use crate::error::Error;
use crate::failure::Failure;

/// Walks over the nodes of one question.
#[derive(Debug)]
pub struct Failover {
    order: std::vec::IntoIter<usize>,
    stopped: Option<Failure>,
}

/// A node to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// Its place in the configuration.
    pub node: usize,
    /// There is no other one behind it: it is given more time.
    pub is_last: bool,
}

impl Failover {
    /// Over the nodes in this order, each once.
    pub fn new(order: Vec<usize>) -> Self {
        Self { order: order.into_iter(), stopped: None }
    }

    /// The node to ask now, if there is one.
    pub fn advance(&mut self) -> Option<Try> {
        if self.stopped.is_some() {
            return None;
        }
        let node = self.order.next()?;
        Some(Try { node, is_last: self.order.as_slice().is_empty() })
    }

    /// The node that was asked last brought no word.
    pub fn failed(&mut self, why: Failure) {
        if why.is_final() {
            self.stopped = Some(why);
        }
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
            let mut failover = Failover::new((0..nodes).collect());
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
}
