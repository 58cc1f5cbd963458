//! Chance that can be had again: the same numbers for the same seed.

use std::time::Duration;

/// A row of numbers: SplitMix64, after Steele, Lea and Flood.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// Rows of the same seed are told apart by `row`.
    pub(super) fn new(seed: u64, row: u64) -> Self {
        let mut mixed = Self(seed);
        Self(mixed.next() ^ row.wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `bound` - 1.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True once in so many times.
    pub(super) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    /// One of the list.
    pub(super) fn of<T: Copy>(&mut self, list: &[T]) -> T {
        let at = self.below(list.len() as u64);
        list[usize::try_from(at).expect("it is below a length")]
    }

    /// From so many milliseconds to so many.
    pub(super) fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_it_all() {
        let row = |seed, row| {
            let mut chance = Chance::new(seed, row);
            std::array::from_fn::<_, 8, _>(|_| chance.next())
        };
        assert_eq!(row(1, 2), row(1, 2));
        assert_ne!(row(1, 2), row(2, 1));
        assert_ne!(row(1, 2), row(1, 3));
        let mut chance = Chance::new(7, 7);
        let mut drawn = [0; 4];
        (0..1000).for_each(|_| drawn[chance.of(&[0, 1, 2, 3])] += 1);
        assert!(drawn.iter().all(|count| *count > 150), "{drawn:?}");
    }
}
