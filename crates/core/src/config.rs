//! The configuration, read through a reader that tests can fake; all faults are told at once.

mod activity;
mod limits;
mod monitor;
mod nodes;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

pub use activity::{Activity, Forge};
pub use limits::Limits;
pub use monitor::{Keeping, Mail, Monitor};
pub use nodes::{Models, Node, Nodes};

use crate::breaker::Rules;
use crate::platform::Moment;
use crate::service::bearer::Key;

/// The names of everything that is read.
pub const VARIABLES: &[&str] = &[
    "HOMEFIRE_NODES",
    "OLLAMA_PRIMARY_URL",
    "OLLAMA_FALLBACK_URL",
    "PRIMARY_MODEL",
    "FALLBACK_MODEL",
    "NODE_TOKEN",
    "CF_ACCESS_CLIENT_ID",
    "CF_ACCESS_CLIENT_SECRET",
    "ALLOWED_ORIGINS",
    "RATE_LIMIT",
    "STREAMS_PER_ADDRESS",
    "MOST_STREAMS",
    "CONNECT_MS",
    "FIRST_WORD_MS",
    "LAST_FIRST_WORD_MS",
    "COLD_FIRST_WORD_MS",
    "IDLE_MS",
    "ANSWER_MS",
    "HEARTBEAT_MS",
    "EARLY_HEAD_MS",
    "HEDGE_AFTER_MS",
    "HEDGE_BUDGET",
    "CONTINUE_HOPS",
    "EXPRESS_LANE",
    "BREAK_AFTER",
    "BREAK_MS",
    "DRAFT_KEY",
    "DRAFT_BUDGET_MS",
    "CRON_SECRET",
    "MONITOR_MS",
    "PROBE_MS",
    "FALL_AFTER",
    "RISE_AFTER",
    "RESEND_API_KEY",
    "RESEND_BASE_URL",
    "MAIL_FROM",
    "MAIL_TO",
    "HEARTBEAT_URL",
    "HOMEFIRE_STORE",
    "UPSTASH_REDIS_REST_URL",
    "UPSTASH_REDIS_REST_TOKEN",
    "GITHUB_API_URL",
    "GITHUB_TOKEN",
    "GITLAB_API_URL",
    "GITLAB_TOKEN",
];

/// What the service was told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// The nodes in the order in which they are asked.
    pub nodes: Nodes,
    /// How long each wait may last.
    pub deadlines: Deadlines,
    /// `CONTINUE_HOPS`, 1: how many other nodes may go on with an answer that broke off.
    pub continue_hops: usize,
    /// `EXPRESS_LANE`, true: whether a guard is asked to read Ollama's lines in our place.
    pub express_lane: bool,
    /// When a second node is asked while the first is silent.
    pub hedge: Hedge,
    /// When a node is left alone.
    pub breaker: Rules,
    /// `ALLOWED_ORIGINS`: the origins whose pages may read the replies.
    pub allowed_origins: Origins,
    /// What a question must not stand over.
    pub limits: Limits,
    /// `DRAFT_KEY`: opens the routes that are called from server to server. Without one they are closed.
    pub draft_key: Option<Key>,
    /// The monitor.
    pub monitor: Monitor,
    /// `HOMEFIRE_STORE`: where records are kept for all instances.
    pub keeping: Keeping,
    /// Where the owner's activity is asked for.
    pub activity: Activity,
}

/// Every wait by its name. The figures of the defaults are the products' own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// `CONNECT_MS`, 3 s: until a connection stands, where the platform can see it.
    pub connect: Duration,
    /// `FIRST_WORD_MS`, 15 s: until a node speaks, as long as there is another one.
    pub first_word: Duration,
    /// `LAST_FIRST_WORD_MS`, 60 s: until the last node speaks.
    pub last_first_word: Duration,
    /// `COLD_FIRST_WORD_MS`, 30 s: until a node speaks that must load its model first.
    pub cold_first_word: Duration,
    /// `IDLE_MS`, 20 s: between two chunks of an answer.
    pub idle: Duration,
    /// `ANSWER_MS`, 120 s: from the request to the end of its answer.
    pub answer: Duration,
    /// `HEARTBEAT_MS`, 5 s: of silence towards the reader, then a comment is sent.
    pub heartbeat: Duration,
    /// `EARLY_HEAD_MS`, 10 s: without a word, then the reply's head leaves before it is known who will answer.
    pub early_head: Duration,
    /// `DRAFT_BUDGET_MS`, 45 s: from the request to its draft, the template's if need be.
    pub draft: Duration,
}

impl Deadlines {
    pub(crate) const DEFAULT: Self = Self {
        connect: Duration::from_secs(3),
        first_word: Duration::from_secs(15),
        last_first_word: Duration::from_secs(60),
        cold_first_word: Duration::from_secs(30),
        idle: Duration::from_secs(20),
        answer: Duration::from_secs(120),
        heartbeat: Duration::from_secs(5),
        early_head: Duration::from_secs(10),
        draft: Duration::from_secs(45),
    };

    /// How long a node's first word is waited for, where so much is `left` of the whole. A load that is given up begins
    /// anew at the next try; yet the node behind it is to have its time, too.
    pub fn patience(&self, is_last: bool, is_cold: bool, left: Duration) -> Duration {
        let (usual, most) = match is_last {
            true => (self.last_first_word, left),
            false => (self.first_word, left.saturating_sub(self.first_word)),
        };
        if is_cold { self.cold_first_word.min(most).max(usual) } else { usual }
    }

    /// When a question that comes `now` is no longer being answered, however slowly its reader reads.
    pub fn gone(&self, now: Moment) -> Moment {
        const MINUTE: Duration = Duration::from_secs(60);
        now + self.early_head + self.answer.max(self.draft) + MINUTE
    }
}

/// When a second node is asked while the first is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hedge {
    /// `HEDGE_AFTER_MS`, 5 s: without a word from the first one.
    pub after: Duration,
    /// `HEDGE_BUDGET`, 5: so many of a hundred recent requests, at most; 0 means none.
    pub budget: usize,
}

/// The origins whose pages may read the replies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Whether a page of `origin` may read the replies.
    pub fn allow(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed == "*" || allowed == origin)
    }
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
        let deadlines = read_deadlines(&mut reader);
        let hedge = Hedge {
            after: reader.millis("HEDGE_AFTER_MS", Duration::from_secs(5)),
            budget: reader.count("HEDGE_BUDGET", 5, 0..=100),
        };
        let breaker = Rules {
            after: reader.count("BREAK_AFTER", 3, 0..=1000),
            rest: reader.millis("BREAK_MS", Duration::from_secs(10)),
        };
        let continue_hops = reader.count("CONTINUE_HOPS", 1, 0..=nodes::MOST_NODES);
        let express_lane = reader.flag("EXPRESS_LANE", true);
        let allowed_origins = read_origins(&mut reader);
        let limits = limits::read(&mut reader);
        let draft_key = reader.key("DRAFT_KEY");
        let monitor = monitor::read(&mut reader);
        let keeping = monitor::read_keeping(&mut reader);
        let activity = activity::read(&mut reader);
        let nodes = nodes::read(&mut reader);
        if nodes.as_ref().is_some_and(|nodes| nodes.len() > 1) {
            for (name, whole) in [("ANSWER_MS", deadlines.answer), ("DRAFT_BUDGET_MS", deadlines.draft)] {
                if whole <= deadlines.first_word {
                    reader
                        .fault(name, "is no longer than FIRST_WORD_MS: there is never time for another node");
                }
            }
        }
        match nodes {
            Some(nodes) if reader.faults.is_empty() => Ok(Self {
                nodes,
                deadlines,
                continue_hops,
                express_lane,
                hedge,
                breaker,
                allowed_origins,
                draft_key,
                monitor,
                keeping,
                activity,
                limits,
            }),
            _ => Err(Faults(reader.faults)),
        }
    }
}

fn read_deadlines(reader: &mut Reader<'_>) -> Deadlines {
    let default = Deadlines::DEFAULT;
    Deadlines {
        connect: reader.millis("CONNECT_MS", default.connect),
        first_word: reader.millis("FIRST_WORD_MS", default.first_word),
        last_first_word: reader.millis("LAST_FIRST_WORD_MS", default.last_first_word),
        cold_first_word: reader.millis("COLD_FIRST_WORD_MS", default.cold_first_word),
        idle: reader.millis("IDLE_MS", default.idle),
        answer: reader.millis("ANSWER_MS", default.answer),
        heartbeat: reader.millis("HEARTBEAT_MS", default.heartbeat),
        early_head: reader.millis("EARLY_HEAD_MS", default.early_head),
        draft: reader.millis("DRAFT_BUDGET_MS", default.draft),
    }
}

fn read_origins(reader: &mut Reader<'_>) -> Origins {
    let Some(list) = reader.text("ALLOWED_ORIGINS") else { return Origins::default() };
    let origins: Vec<String> =
        list.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(as_browsers_say).collect();
    for origin in origins.iter().filter(|origin| !is_origin(origin)) {
        reader.fault("ALLOWED_ORIGINS", format!("{origin:?} is not an origin such as https://example.com"));
    }
    Origins(origins)
}

/// In small letters, and without the port that is the scheme's own.
fn as_browsers_say(origin: &str) -> String {
    let origin = origin.to_ascii_lowercase();
    let port = if origin.starts_with("https:") { ":443" } else { ":80" };
    origin.strip_suffix(port).map_or_else(|| origin.clone(), str::to_owned)
}

fn is_origin(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:[]".contains(&b);
    let host = text.split_once("://").filter(|_| nodes::base_url(text).is_ok());
    text == "*" || host.is_some_and(|(_, host)| host.bytes().all(is_plain))
}

/// Reads variables and gathers what is wrong with them.
struct Reader<'a> {
    read: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<String>,
}

impl Reader<'_> {
    fn text(&self, name: &str) -> Option<String> {
        let value = (self.read)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    fn millis(&mut self, name: &str, default: Duration) -> Duration {
        self.millis_to(name, default, 600_000)
    }

    fn millis_to(&mut self, name: &str, default: Duration, longest: u32) -> Duration {
        let millis = self.number(name, "a number of milliseconds", 1..=longest);
        millis.map_or(default, |millis| Duration::from_millis(millis.into()))
    }

    fn count(&mut self, name: &str, default: u32, range: RangeInclusive<u32>) -> usize {
        self.number(name, "a number", range).unwrap_or(default) as usize
    }

    /// None where there is none, and where it is a fault.
    fn number(&mut self, name: &str, kind: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let text = self.text(name)?;
        let number = text.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            let (least, most) = range.into_inner();
            self.fault(name, format!("{text:?} is not {kind} from {least} to {most}"));
        }
        number
    }

    fn flag(&mut self, name: &str, default: bool) -> bool {
        let Some(text) = self.text(name) else { return default };
        text.parse().unwrap_or_else(|_| {
            self.fault(name, format!("{text:?} is neither true nor false"));
            default
        })
    }

    /// Without a slash at its end. None where there is none, and where it is a fault.
    fn url(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        nodes::base_url(&text).map_err(|what| self.fault(name, what)).ok()
    }

    /// A secret that travels in a header; `prefix` goes before it.
    fn secret(&mut self, name: &str, prefix: &str) -> Option<http::HeaderValue> {
        let text = self.text(name)?;
        let secret = secret_header(prefix, &text);
        if secret.is_none() {
            self.fault(name, "holds a character that a header cannot carry");
        }
        secret
    }

    /// A secret that callers must know.
    fn key(&mut self, name: &str) -> Option<Key> {
        const SHORTEST: usize = 16;
        let text = self.text(name)?;
        if text.len() < SHORTEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.fault(name, format!("is not {SHORTEST} or more printable ASCII characters"));
        }
        Some(Key::new(&text))
    }

    fn fault(&mut self, name: &str, what: impl fmt::Display) {
        self.faults.push(format!("{name}: {what}"));
    }
}

/// A header value that no `Debug` output shows.
fn secret_header(prefix: &str, secret: &str) -> Option<http::HeaderValue> {
    let mut value = http::HeaderValue::from_str(&format!("{prefix}{secret}")).ok()?;
    // Beyond ASCII bytes are taken, too, but not by Workers.
    value.to_str().ok()?;
    value.set_sensitive(true);
    Some(value)
}
