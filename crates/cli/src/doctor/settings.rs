//! What is read off the variables, and need not be asked of anybody.

use anyhow::Error;
use homefire_core::config::{Faults, VARIABLES};
use homefire_core::service::Service;
use homefire_native::Native;

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
