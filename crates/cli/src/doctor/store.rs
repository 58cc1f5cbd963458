//! The store: which one it is, and whether it can be read and swapped.

use homefire_core::calendar::date;
use homefire_core::config::Keeping;
use homefire_core::monitor::Record as Known;
use homefire_core::platform::Platform;
use homefire_core::service::Service;
use homefire_core::store::{self, Record, StoreError};
use homefire_native::Native;

use super::check::Check;
use super::{nonce, timed};

/// What to do about a store that is none.
const SET_UPSTASH: &str = "Set UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN.";

/// A state that is older than so many periods is no longer believed.
const PERIODS: u32 = 3;

pub(super) async fn check(platform: &Native, service: &Service) -> Vec<Check> {
    let mut checks = vec![chosen(&service.config.keeping)];
    if !matches!(service.config.keeping, Keeping::Upstash(_)) {
        return checks;
    }
    let (read, ms) = timed(platform, store::load(platform, service, Record::Monitor)).await;
    match read {
        Ok(text) => checks.push(rounds(platform, service, text.as_deref()).after(ms)),
        Err(error) => {
            checks.push(fail("store read", error, "Look at the URL.").after(ms));
            return checks;
        }
    }
    let (swap, ms) = timed(platform, swap(platform, service)).await;
    checks.push(swap.after(ms));
    checks
}

fn chosen(keeping: &Keeping) -> Check {
    let name = "store chosen";
    match keeping {
        Keeping::Upstash(_) => Check::ok(name, "Upstash Redis, for all instances."),
        Keeping::Durable => Check::warn(
            name,
            "The Durable Object, which is on Cloudflare alone and cannot be looked at from here.",
            format!("On Cloudflare that is well. Elsewhere it is the memory of one instance: {SET_UPSTASH}"),
        ),
        Keeping::Best => Check::warn(
            name,
            "On Cloudflare its Durable Object, elsewhere the memory of one instance: there a mail may come twice, or never.",
            format!("On Cloudflare that is well. Elsewhere: {SET_UPSTASH}"),
        ),
        Keeping::Memory => Check::warn(
            name,
            "The memory of one instance, by HOMEFIRE_STORE: a mail may come twice, or never.",
            format!("Leave HOMEFIRE_STORE out. {SET_UPSTASH}"),
        ),
    }
}

/// The store was read; what it says of the monitor is worth a word.
fn rounds(platform: &Native, service: &Service, text: Option<&str>) -> Check {
    let name = "store read";
    let Some(known) = text.map(Known::parse) else {
        return Check::ok(name, "It is read. The monitor has played no round yet.");
    };
    let last = format!("It is read. The monitor played round {} at {}", known.round, date(known.checked));
    if known.checked + service.config.monitor.period * PERIODS < platform.now() {
        let advice = "Look whether its trigger runs, and whether MONITOR_MS is what the trigger is set to.";
        return Check::warn(name, format!("{last}, and none since."), advice);
    }
    Check::ok(name, format!("{last}."))
}

/// A swap on a record that is nobody's: it is written, read back, and a second swap from the old value is refused.
async fn swap(platform: &Native, service: &Service) -> Check {
    let name = "store swap";
    match try_swap(platform, service).await {
        Ok(Swapped::Sound) => {
            Check::ok(name, "A record was swapped and read back; a swap that came late was refused.")
        }
        Ok(Swapped::Raced) => Check::warn(
            name,
            "Somebody else swapped the same record.",
            "Ask again, and let one doctor be enough.",
        ),
        Ok(Swapped::Forgotten) => Check::fail(
            name,
            "What was written is not what is read.",
            "Look whether the database has replicas that lag, or something else answers at the URL.",
        ),
        Ok(Swapped::Careless) => Check::fail(
            name,
            "A swap that came late was not refused: a mail may come twice.",
            "Look whether a Redis with EVAL answers at the URL.",
        ),
        // It could be read.
        Err(error) => fail(name, error, "Is it the read-only token? Take the one that may write."),
    }
}

/// What came of it.
enum Swapped {
    Sound,
    Raced,
    Forgotten,
    Careless,
}

async fn try_swap(platform: &Native, service: &Service) -> Result<Swapped, StoreError> {
    const RECORD: Record = Record::Doctor;
    let old = store::load(platform, service, RECORD).await?;
    let (new, late) = (nonce(platform), nonce(platform));
    if !store::swap(platform, service, RECORD, old.as_deref(), &new).await? {
        return Ok(Swapped::Raced);
    }
    if store::load(platform, service, RECORD).await?.as_deref() != Some(&new) {
        return Ok(Swapped::Forgotten);
    }
    match store::swap(platform, service, RECORD, old.as_deref(), &late).await? {
        true => Ok(Swapped::Careless),
        false => Ok(Swapped::Sound),
    }
}

fn fail(name: &str, error: StoreError, garbage: &str) -> Check {
    match error {
        StoreError::Away => Check::fail(
            name,
            "It does not answer, or has no time for it.",
            "Look whether UPSTASH_REDIS_REST_URL is right, and whether the database is there and within its limits.",
        ),
        StoreError::Unauthorized => Check::fail(
            name,
            "It does not accept UPSTASH_REDIS_REST_TOKEN.",
            "Copy the token of this database again; the one that may write.",
        ),
        StoreError::Garbage => Check::fail(name, "It answers something else than what was asked.", garbage),
    }
}
