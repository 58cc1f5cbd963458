//! Whom Cloudflare Access vouches for: an assertion, RS256 and nothing else, by the team's published keys.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Once;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

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

/// The keys of a team, and when they were asked for.
#[derive(Debug)]
pub(super) struct Assertions {
    access: Access,
    client: reqwest::Client,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    keys: Keys,
    heard: Option<Instant>,
    asked: Option<Instant>,
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
    pub(super) fn new(access: Access) -> Self {
        static CRYPTO: Once = Once::new();
        // Fails only if one is installed already, which is as good.
        CRYPTO.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .expect("these settings do not contradict each other");
        Self { access, client, kept: Mutex::default() }
    }

    /// Whether `headers` bear an assertion that is good at `now`, in seconds since the epoch.
    pub(super) async fn vouch(&self, headers: &HeaderMap, now: u64) -> bool {
        let Some(token) = headers.get(HEADER).and_then(|value| value.to_str().ok()) else { return false };
        let mut kept = self.kept.lock().await;
        if kept.heard.is_none_or(|heard| heard.elapsed() > FRESH) {
            self.renew(&mut kept).await;
        }
        match kept.keys.verify(token, &self.access, now) {
            Ok(()) => true,
            Err(Doubt::No) => false,
            Err(Doubt::UnknownKey) => {
                self.renew(&mut kept).await && kept.keys.verify(token, &self.access, now).is_ok()
            }
        }
    }

    /// Whether new keys were heard. What is kept stays if not.
    async fn renew(&self, kept: &mut Kept) -> bool {
        if kept.asked.is_some_and(|asked| asked.elapsed() < PAUSE) {
            return false;
        }
        kept.asked = Some(Instant::now());
        let Some(keys) = self.ask().await else { return false };
        kept.keys = keys;
        kept.heard = Some(Instant::now());
        true
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
