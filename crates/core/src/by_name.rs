//! A handful of things by their names, in the names' order. A list: nobody has so many that a table would pay, and the
//! code of one is made anew for each kind of thing.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};

/// Things by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByName<T>(Vec<(String, T)>);

impl<T> ByName<T> {
    /// The thing of that name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.place(name).ok().map(|at| &self.0[at].1)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.place(name).ok().map(|at| &mut self.0[at].1)
    }

    /// The same; if there is none, there is one now.
    pub fn entry(&mut self, name: &str) -> &mut T
    where
        T: Default,
    {
        let at = self.place(name).unwrap_or_else(|at| {
            self.0.insert(at, (name.to_owned(), T::default()));
            at
        });
        &mut self.0[at].1
    }

    /// Keeps those whose names are so.
    pub fn retain(&mut self, keeps: impl Fn(&str) -> bool) {
        self.0.retain(|(name, _)| keeps(name));
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, thing)| (&**name, thing))
    }

    /// All of them, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().map(|(_, thing)| thing)
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_str().cmp(name))
    }
}

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Serialize> Serialize for ByName<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for ByName<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Things<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Things<T> {
            type Value = ByName<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ByName<T>, A::Error> {
                let mut things = ByName::default();
                while let Some((name, thing)) = map.next_entry::<String, T>()? {
                    *things.entry(&name) = thing;
                }
                Ok(things)
            }
        }

        deserializer.deserialize_map(Things(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn as_an_object() {
        let check = |json: &str, expect: &str| {
            let things: ByName<u32> = json::read(json).unwrap();
            assert_eq!(json::text(&things), expect);
        };
        check("{}", "{}");
        check(r#"{"mini":1,"cloud":2,"a b":3}"#, r#"{"a b":3,"cloud":2,"mini":1}"#);
        check(r#"{"mini":1,"mini":2}"#, r#"{"mini":2}"#);
        assert!(json::read::<ByName<u32>>("[]").is_err());
    }

    #[test]
    fn what_is_there() {
        let mut things = ByName::<u32>::default();
        *things.entry("mini") = 1;
        *things.entry("cloud") = 2;
        *things.entry("mini") += 2;
        assert_eq!(things.iter().collect::<Vec<_>>(), [("cloud", &2), ("mini", &3)]);
        assert_eq!((things.get("mini"), things.get("min")), (Some(&3), None));
        assert_eq!(things.get_mut("cloud"), Some(&mut 2));
        things.retain(|name| name != "cloud");
        assert_eq!(things.iter().count(), 1);
    }
}
