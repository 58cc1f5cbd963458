//! The tunnel's configuration: one name leads to the guard, everything else to a 404.

use std::fmt::Write;

use crate::plan::Options;
use crate::role::GUARD;

/// Where `cloudflared` looks for it.
pub(crate) const CONFIG: &str = "/etc/cloudflared/config.yml";

/// Where the tunnel's credentials lie.
pub(crate) fn credentials(options: &Options) -> String {
    let usual = || format!("/etc/cloudflared/{}.json", options.tunnel);
    options.credentials.as_ref().map_or_else(usual, ToString::to_string)
}

/// `config.yml`, with every value of the owner's in JSON's quotes, which YAML reads alike.
pub(crate) fn config(options: &Options) -> String {
    let mut text = format!(
        "tunnel: {}\ncredentials-file: {}\ningress:\n  - hostname: {}\n    service: http://{GUARD}\n",
        quoted(options.tunnel.as_str()),
        quoted(&credentials(options)),
        quoted(options.host.as_str()),
    );
    text.push_str("    originRequest:\n      connectTimeout: 10s\n");
    if let Some(access) = &options.access {
        let (team, audience) = (quoted(access.team.as_str()), quoted(access.audience.as_str()));
        write!(
            text,
            "      access:\n        required: true\n        teamName: {team}\n        audTag: [{audience}]\n"
        )
        .expect("a string takes what is written");
    }
    text.push_str("  - service: http_status:404\n");
    text
}

fn quoted(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}
