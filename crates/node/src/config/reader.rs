//! Variables to values, and what is wrong with them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use homefire_install::tokens::SHORTEST_TOKEN;
use http::Uri;

use super::{Access, Credentials, Model, Tokens};

const OLLAMA: &str = "http://127.0.0.1:11434";

pub(super) struct Reader<'a> {
    pub(super) read: &'a dyn Fn(&str) -> Option<String>,
    pub(super) faults: Vec<String>,
}

impl Reader<'_> {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        (self.read)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    pub(super) fn parsed<T: FromStr>(&mut self, name: &str, what: &str) -> Option<T> {
        let parsed = self.text(name)?.parse();
        if parsed.is_err() {
            self.faults.push(format!("{name} must be {what}"));
        }
        parsed.ok()
    }

    pub(super) fn positive(&mut self, name: &str) -> Option<u64> {
        let number = self.parsed(name, "a number above zero");
        if number == Some(0) {
            self.faults.push(format!("{name} must be a number above zero"));
        }
        number
    }

    pub(super) fn millis(&mut self, name: &str) -> Option<Duration> {
        self.parsed(name, "a number of milliseconds").map(Duration::from_millis)
    }

    /// Without TLS: it is the same machine.
    pub(super) fn ollama(&mut self) -> Uri {
        let fallback = Uri::from_static(OLLAMA);
        let Some(text) = self.text("OLLAMA_URL") else { return fallback };
        let uri = text.parse::<Uri>().ok().filter(|uri| {
            let is_plain = uri.scheme_str() == Some("http") && uri.path() == "/" && uri.query().is_none();
            is_plain && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        });
        uri.unwrap_or_else(|| {
            self.faults.push(format!("OLLAMA_URL must be a base URL such as {OLLAMA}"));
            fallback
        })
    }

    pub(super) fn credentials(&mut self) -> Credentials {
        let tokens = Tokens(split(&self.text("NODE_TOKENS").unwrap_or_default()));
        if tokens.0.iter().any(|token| token.len() < SHORTEST_TOKEN) {
            self.faults.push(format!("NODE_TOKENS must have {SHORTEST_TOKEN} characters or more each"));
        }
        let file = self.text("NODE_TOKENS_FILE").map(PathBuf::from);
        if file.is_some() && !tokens.0.is_empty() {
            self.faults.push("NODE_TOKENS and NODE_TOKENS_FILE exclude each other".to_owned());
        }
        let access = self.access();
        if tokens.0.is_empty() && file.is_none() && access.is_none() {
            self.faults.push("NODE_TOKENS, NODE_TOKENS_FILE or ACCESS_TEAM must say who may call".to_owned());
        }
        Credentials { tokens, file, access }
    }

    fn access(&mut self) -> Option<Access> {
        let (team, audience) = match (self.text("ACCESS_TEAM"), self.text("ACCESS_AUD")) {
            (Some(team), Some(audience)) => (team, audience),
            (None, None) => return None,
            (Some(_), None) | (None, Some(_)) => {
                self.faults.push("ACCESS_TEAM and ACCESS_AUD need each other".to_owned());
                return None;
            }
        };
        let is_label = team.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_label {
            self.faults.push("ACCESS_TEAM must be the team's name, without its domain".to_owned());
            return None;
        }
        let issuer = format!("https://{team}.cloudflareaccess.com");
        Some(Access { keys: format!("{issuer}/cdn-cgi/access/certs"), issuer, audience })
    }

    pub(super) fn models(&mut self) -> Vec<Model> {
        let names = split(&self.text("MODELS").unwrap_or_default());
        if names.is_empty() {
            self.faults.push("MODELS must name what may be asked for".to_owned());
        }
        let (general, mut special) = self.in_flight();
        let model = |name: String| Model { in_flight: special.remove(&name).unwrap_or(general), name };
        let mut models: Vec<Model> = names.into_iter().map(model).collect();
        models.dedup_by(|one, next| one.name == next.name);
        for name in special.keys() {
            self.faults.push(format!("IN_FLIGHT names {name:?}, which MODELS does not"));
        }
        models
    }

    /// `1`, `a=2`, `1,a=2`
    fn in_flight(&mut self) -> (usize, HashMap<String, usize>) {
        let (mut general, mut special) = (1, HashMap::new());
        for part in split(&self.text("IN_FLIGHT").unwrap_or_default()) {
            let (name, figure) =
                part.rsplit_once('=').map_or((None, &*part), |(name, figure)| (Some(name), figure));
            match (name, figure.parse()) {
                (_, Err(_) | Ok(0)) => {
                    self.faults.push("IN_FLIGHT must be a number above zero, or MODEL=NUMBER".to_owned());
                }
                (None, Ok(figure)) => general = figure,
                (Some(name), Ok(figure)) => drop(special.insert(name.to_owned(), figure)),
            }
        }
        (general, special)
    }
}

/// By commas and white space.
fn split(text: &str) -> Vec<String> {
    let parts = text.split(|char: char| char == ',' || char.is_whitespace());
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
