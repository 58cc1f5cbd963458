//! JSON from bytes and to bytes: one reader and one writer for all of it. Of those that `serde_json` makes for each kind
//! of source and of target, each would be its whole code once more.

mod grammar;
mod number;
mod reader;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use grammar::Reader;

/// Where it is not what was to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Counted from one.
    pub line: usize,
    /// Bytes into the line.
    pub column: usize,
}

/// Reads a text or bytes.
///
/// # Errors
///
/// If it is not JSON, or not what `T` is read from.
pub fn read<'a, T: Deserialize<'a>>(json: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<T, Fault> {
    let mut reader = Reader::new(json.as_ref());
    let read = T::deserialize(&mut reader).and_then(|read| reader.end().map(|()| read));
    read.map_err(|_| reader.fault())
}

/// Writes what has string keys, as all of it has here.
pub fn write(value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    let mut json = Vec::new();
    append(&mut json, value);
    json
}

/// Writes it behind what is there.
pub fn append(json: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(json, value).expect("what is written has string keys and serializes");
}

/// The same as a text.
pub fn text(value: &(impl Serialize + ?Sized)) -> String {
    String::from_utf8(write(value)).expect("JSON is UTF-8")
}

/// What another type makes of it.
///
/// # Errors
///
/// If that is not what `T` is read from.
pub fn convert<T: DeserializeOwned>(value: &(impl Serialize + ?Sized)) -> Result<T, Fault> {
    read(&write(value))
}

/// A value as it stands in the text. Only [`read`] knows how to fill it: another reader refuses, and whatever holds one.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a>(pub &'a str);

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Raw<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Raw<'de>, E> {
                Ok(Raw(text))
            }
        }

        deserializer.deserialize_newtype_struct(reader::RAW, Text)
    }
}

/// A JSON string that every reader can read, as it stands: without half a surrogate pair, which JSON's grammar allows and many
/// readers refuse, and for simplicity without a whole one. None if it is no such string.
pub(crate) fn plain(json: &[u8]) -> Option<&str> {
    str::from_utf8(json).ok().filter(|_| Reader::new(json).is_plain())
}
