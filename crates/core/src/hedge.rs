//! How often a second node may be asked while the first is still silent: a share of the recent requests.

/// Hedges that may gather: so many in a row after a calm time.
const MOST: u32 = 5;

/// In hundredths of a hedge.
const ONE: u32 = 100;

/// One instance's. It begins with one in hand.
#[derive(Clone, Copy, Debug)]
pub struct Budget(u32);

impl Default for Budget {
    fn default() -> Self {
        Self(ONE)
    }
}

impl Budget {
    /// A request came; `share` is `HEDGE_BUDGET`, in per cent.
    pub fn earn(&mut self, share: usize) {
        let share = u32::try_from(share).unwrap_or(ONE);
        self.0 = (self.0 + share).min(MOST * ONE);
    }

    /// Whether there is a hedge left; it is spent. A share of nothing is nothing.
    pub fn spend(&mut self, share: usize) -> bool {
        let left = self.0.checked_sub(ONE).filter(|_| share > 0);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        let check = |share: usize, requests: usize, expect: usize| {
            let mut budget = Budget::default();
            let spent = (0..requests).filter(|_| {
                budget.earn(share);
                budget.spend(share)
            });
            assert_eq!(spent.count(), expect, "{share} % of {requests}");
        };
        check(5, 1, 1);
        check(5, 1000, 51);
        check(50, 10, 6);
        check(0, 1000, 0);
        let mut calm = Budget::default();
        (0..1000).for_each(|_| calm.earn(5));
        assert_eq!((0..100).filter(|_| calm.spend(5)).count(), 5);
    }
}
