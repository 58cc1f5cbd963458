//! What the guard was told at its start, read through a reader that tests can fake; all faults are told at once.

mod reader;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use homefire_install::System;
use http::Uri;

use reader::Reader;

/// The names of everything that is read.
pub const VARIABLES: &[&str] = &[
    "HOMEFIRE_NODE_LISTEN", "HOMEFIRE_NODE_SOCKET", "OLLAMA_URL", "NODE_TOKENS", "NODE_TOKENS_FILE",
    "ACCESS_TEAM", "ACCESS_AUD", "MODELS", "LIMIT_NUM_PREDICT", "LIMIT_NUM_CTX", "IN_FLIGHT", "QUEUE",
    "QUEUE_MS", "EARLY_HEAD_MS", "DRAIN_BYTES", "DRAIN_MS", "ANSWER_MS", "RESTART_COMMAND",
];

/// Where the control socket is, unless another place is named: where an installed guard has it, too, so that `drain` finds
/// it.
pub const SOCKET: &str = if cfg!(target_os = "macos") { System::MacOs } else { System::Linux }.socket();

/// What the guard was told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// `HOMEFIRE_NODE_LISTEN`, 127.0.0.1:8088: where it listens.
    pub listen: SocketAddr,
    /// `HOMEFIRE_NODE_SOCKET`: where `drain` and `resume` are heard.
    pub socket: PathBuf,
    /// `OLLAMA_URL`, http://127.0.0.1:11434: what it guards.
    pub ollama: Uri,
    /// Who may call.
    pub credentials: Credentials,
    /// `MODELS`: what may be asked for, and nothing else.
    pub models: Vec<Model>,
    /// The most that a request may ask for.
    pub limits: Limits,
    /// `QUEUE`, 2: requests that may wait for a model.
    pub queue: usize,
    /// `RESTART_COMMAND`: brings Ollama back when its slot is lost.
    pub restart_command: Option<String>,
    /// How long each wait may last.
    pub waits: Waits,
    /// `DRAIN_BYTES`, 256 KiB: of an answer whose reader has left.
    pub drain_bytes: u64,
}

/// Who may call. What is configured must be shown, each of them.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// `NODE_TOKENS`, separated by commas or white space.
    pub tokens: Tokens,
    /// `NODE_TOKENS_FILE`: the same, read again whenever the file changes.
    pub file: Option<PathBuf>,
    /// `ACCESS_TEAM` and `ACCESS_AUD`: whose assertion is asked for.
    pub access: Option<Access>,
}

/// Secrets that are never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tokens(pub Vec<String>);

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tokens", self.0.len())
    }
}

/// An application of Cloudflare Access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who signs: `https://TEAM.cloudflareaccess.com`.
    pub issuer: String,
    /// Where the keys are.
    pub keys: String,
    /// The application's audience tag.
    pub audience: String,
}

/// A model that may be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// As Ollama lists it.
    pub name: String,
    /// `IN_FLIGHT`: requests that it works on at once.
    pub in_flight: usize,
}

/// The most that a request may ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// `LIMIT_NUM_PREDICT`: tokens of an answer.
    pub num_predict: Option<u64>,
    /// `LIMIT_NUM_CTX`: tokens of its context.
    pub num_ctx: Option<u64>,
}

/// Every wait by its name. Only those with a variable's name can be set from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// `QUEUE_MS`, 2 s: for a place at a model.
    pub queue: Duration,
    /// `EARLY_HEAD_MS`, never: without a word, then the reply's head leaves without it.
    pub early_head: Option<Duration>,
    /// `DRAIN_MS`, 20 s: an answer goes on whose reader has left; behind a load it begins anew.
    pub drain: Duration,
    /// 5 min, and not longer than an answer may take: a model is being loaded for a reader who has left.
    pub load: Duration,
    /// 10 s of silence after an early head, or on the express lane, then what means nothing is sent.
    pub heartbeat: Duration,
    /// 3 s until Ollama takes a connection.
    pub connect: Duration,
    /// `ANSWER_MS`, 10 min: from a request to the end of its answer.
    pub answer: Duration,
    /// 10 s from a request's first byte to the end of its head.
    pub head: Duration,
    /// 10 s from there to the end of its body.
    pub body: Duration,
    /// 2 min between two requests on a connection: longer than cloudflared keeps one.
    pub idle: Duration,
    /// 60 s until a client takes what was sent, then it counts as gone.
    pub stalled: Duration,
    /// 60 s between two looks at Ollama.
    pub look: Duration,
    /// 30 s until one token is there.
    pub word: Duration,
    /// 10 min between two restarts.
    pub restart: Duration,
    /// 25 s for the streams in flight when the guard is told to stop.
    pub farewell: Duration,
}

impl Waits {
    /// The waits of a guard that is told nothing.
    pub const DEFAULT: Self = Self {
        queue: Duration::from_secs(2),
        early_head: None,
        drain: Duration::from_secs(20),
        load: Duration::from_secs(300),
        heartbeat: Duration::from_secs(10),
        connect: Duration::from_secs(3),
        answer: Duration::from_secs(600),
        head: Duration::from_secs(10),
        body: Duration::from_secs(10),
        idle: Duration::from_secs(120),
        stalled: Duration::from_secs(60),
        look: Duration::from_secs(60),
        word: Duration::from_secs(30),
        restart: Duration::from_secs(600),
        farewell: Duration::from_secs(25),
    };
}

/// Everything that is wrong with a configuration, one sentence each; never a secret's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration is refused:")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for Faults {}

impl Config {
    /// Reads the configuration through `read`, which knows the variables by name. An empty value counts as none.
    pub fn from_reader(read: impl Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        let mut reader = Reader { read: &read, faults: Vec::new() };
        let listen = reader.parsed("HOMEFIRE_NODE_LISTEN", "an address such as 127.0.0.1:8088");
        let waits = Waits {
            queue: reader.millis("QUEUE_MS").unwrap_or(Waits::DEFAULT.queue),
            early_head: reader.millis("EARLY_HEAD_MS").filter(|wait| !wait.is_zero()),
            drain: reader.millis("DRAIN_MS").unwrap_or(Waits::DEFAULT.drain),
            answer: reader.positive("ANSWER_MS").map_or(Waits::DEFAULT.answer, Duration::from_millis),
            ..Waits::DEFAULT
        };
        let config = Self {
            listen: listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8088))),
            socket: socket(&read),
            ollama: reader.ollama(),
            credentials: reader.credentials(),
            models: reader.models(),
            limits: Limits {
                num_predict: reader.positive("LIMIT_NUM_PREDICT"),
                num_ctx: reader.positive("LIMIT_NUM_CTX"),
            },
            queue: reader.parsed("QUEUE", "a number").unwrap_or(2),
            restart_command: reader.text("RESTART_COMMAND"),
            waits,
            drain_bytes: reader.parsed("DRAIN_BYTES", "a number of bytes").unwrap_or(256 * 1024),
        };
        if reader.faults.is_empty() { Ok(config) } else { Err(Faults(reader.faults)) }
    }
}

/// Where the control socket is: all that `drain` and `resume` need to know.
pub fn socket(read: impl Fn(&str) -> Option<String>) -> PathBuf {
    let named = read("HOMEFIRE_NODE_SOCKET").filter(|path| !path.trim().is_empty());
    named.map_or_else(|| PathBuf::from(SOCKET), |path| PathBuf::from(path.trim()))
}
