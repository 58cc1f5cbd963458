//! The monitor: when it believes what it sees, whom it tells, and where it keeps what it knows.

use std::time::Duration;

use http::HeaderValue;

use super::Reader;
use crate::monitor::Damping;
use crate::platform::Moment;
use crate::service::bearer::Key;
use crate::store::upstash::Upstash;

/// What the monitor was told at its start.
#[derive(Clone, Debug)]
pub struct Monitor {
    /// `CRON_SECRET`: opens `/api/cron/health`. Without one it is closed.
    pub cron_secret: Option<Key>,
    /// `FALL_AFTER` and `RISE_AFTER`, 2 each.
    pub damping: Damping,
    /// `MONITOR_MS`, 5 min: from one round to the next. Older than three of them, a state is no longer believed.
    pub period: Duration,
    /// `PROBE_MS`, 5 s: until a node has answered a look.
    pub probe: Duration,
    /// Who is written to.
    pub mail: Option<Mail>,
    /// `HEARTBEAT_URL`: called after each complete round, so that somebody notices when there are none.
    pub heartbeat: Option<http::Uri>,
}

impl Monitor {
    /// Whether a look was so long ago that it is no longer believed.
    pub fn is_stale(&self, checked: Moment, now: Moment) -> bool {
        const AFTER: u32 = 3;
        // One from a clock that is far ahead counts as none.
        now.since(checked).max(checked.since(now)) > self.period * AFTER
    }
}

/// Who is written to, and by whom it is brought.
#[derive(Clone, Debug)]
pub struct Mail {
    /// `RESEND_API_KEY`, as `Authorization`.
    pub key: HeaderValue,
    /// `RESEND_BASE_URL`, without the slash at its end.
    pub url: String,
    /// `MAIL_FROM`.
    pub from: String,
    /// `MAIL_TO`, separated by commas.
    pub to: Vec<String>,
}

/// Where records are kept for all instances.
#[derive(Clone, Debug)]
pub enum Keeping {
    /// In Redis.
    Upstash(Upstash),
    /// In the platform's own place.
    Durable,
    /// In this instance alone.
    Memory,
    /// In the platform's own place if it has one, else in this instance alone.
    Best,
}

/// People on one mail.
const MOST_PEOPLE: usize = 50;

pub(super) fn read(reader: &mut Reader<'_>) -> Monitor {
    Monitor {
        cron_secret: reader.key("CRON_SECRET"),
        damping: Damping { fall: read_looks(reader, "FALL_AFTER"), rise: read_looks(reader, "RISE_AFTER") },
        period: reader.millis_to("MONITOR_MS", Duration::from_secs(300), 86_400_000),
        probe: reader.millis("PROBE_MS", Duration::from_secs(5)),
        mail: read_mail(reader),
        heartbeat: read_heartbeat(reader),
    }
}

fn read_looks(reader: &mut Reader<'_>, name: &str) -> u32 {
    reader.number(name, "a number", 1..=10).unwrap_or(2)
}

fn read_mail(reader: &mut Reader<'_>) -> Option<Mail> {
    let key = reader.secret("RESEND_API_KEY", "Bearer ");
    let (from, to) = (reader.text("MAIL_FROM"), reader.text("MAIL_TO"));
    let url = reader.url("RESEND_BASE_URL").unwrap_or_else(|| "https://api.resend.com".to_owned());
    let key = key?;
    for (name, given) in [("MAIL_FROM", from.is_some()), ("MAIL_TO", to.is_some())] {
        if !given {
            reader.fault(name, "is missing, but RESEND_API_KEY is set");
        }
    }
    let to: Vec<String> = to?.split(',').map(|person| person.trim().to_owned()).collect();
    if to.len() > MOST_PEOPLE || !to.iter().all(|person| is_address(person)) {
        reader.fault("MAIL_TO", format!("is not one to {MOST_PEOPLE} mail addresses, separated by commas"));
    }
    let from = from?;
    let bare = from.rsplit_once('<').map_or(&*from, |(_, address)| address.trim_end_matches('>'));
    if !is_address(bare) {
        reader.fault("MAIL_FROM", "is not a mail address such as Homefire <homefire@example.com>");
    }
    Some(Mail { key, url, from, to })
}

fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(who, place)| !who.is_empty() && place.contains('.'))
        && !text.contains(char::is_whitespace)
}

fn read_heartbeat(reader: &mut Reader<'_>) -> Option<http::Uri> {
    let text = reader.text("HEARTBEAT_URL")?;
    let url = text.parse().ok().filter(|url: &http::Uri| matches!(url.scheme_str(), Some("http" | "https")));
    if url.is_none() {
        reader.fault("HEARTBEAT_URL", "is not a URL such as https://hc-ping.com/…");
    }
    url
}

pub(super) fn read_keeping(reader: &mut Reader<'_>) -> Keeping {
    const URL: &str = "UPSTASH_REDIS_REST_URL";
    const TOKEN: &str = "UPSTASH_REDIS_REST_TOKEN";
    const STORE: &str = "HOMEFIRE_STORE";
    let url = reader.url(URL);
    let token = reader.secret(TOKEN, "Bearer ");
    match (reader.text(URL).is_some(), reader.text(TOKEN).is_some()) {
        (true, false) => reader.fault(TOKEN, format!("is missing, but {URL} is set")),
        (false, true) => reader.fault(URL, format!("is missing, but {TOKEN} is set")),
        (true, true) | (false, false) => {}
    }
    let upstash = url.zip(token).map(|(url, token)| Keeping::Upstash(Upstash { url, token }));
    match reader.text(STORE).as_deref() {
        None => upstash.unwrap_or(Keeping::Best),
        Some("upstash") => upstash.unwrap_or_else(|| {
            if reader.text(URL).is_none() && reader.text(TOKEN).is_none() {
                reader.fault(STORE, format!("is upstash, but {URL} and {TOKEN} are not set"));
            }
            Keeping::Memory
        }),
        Some("durable") => Keeping::Durable,
        Some("memory") => Keeping::Memory,
        Some(other) => {
            reader.fault(STORE, format!("{other:?} is none of upstash, durable and memory"));
            Keeping::Memory
        }
    }
}
