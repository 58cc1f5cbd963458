//! Why a node does not answer as it should, and what its owner can do about it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What is wrong with a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Diagnosis {
    /// Its name is not found.
    Dns,
    /// Nobody listens at its address.
    Refused,
    /// The connection breaks, or cannot be made.
    Unreachable,
    /// Cloudflare has no connection from its tunnel (530, error 1033).
    TunnelDown,
    /// The tunnel stands, and behind it nobody answers (502).
    OriginRefused,
    /// Access does not accept the service token (302, 401, 403), or the guard the node's (401).
    AccessRejected,
    /// `cloudflared` misses Access's assertion, or Ollama refuses the Host header (403 without a body).
    HostRejected,
    /// Models that are configured are not on it.
    ModelMissing(Vec<String>),
    /// It lists its models, and says no word.
    Hangs,
    /// It does not answer within the time for it.
    Slow,
    /// It answers with another status.
    Status(u16),
    /// Something else answers in its place.
    Foreign,
}

impl Diagnosis {
    /// Its name in replies and logs.
    pub fn name(&self) -> &'static str {
        self.row().0
    }

    /// What is wrong, in a sentence.
    pub fn words(&self) -> String {
        self.row().1.into_owned()
    }

    /// What its owner can do.
    pub fn advice(&self) -> String {
        self.row().2.into_owned()
    }

    fn row(&self) -> (&'static str, Cow<'static, str>, Cow<'static, str>) {
        let (name, words, advice) = match self {
            Self::ModelMissing(models) => {
                let pulls: Vec<String> = models.iter().map(|model| format!("ollama pull {model}")).collect();
                let words = format!("It runs, but does not have {}.", models.join(", "));
                return (
                    "model_missing",
                    words.into(),
                    format!(
                        "On the machine: {}; or name its own `models` in HOMEFIRE_NODES.",
                        pulls.join("; ")
                    )
                    .into(),
                );
            }
            Self::Status(status) => {
                let words = format!("It answers with the status {status}.");
                return ("status", words.into(), "Look at the log of whatever answers there.".into());
            }
            Self::Dns => (
                "dns",
                "Its name is not found.",
                "Look whether the DNS record of the tunnel still exists, and whether the name is spelled right.",
            ),
            Self::Refused => (
                "refused",
                "Nobody listens at its address.",
                "Look whether the machine is on, and whether Ollama runs on it.",
            ),
            Self::Unreachable => (
                "unreachable",
                "No connection to it can be made or kept.",
                "Look whether the machine is on and has a network.",
            ),
            Self::TunnelDown => (
                "tunnel_down",
                "Its tunnel is down: the machine is off, has no network, or cloudflared does not run.",
                "Look whether there is power and a network, then whether cloudflared runs on the machine.",
            ),
            Self::OriginRefused => (
                "origin_refused",
                "Its tunnel stands, but Ollama does not answer behind it.",
                "The machine is on. Start Ollama on it, or look at its log.",
            ),
            Self::AccessRejected => (
                "access_rejected",
                "Cloudflare Access does not accept the service token, or the guard the node's. The machine itself may \
                 be well.",
                "Look whether the service token has expired, its policy is of the kind Service Auth, and NODE_TOKEN, or \
                 the node's `token`, is in the guard's file.",
            ),
            Self::HostRejected => (
                "host_rejected",
                "cloudflared misses Access's assertion, or Ollama refuses the Host header.",
                "Behind a guard look for Access before the name, and its audience; else set httpHostHeader: \
                 \"localhost:11434\" in the tunnel's originRequest.",
            ),
            Self::Hangs => (
                "hangs",
                "It lists its models, but does not say a word.",
                "Restart Ollama: a request that was given up may have kept its only slot.",
            ),
            Self::Slow => (
                "slow",
                "It does not answer in time.",
                "Look at the load of the machine, and at its network.",
            ),
            Self::Foreign => {
                ("foreign", "Something else answers in its place.", "Look where the name of the node leads.")
            }
        };
        (name, words.into(), advice.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where several may have said the same, each is named.
    #[test]
    fn advice_leaves_nobody_out() {
        let check = |why: Diagnosis, named: &[&str]| {
            let said = why.words() + &why.advice();
            named.iter().for_each(|name| assert!(said.contains(name), "{name}: {said}"));
        };
        check(Diagnosis::AccessRejected, &["service token", "Service Auth", "NODE_TOKEN", "guard"]);
        check(Diagnosis::HostRejected, &["cloudflared", "Access", "audience", "httpHostHeader"]);
    }
}
