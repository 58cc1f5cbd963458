//! How many answers stream at once: of one address, and of this instance.

use std::collections::HashMap;
use std::time::Duration;

use super::Key;
use crate::config::Limits;

/// What a question stood over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// This instance writes as many answers as it can.
    Overload,
    /// This address is being answered as often as it may at once.
    Streams,
    /// This address has asked as often as it may; in this time it may again.
    Rate(Duration),
}

impl Limit {
    /// Its name in the log.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Overload => "overload",
            Self::Streams => "streams",
            Self::Rate(_) => "rate",
        }
    }
}

/// Streams under way.
#[derive(Debug, Default)]
pub(super) struct Places {
    taken: usize,
    by_key: HashMap<Key, usize>,
}

impl Places {
    /// Takes a place.
    pub(super) fn enter(&mut self, key: Option<&Key>, limits: &Limits) -> Result<(), Limit> {
        if self.taken >= limits.streams {
            return Err(Limit::Overload);
        }
        if let Some(key) = key {
            let own = self.by_key.get(key).copied().unwrap_or_default();
            if own >= limits.streams_per_address {
                return Err(Limit::Streams);
            }
            self.by_key.insert(*key, own + 1);
        }
        self.taken += 1;
        Ok(())
    }

    /// Gives a place back that was taken by `key`.
    pub(super) fn leave(&mut self, key: Option<&Key>) {
        self.taken -= 1;
        let Some(key) = key else { return };
        let own = self.by_key.remove(key).unwrap_or_default();
        if own > 1 {
            self.by_key.insert(*key, own - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Address;
    use super::*;

    #[test]
    fn a_place_is_free_again_when_it_is_left() {
        let limits = Limits { rate: 0, streams_per_address: 2, streams: 4 };
        let key = |name: &str| (!name.is_empty()).then(|| Address(name.to_owned()).key());
        let mut places = Places::default();
        let mut check = |story: &[(&str, &str, Result<(), Limit>)]| {
            for (nth, (what, name, expect)) in story.iter().enumerate() {
                let came = match *what {
                    "enters" => places.enter(key(name).as_ref(), &limits),
                    _ => {
                        places.leave(key(name).as_ref());
                        Ok(())
                    }
                };
                assert_eq!(came, *expect, "{nth}: {name:?} {what}");
            }
        };
        check(&[
            ("enters", "a", Ok(())),
            ("enters", "a", Ok(())),
            ("enters", "a", Err(Limit::Streams)),
            ("enters", "b", Ok(())),
            ("enters", "", Ok(())),
            ("enters", "c", Err(Limit::Overload)),
            ("enters", "a", Err(Limit::Overload)),
            ("enters", "", Err(Limit::Overload)),
            ("leaves", "a", Ok(())),
            ("enters", "c", Ok(())),
            ("leaves", "", Ok(())),
            ("enters", "a", Ok(())),
            ("leaves", "b", Ok(())),
            ("enters", "a", Err(Limit::Streams)),
            ("leaves", "a", Ok(())),
            ("leaves", "a", Ok(())),
            ("leaves", "c", Ok(())),
        ]);
        assert!(places.by_key.is_empty() && places.taken == 0, "{places:?}");
    }
}
