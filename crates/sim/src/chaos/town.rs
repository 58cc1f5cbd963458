//! The service and everything around it, as the storm sees them; in virtual time or over sockets.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use crate::mail::Mailroom;
use crate::node::Node;
use crate::redis::{Slate, Upstash};
use crate::scenario::Chunks;
use crate::socket::Reach;

/// Simulated nodes.
pub const NODES: usize = 3;

/// `ANSWER_MS` of [`variables`].
pub(super) const ANSWER: Duration = Duration::from_secs(4);

/// Opens the rounds of the monitor.
pub(super) const CRON_SECRET: &str = "a-cron-secret-of-chaos";

/// What the store asks for.
pub const STORE_TOKEN: &str = "a-store-token-of-chaos";

/// What the mail service asks for.
pub const MAIL_KEY: &str = "re_chaos";

/// One way of running the service with [`variables`].
pub trait Town {
    /// Sends a request. Dropping the future or the body is the reader's leaving.
    fn send(&self, request: Request<Bytes>) -> impl Future<Output = Result<Response<Chunks>, String>>;

    /// In the order in which they are asked.
    fn nodes(&self) -> &[Node];

    /// Where the leases and the monitor's record are.
    fn store(&self) -> &Upstash<Slate>;

    /// Where the letters go.
    fn mail(&self) -> &Mailroom;

    /// Changes how one of them can be reached.
    fn set(&self, part: Part, reach: Reach) -> impl Future<Output = ()>;

    /// Bytes that the service holds, where that can be seen.
    fn memory(&self) -> Option<u64>;

    /// Lets go of what nobody will ask for any more.
    fn tidy(&self);

    /// What may be expected here.
    fn rules(&self) -> Rules;
}

/// Something that can vanish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// One of the nodes.
    Node(usize),
    /// The store.
    Store,
    /// The mail service.
    Mail,
}

/// What may be expected of a town.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Readers at once.
    pub readers: usize,
    /// Within what a reader's leaving is noticed, and his node free.
    pub notice: Duration,
    /// How much later than its deadline the end of an answer may arrive.
    pub grace: Duration,
    /// Within what such a share of the local commands are answered.
    pub prompt: (f64, Duration),
    /// Whether waiting costs nothing: then the leases of dead instances are waited for.
    pub is_patient: bool,
    /// Whether the leases are in the town's store, and not in one that the platform has.
    pub counts_here: bool,
}

/// What the service is told, with short deadlines: a minute is to hold many requests. Without a store it takes what the
/// platform has.
pub fn variables(nodes: &[String], store: Option<&str>, mail: &str) -> Vec<(String, String)> {
    let nodes: Vec<_> = (0..).zip(nodes).map(|(nth, url)| named(nth, url)).collect();
    let nodes = serde_json::Value::from(nodes).to_string();
    let answer = ANSWER.as_millis().to_string();
    let variables = [
        ("HOMEFIRE_NODES", &*nodes),
        ("CONNECT_MS", "300"),
        ("FIRST_WORD_MS", "800"),
        ("LAST_FIRST_WORD_MS", "1200"),
        ("IDLE_MS", "400"),
        ("ANSWER_MS", &*answer),
        ("HEARTBEAT_MS", "100"),
        ("EARLY_HEAD_MS", "500"),
        ("HEDGE_AFTER_MS", "300"),
        ("HEDGE_BUDGET", "20"),
        ("CONTINUE_HOPS", "2"),
        ("BREAK_AFTER", "3"),
        ("BREAK_MS", "300"),
        ("CRON_SECRET", CRON_SECRET),
        ("PROBE_MS", "300"),
        ("MONITOR_MS", "1000"),
        ("RESEND_BASE_URL", mail),
        ("RESEND_API_KEY", MAIL_KEY),
        ("MAIL_FROM", "Homefire <homefire@example.com>"),
        ("MAIL_TO", "owner@example.com"),
        // Nobody listens at the discard port: no storm asks the real ones.
        ("GITHUB_API_URL", "http://127.0.0.1:9"),
        ("GITLAB_API_URL", "http://127.0.0.1:9"),
        // All readers live at one address.
        ("RATE_LIMIT", "0"),
        ("STREAMS_PER_ADDRESS", "1000"),
        ("MOST_STREAMS", "1000"),
    ];
    let store = store.map(|url| [("UPSTASH_REDIS_REST_URL", url), ("UPSTASH_REDIS_REST_TOKEN", STORE_TOKEN)]);
    variables
        .into_iter()
        .chain(store.into_iter().flatten())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn named(nth: usize, url: &str) -> serde_json::Value {
    let name = ["mini", "attic", "cloud"][nth];
    serde_json::json!({ "name": name, "url": url })
}
