//! How many answers stream at once: of one address, and of this instance.

use std::time::Duration;

use super::Key;
use crate::config::Limits;
use crate::platform::Moment;
use crate::roll::Roll;

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

/// Streams under way, by whose they are.
#[derive(Debug, Default)]
pub(super) struct Places(Roll<Option<Key>>);

impl Places {
    /// Takes a place, which is free again at `until` at the latest; gives its number.
    pub(super) fn enter(
        &mut self,
        key: Option<Key>,
        limits: &Limits,
        now: Moment,
        until: Moment,
    ) -> Result<u64, Limit> {
        if self.0.present(now).len() >= limits.streams {
            return Err(Limit::Overload);
        }
        let own = self.0.present(now).filter(|own| **own == key).count();
        if key.is_some() && own >= limits.streams_per_address {
            return Err(Limit::Streams);
        }
        Ok(self.0.enter(key, until))
    }

    /// Gives a place back.
    pub(super) fn leave(&mut self, number: u64) {
        self.0.leave(number);
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
        let (now, until) = (Moment(0), Moment(1));
        let mut places = Places::default();
        let mut taken = Vec::new();
        let mut check = |story: &[(&str, &'static str, Result<(), Limit>)]| {
            for (nth, (what, name, expect)) in story.iter().enumerate() {
                let came = match *what {
                    "enters" => {
                        places.enter(key(name), &limits, now, until).map(|place| taken.push((*name, place)))
                    }
                    _ => {
                        let at = taken.iter().position(|(own, _)| own == name).expect("he is in");
                        places.leave(taken.remove(at).1);
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
        assert_eq!(places.0.present(now).len(), 0);
    }
}
