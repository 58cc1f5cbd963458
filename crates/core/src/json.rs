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

/// A JSON string that every reader can read, as it stands: without half a surrogate pair, which JSON's grammar allows and many
/// readers refuse, and for simplicity without a whole one. None if it is no such string.
pub(crate) fn plain(json: &[u8]) -> Option<&str> {
    str::from_utf8(json).ok().filter(|_| is_plain(json))
}

/// Whether these are two quotes with nothing between them but characters as they are, and JSON's escapes.
fn is_plain(bytes: &[u8]) -> bool {
    let Some(mut rest) = bytes.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else {
        return false;
    };
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20)) {
        rest = match &rest[at..] {
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', tail @ ..] => tail,
            [b'\\', b'u', a, b, c, d, tail @ ..]
                if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit) && !matches!(a, b'd' | b'D') =>
            {
                tail
            }
            _ => return false,
        };
    }
    true
}
