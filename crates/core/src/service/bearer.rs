//! Who may call the routes that are not for everybody.

use std::fmt;

use http::header::{AUTHORIZATION, HeaderMap};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::Error;

/// A secret as its hash: two of them are compared without telling how far they agree, nor how long they are.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// The key for this secret.
    pub fn new(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// Whether `headers` hold the key as `Authorization: Bearer`. Where none is configured nobody may.
pub fn check(headers: &HeaderMap, key: Option<&Key>) -> Result<(), Error> {
    let token = headers.get(AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    let given = Key::new(token.unwrap_or_default());
    match key {
        Some(key) if bool::from(key.0.ct_eq(&given.0)) => Ok(()),
        Some(_) | None => Err(Error::Unauthorized),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let check = |header: Option<&str>, key: Option<&str>, expect: bool| {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert(AUTHORIZATION, header.parse().unwrap());
            }
            assert_eq!(check(&headers, key.map(Key::new).as_ref()).is_ok(), expect, "{header:?} {key:?}");
        };
        check(Some("Bearer secret"), Some("secret"), true);
        check(Some("bearer  secret"), Some("secret"), true);
        check(Some("Bearer secret2"), Some("secret"), false);
        check(Some("Bearer "), Some("secret"), false);
        check(Some("Basic secret"), Some("secret"), false);
        check(Some("secret"), Some("secret"), false);
        check(None, Some("secret"), false);
        check(Some("Bearer secret"), None, false);
        check(None, None, false);
    }
}
