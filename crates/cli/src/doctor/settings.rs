//! What is read off the variables, and need not be asked of anybody.

use anyhow::Error;
use homefire_core::config::{Faults, VARIABLES};
use homefire_core::service::Service;
use homefire_native::Native;
use strsim::osa_distance;

use super::check::Check;
use super::dns;

/// Of variables that could not be read, for what is in `.env`.
pub(super) fn unread(error: &Error) -> Check {
    Check::fail(
        "variables",
        format!("They are not read: {error:#}."),
        "Mend .env; README says what its lines are.",
    )
}

/// One line a fault.
pub(super) fn faults(faults: &Faults) -> Vec<Check> {
    let advice = "Set it right in the environment or in .env; README says what each variable takes.";
    faults.0.iter().map(|fault| Check::fail("variables", format!("{fault}."), advice)).collect()
}

pub(super) fn sound(variables: &[(String, String)]) -> Check {
    let set = variables.iter().filter(|(_, value)| !value.trim().is_empty()).count();
    Check::ok("variables", format!("{set} of {} are set, and nothing is wrong with them.", VARIABLES.len()))
}

/// One line for each name of `.env` that is not read and was meant to be, as it seems. The file may hold other programs'
/// names, too.
pub(super) fn misspelt<'a>(names: impl Iterator<Item = &'a String>) -> Vec<Check> {
    let mut names: Vec<&str> = names.map(String::as_str).filter(|name| !VARIABLES.contains(name)).collect();
    names.sort_unstable();
    names.into_iter().filter_map(unknown).collect()
}

fn unknown(name: &str) -> Option<Check> {
    let typed = name.to_ascii_uppercase();
    let meant = VARIABLES.iter().map(|known| (osa_distance(&typed, known), known)).min();
    // A short name is near to many that are others'.
    let meant = meant.filter(|(slips, known)| *slips <= if known.len() <= 8 { 1 } else { 2 });
    let advice = match meant {
        Some((_, known)) => format!("Did you mean {known}?"),
        None if is_ours(name) => "README lists the names that are.".to_owned(),
        None => return None,
    };
    Some(Check::warn("variables", format!("{name} in .env is not read: there is no such variable."), advice))
}

fn is_ours(name: &str) -> bool {
    let others = ["HOMEFIRE_NODE_LISTEN", "HOMEFIRE_NODE_SOCKET", "HOMEFIRE_PYTHON"];
    name.starts_with("HOMEFIRE_") && !others.contains(&name)
}

pub(super) async fn check(platform: &Native, service: &Service) -> Vec<Check> {
    let cron = match service.config.monitor.cron_secret {
        Some(_) => Check::ok("cron secret", "It is set."),
        None => Check::warn(
            "cron secret",
            "CRON_SECRET is not set: /api/cron/health is closed, so no trigger over HTTP plays a round.",
            "Where no trigger of Cloudflare plays the rounds, set 16 random characters or more.",
        ),
    };
    let draft = match service.config.draft_key {
        Some(_) => Check::ok("draft key", "It is set."),
        None => Check::warn(
            "draft key",
            "DRAFT_KEY is not set: /api/draft and /api/feedback are closed.",
            "Where a product asks for drafts, set 16 random characters or more.",
        ),
    };
    let (products, systems) = (service.site.products.len(), service.site.systems.len());
    let site = Check::ok("site", format!("{products} products and {systems} systems, built in."));
    vec![cron, draft, heartbeat(platform, service).await, site]
}

async fn heartbeat(platform: &Native, service: &Service) -> Check {
    let name = "heartbeat";
    let Some(url) = &service.config.monitor.heartbeat else {
        return Check::warn(
            name,
            "HEARTBEAT_URL is not set: if the monitor itself stops, nobody is told.",
            "Let a service that misses beats, such as healthchecks.io, wait for one each MONITOR_MS.",
        );
    };
    match dns::look_up(platform, &url.to_string(), service.config.deadlines.connect).await {
        Ok(_) => Check::ok(name, "Its host has an address. It was not called: that would count as a beat."),
        Err(_) => Check::fail(
            name,
            "The host of HEARTBEAT_URL is not found.",
            "Look how it is written. It was not called: that would count as a beat.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_told() {
        let check = |names: &[&str], expect: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            let lines: Vec<_> = misspelt(names.iter()).iter().map(Check::line).collect();
            let is_told = |(line, words): (&String, &&str)| line.starts_with("warn ") && line.contains(words);
            let all = lines.len() == expect.len() && lines.iter().zip(expect).all(is_told);
            assert!(all, "{lines:#?}, not {expect:?}");
        };
        check(&["OLLAMA_PRIMARY_URI"], &["OLLAMA_PRIMARY_URI in .env is not read"]);
        check(&["OLLAMA_PRIMARY_URI"], &["Did you mean OLLAMA_PRIMARY_URL?"]);
        check(&["RATE_LIMITS", "DRAFTKEY"], &["Did you mean DRAFT_KEY?", "Did you mean RATE_LIMIT?"]);
        check(&["homefire_nodes"], &["Did you mean HOMEFIRE_NODES?"]);
        check(&["HOMEFIRE_NODE"], &["Did you mean HOMEFIRE_NODES?"]);
        check(&["HOMEFIRE_COLOUR"], &["README lists"]);
        check(&["DATABASE_URL", "OLLAMA_HOST", "MAIL_CC", "PORT", "HOMEFIRE_PYTHON"], &[]);
        check(VARIABLES, &[]);
    }
}
