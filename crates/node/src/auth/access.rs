//! Whom Cloudflare Access vouches for: an assertion, RS256 and nothing else, by the team's published keys.

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Once};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::NoTokens;
use crate::config::Access;

const HEADER: &str = "cf-access-jwt-assertion";

/// Seconds by which clocks may differ.
const LEEWAY: u64 = 60;

const LONGEST_TOKEN: usize = 8 * 1024;
const LONGEST_SET: usize = 256 * 1024;
const MOST_KEYS: usize = 16;

/// Keys are asked for again after so long, and sooner, but not at once, for a key that is not known.
const FRESH: Duration = Duration::from_secs(3600);
const PAUSE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(5);

/// A team's assertions.
#[derive(Debug)]
pub(super) struct Assertions(Arc<Team>);

#[derive(Debug)]
struct Team {
    access: Access,
    client: reqwest::Client,
    kept: watch::Sender<Kept>,
}

/// The keys of a team, and when they were asked for.
#[derive(Debug, Default)]
struct Kept {
    keys: Keys,
    heard: Option<Instant>,
    asked: Option<Instant>,
    is_asking: bool,
}

/// Why an assertion is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    No,
    /// It may be that of a newer set.
    UnknownKey,
}

/// Public keys by their ids.
#[derive(Debug, Default)]
struct Keys(HashMap<String, RsaPublicKeyComponents<Vec<u8>>>);

#[derive(Deserialize)]
struct Set {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: u64,
    #[serde(default)]
    nbf: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Assertions {
    /// Fails where nobody can be asked for the team's keys: on a machine without certificates to know him by.
    pub(super) fn new(access: Access) -> Result<Self, NoTokens> {
        static CRYPTO: Once = Once::new();
        // Fails only if one is installed already, which is as good.
        CRYPTO.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(|error| NoTokens(format!("the keys of Access cannot be asked for: {error:?}")))?;
        Ok(Self(Arc::new(Team { access, client, kept: watch::Sender::default() })))
    }

    /// Whether `headers` bear an assertion that is good at `now`, in seconds since the epoch.
    pub(super) async fn vouch(&self, headers: &HeaderMap, now: u64) -> bool {
        let Some(token) = headers.get(HEADER).and_then(|value| value.to_str().ok()) else { return false };
        let heard = self.0.kept.borrow().heard;
        if heard.is_none_or(|heard| heard.elapsed() > FRESH) {
            self.renew();
        }
        match self.verify(token, now) {
            Ok(()) => true,
            Err(Doubt::No) => false,
            Err(Doubt::UnknownKey) => {
                self.renew();
                let mut kept = self.0.kept.subscribe();
                let _ = timeout(PATIENCE, kept.wait_for(|kept| !kept.is_asking)).await;
                self.verify(token, now).is_ok()
            }
        }
    }

    fn verify(&self, token: &str, now: u64) -> Result<(), Doubt> {
        self.0.kept.borrow().keys.verify(token, &self.0.access, now)
    }

    /// Has the keys asked for, unless they are, or were a moment ago. Nobody who leaves breaks it off; what is kept stays
    /// until there is something newer.
    fn renew(&self) {
        let begins = self.0.kept.send_if_modified(|kept| {
            let is_soon = kept.asked.is_some_and(|asked| asked.elapsed() < PAUSE);
            let begins = !kept.is_asking && !is_soon;
            if begins {
                (kept.is_asking, kept.asked) = (true, Some(Instant::now()));
            }
            begins
        });
        if begins {
            let team = Arc::clone(&self.0);
            #[expect(
                clippy::disallowed_methods,
                reason = "it ends by its own deadline, and serves whoever comes"
            )]
            drop(tokio::spawn(async move { team.renewed().await }));
        }
    }
}

impl Team {
    async fn renewed(&self) {
        let keys = self.ask().await;
        self.kept.send_modify(|kept| {
            kept.is_asking = false;
            if let Some(keys) = keys {
                (kept.keys, kept.heard) = (keys, Some(Instant::now()));
            }
        });
    }

    async fn ask(&self) -> Option<Keys> {
        let mut reply = self.client.get(&self.access.keys).send().await.ok()?.error_for_status().ok()?;
        let mut text = Vec::new();
        while let Some(chunk) = reply.chunk().await.ok()? {
            if text.len() + chunk.len() > LONGEST_SET {
                return None;
            }
            text.extend_from_slice(&chunk);
        }
        Keys::read(&text)
    }
}

impl Keys {
    /// A key of another kind is left out.
    fn read(text: &[u8]) -> Option<Self> {
        let set: Set = serde_json::from_slice(text).ok()?;
        let keys = set.keys.into_iter().take(MOST_KEYS).filter_map(|key| {
            let (n, e) = (decode(&key.n?)?, decode(&key.e?)?);
            Some((key.kid?, RsaPublicKeyComponents { n, e }))
        });
        Some(Self(keys.collect()))
    }

    fn verify(&self, token: &str, access: &Access, now: u64) -> Result<(), Doubt> {
        if token.len() > LONGEST_TOKEN {
            return Err(Doubt::No);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Doubt::No)?;
        let (head, claims) = signed.split_once('.').ok_or(Doubt::No)?;
        let head: Head = part(head).ok_or(Doubt::No)?;
        if head.alg != "RS256" {
            return Err(Doubt::No);
        }
        let key = self.0.get(&head.kid).ok_or(Doubt::UnknownKey)?;
        let signature = decode(signature).ok_or(Doubt::No)?;
        key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).map_err(|_| Doubt::No)?;
        let claims: Claims = part(claims).ok_or(Doubt::No)?;
        let is_for_us = match &claims.aud {
            Audience::One(audience) => *audience == access.audience,
            Audience::Many(audiences) => audiences.contains(&access.audience),
        };
        let is_now = now < claims.exp.saturating_add(LEEWAY) && claims.nbf <= now.saturating_add(LEEWAY);
        if claims.iss == access.issuer && is_for_us && is_now { Ok(()) } else { Err(Doubt::No) }
    }
}

fn part<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    serde_json::from_slice(&decode(text)?).ok()
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
