//! What a reader sees, row by row: one table for every world in which the service runs.

mod check;
mod contract;
mod draft;
mod draft_input;
mod guard;
mod held;
mod input;
mod logged;
mod resume;
mod run;
mod stream;
mod terminal;

pub use check::searched;
pub use contract::keeps_contract;
pub use guard::EARLY;
pub use run::{Before, Chunks, World, begin, end, run};

/// One story: how the nodes are, what is asked, what the reader does, and what must come of it.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Unique; trials are named after it.
    pub name: &'static str,
    /// The node that is asked first.
    pub mini: Situation,
    /// The last node.
    pub cloud: Situation,
    /// What is asked.
    pub ask: Ask,
    /// What the reader does.
    pub reader: Reader,
    /// What must come of it.
    pub expect: Expect,
}

/// How a node is.
#[derive(Clone, Copy, Debug)]
pub enum Situation {
    /// It meets the requests with these scripts, separated by `;`.
    Up(&'static str),
    /// Nobody listens.
    Down,
    /// Connections are neither accepted nor refused.
    Silent,
    /// It is up, and its guard is like this.
    Guarded(Ward),
}

/// How a node's guard is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ward {
    /// Its place at the first model is taken, by somebody who does not come from here.
    Full,
    /// Its owner takes the machine out of service.
    Draining,
    /// The same, and then he has it serve again.
    Reopened,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub enum Ask {
    /// `POST /api/terminal` with this query.
    Query(&'static str),
    /// `POST /api/terminal` with this body.
    Body(&'static str),
    /// `POST /api/terminal` with a query of so many characters.
    LongQuery(usize),
    /// `POST /api/terminal` by a reader who holds so many bytes of an answer.
    LongResume(usize),
    /// `POST /api/terminal` with a body of so many bytes.
    LongBody(usize),
    /// `POST /api/draft` with the key and this body, for the whole draft.
    Draft(&'static str),
    /// The same, for the draft as it is written.
    DraftStream(&'static str),
    /// `POST /api/draft` with the key and a body of so many bytes.
    LongDraft(usize),
    /// Anything: method, path, headers, body.
    Raw(&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str),
}

/// What the reader does.
#[derive(Clone, Copy, Debug)]
pub enum Reader {
    /// Reads to the end.
    Stays,
    /// Leaves after so many pieces of the answer.
    LeavesAfterWords(usize),
    /// Leaves when the head is there, before a word.
    LeavesAfterHead,
    /// Leaves so many milliseconds after asking, before there is a head.
    LeavesBeforeHead(u64),
    /// Asks a second time while the first answer streams; the expectation is the second one's.
    AsksTwice,
}

/// What must come of it.
#[derive(Clone, Copy, Debug)]
pub struct Expect {
    /// The reply's status.
    pub status: u16,
    /// The reply's headers: a name, and `*` for any value, an empty text for none, or the value.
    pub headers: &'static [(&'static str, &'static str)],
    /// Who was asked and what came of it, as `Server-Timing` tells; alternatives are separated by `|`.
    pub timing: &'static [(&'static str, &'static str)],
    /// The reply's body.
    pub told: Told,
    /// How many chats reached `mini` and `cloud`.
    pub asked: [usize; 2],
    /// Fields of the last request that reached a node, as JSON pointers, and their values as JSON; empty for none.
    pub sent: &'static [(&'static str, &'static str)],
    /// So many heartbeats reach the reader at least.
    pub heartbeats: usize,
}

/// The reply's body.
#[derive(Clone, Copy, Debug)]
pub enum Told {
    /// One JSON value with these fields, as JSON pointers, and their values as JSON; empty for none.
    Json(&'static [(&'static str, &'static str)]),
    /// No body.
    Nothing,
    /// All that this node said, then `done` with these fields.
    Answer(Who, &'static [(&'static str, &'static str)]),
    /// What this node said up to the fault, then an error of this code.
    Cut(Who, &'static str),
    /// What `mini` said, then what `cloud` said, without a seam between; or, behind so many times `restart`, what `cloud`
    /// said alone.
    Resumed(usize),
    /// What this node said, behind what the reader held already; or, behind so many times `restart`, what it said alone.
    Behind(Who, &'static str, usize),
    /// No word, then an error of this code.
    Error(&'static str),
    /// A draft with these fields, which keeps the contract.
    Draft(&'static [(&'static str, &'static str)]),
    /// So many times `restart`, then a draft's body in pieces and the whole of it with these fields, which keeps the
    /// contract.
    DraftStream(usize, &'static [(&'static str, &'static str)]),
    /// What the reader took before he left; the node sees him go.
    Left(Who),
}

/// One of the two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The node that is asked first.
    Mini,
    /// The last node.
    Cloud,
}

/// What every world is configured with, besides the nodes: deadlines short enough to be met, far enough apart to be told
/// from one another on a busy machine.
pub const SETTINGS: &[(&str, &str)] = &[
    ("CONNECT_MS", "300"),
    ("FIRST_WORD_MS", "700"),
    ("LAST_FIRST_WORD_MS", "2500"),
    ("IDLE_MS", "600"),
    ("ANSWER_MS", "5000"),
    ("HEARTBEAT_MS", "100"),
    ("EARLY_HEAD_MS", "1000"),
    // Rows fail one after the other, and each is to find both nodes in their order.
    ("BREAK_AFTER", "0"),
    ("ALLOWED_ORIGINS", "https://example.com"),
    ("NODE_TOKEN", SECRET),
    ("CF_ACCESS_CLIENT_ID", ACCESS[0].1),
    ("CF_ACCESS_CLIENT_SECRET", ACCESS[1].1),
    ("DRAFT_BUDGET_MS", "3000"),
    ("DRAFT_KEY", "hunter2-draft-key"),
    ("CRON_SECRET", "hunter2-cron-secret"),
    // The rows come from one address.
    ("RATE_LIMIT", "0"),
    // Nobody listens at the discard port: no test asks the real ones.
    ("GITHUB_API_URL", "http://127.0.0.1:9"),
    ("GITLAB_API_URL", "http://127.0.0.1:9"),
];

/// `Authorization` for the drafts.
const DRAFT_KEY: &str = "Bearer hunter2-draft-key";

/// The values of the rows' drafts: they are in replies to whoever gave them, and nowhere else.
/// No id happens to hold one.
const VALUES: [&str; 5] = ["Zacharias", "Quill", "4711.23", "2031-07-29", "8,191"];

/// The token that opens a node's door.
pub const SECRET: &str = "hunter2-node-token";

/// The headers by which Access lets the service through, and their values.
const ACCESS: [(&str, &str); 2] =
    [("cf-access-client-id", "hunter2-access-id"), ("cf-access-client-secret", "hunter2-access-secret")];

/// How every secret of the table begins: no reader and no log may ever see one.
const SECRETS: &str = "hunter2";

/// The models on both nodes.
pub const MODELS: [&str; 2] = ["qwen3.5:latest", "qwen2.5-coder:7b"];

/// `HOMEFIRE_NODES` for two nodes at these addresses.
pub fn nodes_variable(mini: &str, cloud: &str) -> String {
    serde_json::json!([{"name": "mini", "url": mini}, {"name": "cloud", "url": cloud}]).to_string()
}

/// Every row that is played in all worlds.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    questions().chain(input::ROWS).chain(draft::ROWS).chain(draft_input::ROWS)
}

/// The rows of them in which a reader asks a node.
pub fn questions() -> impl Iterator<Item = &'static Scenario> {
    terminal::ROWS.iter().chain(resume::ROWS).chain(held::ROWS)
}

/// The rows that are played only where a guard stands before each node.
pub fn guarded() -> impl Iterator<Item = &'static Scenario> {
    guard::ROWS.iter()
}

impl Scenario {
    /// Whether a platform must see a reader leave before its reply has a head. Vercel cannot: it notices at the next write.
    /// Workers do, but `wrangler dev` keeps its connection to them when the reader's is gone.
    pub fn needs_early_sight(&self) -> bool {
        matches!(self.reader, Reader::LeavesBeforeHead(_))
    }
}
