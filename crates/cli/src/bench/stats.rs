//! Percentiles of what was measured.

use serde_json::{Value, json};

/// The value that `share` of `sorted` do not exceed; nearest rank. `None` of nothing.
pub(crate) fn percentile(sorted: &[u64], share: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is a length"
    )]
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

/// The middle, and the one in a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spread {
    pub(crate) p50: u64,
    pub(crate) p99: u64,
}

impl Spread {
    pub(crate) fn of(mut values: Vec<u64>) -> Option<Self> {
        values.sort_unstable();
        Some(Self { p50: percentile(&values, 0.50)?, p99: percentile(&values, 0.99)? })
    }

    pub(crate) fn json(&self) -> Value {
        json!({"p50": self.p50, "p99": self.p99})
    }
}

/// One figure of each round: the middle one, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) least: u64,
    pub(crate) middle: u64,
    pub(crate) most: u64,
}

impl Range {
    pub(crate) fn of(mut values: Vec<u64>) -> Option<Self> {
        values.sort_unstable();
        Some(Self { least: *values.first()?, middle: percentile(&values, 0.50)?, most: *values.last()? })
    }

    /// How far they lie apart, each written by `figure`.
    pub(crate) fn apart(&self, figure: fn(u64) -> String) -> String {
        format!("{} – {}", figure(self.least), figure(self.most))
    }

    pub(crate) fn json(&self) -> Value {
        json!({"min": self.least, "median": self.middle, "max": self.most})
    }
}

/// Between which of `values` the middle one of all that could have been measured lies, 95 times of 100: a confidence interval
/// by ranks, which holds however they are spread. `None` of fewer than six, which say less.
pub(crate) fn confident(mut values: Vec<u64>) -> Option<[u64; 2]> {
    values.sort_unstable();
    let count = values.len();
    // How probable it is that `rank` of them lie on one side of it, as a logarithm; and that fewer do.
    let (mut so_many, mut fewer, mut rank) = (count as f64 * 0.5_f64.ln(), 0.0, 0);
    while fewer + so_many.exp() <= 0.025 {
        fewer += so_many.exp();
        so_many += ((count - rank) as f64 / (rank + 1) as f64).ln();
        rank += 1;
    }
    let lowest = rank.checked_sub(1)?;
    Some([values[lowest], values[count - 1 - lowest]])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ranks as tables of the sign test have them.
    #[test]
    fn the_middle_of_all_lies_between() {
        for (count, expect) in [
            (5, None),
            (6, Some([1, 6])),
            (10, Some([2, 9])),
            (40, Some([14, 27])),
            (9000, Some([4407, 4594])),
        ] {
            assert_eq!(confident((1..=count).rev().collect()), expect, "{count}");
        }
    }

    #[test]
    fn the_nearest_rank_counts() {
        let hundred: Vec<u64> = (1..=100).collect();
        for (share, expect) in [(0.0, 1), (0.5, 50), (0.501, 51), (0.99, 99), (1.0, 100)] {
            assert_eq!(percentile(&hundred, share), Some(expect), "{share}");
        }
        assert_eq!(percentile(&[7], 0.5), Some(7));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn order_does_not_matter() {
        assert_eq!(Spread::of(vec![3, 1, 2]), Some(Spread { p50: 2, p99: 3 }));
        assert_eq!(Spread::of(Vec::new()), None);
        assert_eq!(Range::of(vec![3, 1, 2]), Some(Range { least: 1, middle: 2, most: 3 }));
    }
}
