//! Who may call: a bearer of one of the owner's tokens, and from outside whoever Access vouches for.

mod access;
mod tokens;

use std::fmt;
use std::time::SystemTime;

use http::HeaderMap;

use crate::config::Credentials;
use access::Assertions;
use tokens::TokenBook;

/// Everyone who may call.
#[derive(Debug)]
pub(crate) struct Auth {
    tokens: Option<TokenBook>,
    access: Option<Assertions>,
}

/// Why nobody can be let in at all: a sentence for the owner.
#[derive(Debug)]
pub struct NoTokens(pub String);

impl fmt::Display for NoTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoTokens {}

impl Auth {
    pub(crate) fn new(credentials: &Credentials) -> Result<Self, NoTokens> {
        let tokens = TokenBook::open(&credentials.tokens, credentials.file.clone())?;
        Ok(Self { tokens, access: credentials.access.clone().map(Assertions::new).transpose()? })
    }

    /// Whether the sender of `headers` may call. Access vouches for what comes through the tunnel; who calls from this very
    /// machine has not been there, and needs a token.
    pub(crate) async fn allows(&self, headers: &HeaderMap, from_outside: bool) -> bool {
        if self.tokens.as_ref().is_some_and(|tokens| !tokens.know(headers)) {
            return false;
        }
        match &self.access {
            Some(access) if from_outside || self.tokens.is_none() => {
                Box::pin(access.vouch(headers, now())).await
            }
            Some(_) => true,
            None => self.tokens.is_some(),
        }
    }
}

fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "an assertion is valid by the calendar")]
    let now = SystemTime::now();
    now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
