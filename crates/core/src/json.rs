//! JSON from bytes and to bytes: of the reader and the writer that `serde_json` makes for each kind of source, each is
//! its whole code once more.

use serde::{Deserialize, Serialize};

/// Reads a text or bytes.
pub fn read<'a, T: Deserialize<'a>>(json: &'a (impl AsRef<[u8]> + ?Sized)) -> serde_json::Result<T> {
    serde_json::from_slice(json.as_ref())
}

/// Writes what has string keys, as all of it has here.
pub fn write(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("what is written has string keys and serializes")
}
