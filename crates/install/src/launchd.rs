//! Daemons of macOS, started at boot without anybody logging in.

use std::fmt::Write;

use crate::cloudflared;
use crate::plan::{Options, System};
use crate::role::{Settings, TOKENS_FILE};
use crate::value::User;

pub(crate) const OLLAMA_LABEL: &str = "dev.homefire.ollama";
pub(crate) const GUARD_LABEL: &str = "dev.homefire.node";
pub(crate) const TUNNEL_LABEL: &str = "dev.homefire.tunnel";
/// The logs of what runs as Ollama's account, which owns this folder.
pub(crate) const LOGS: &str = "/Library/Logs/homefire";
/// The logs of what runs as root. In the folder above, that account could put a link in their place.
pub(crate) const ROOTS_LOGS: &str = "/Library/Logs";
pub(crate) const TOKENS: &str = "/usr/local/etc/homefire-node/tokens";

/// The folder of what is kept between two starts.
pub(crate) const STATE: &str = "/usr/local/var/homefire-node";

/// Where launchd looks for a daemon.
pub(crate) fn path(label: &str) -> String {
    format!("/Library/LaunchDaemons/{label}.plist")
}

/// Where an account's folder is, unless somebody moved it.
pub(crate) fn home(user: &User) -> String {
    format!("/Users/{user}")
}

pub(crate) fn ollama(settings: &Settings, options: &Options) -> String {
    let mut variables = settings.ollama();
    // launchd gives a daemon no HOME, and Ollama ends without one.
    variables.push(("HOME", home(&options.user)));
    if let Some(folder) = &options.models_folder {
        variables.push(("OLLAMA_MODELS", folder.to_string()));
    }
    daemon(OLLAMA_LABEL, &[options.ollama.as_str(), "serve"], Some(&options.user), &variables, 20)
}

pub(crate) fn guard(settings: &Settings, options: &Options) -> String {
    let mut variables = settings.guard(options, System::MacOs.socket());
    variables.push((TOKENS_FILE, TOKENS.to_owned()));
    // It drains when it is told to end.
    daemon(GUARD_LABEL, &[options.guard.as_str(), "serve"], Some(&options.user), &variables, 90)
}

/// As root, who alone can read the tunnel's credentials. What `cloudflared service install` writes on macOS runs no tunnel
/// that has a configuration of its own.
pub(crate) fn tunnel(options: &Options) -> String {
    // Homebrew renews it.
    let words = ["--no-autoupdate", "--config", cloudflared::CONFIG, "tunnel", "run"];
    let program: Vec<&str> = [options.cloudflared.as_str()].into_iter().chain(words).collect();
    daemon(TUNNEL_LABEL, &program, None, &[], 40)
}

fn daemon(
    label: &str,
    program: &[&str],
    user: Option<&User>,
    variables: &[(&str, String)],
    seconds_to_end: u32,
) -> String {
    let mut list = Properties::default();
    list.text("Label", label);
    list.line("<key>ProgramArguments</key>\n\t<array>");
    program.iter().for_each(|word| list.line(&format!("\t<string>{}</string>", escaped(word))));
    list.line("</array>");
    if let Some(user) = user {
        list.text("UserName", user.as_str());
    }
    if !variables.is_empty() {
        list.line("<key>EnvironmentVariables</key>\n\t<dict>");
        for (name, value) in variables {
            list.line(&format!("\t<key>{name}</key>\n\t\t<string>{}</string>", escaped(value)));
        }
        list.line("</dict>");
    }
    list.line("<key>RunAtLoad</key>\n\t<true/>");
    list.line("<key>KeepAlive</key>\n\t<true/>");
    list.number("ThrottleInterval", 5);
    list.number("ExitTimeOut", seconds_to_end);
    // Any other kind is slowed down when nobody is at the screen.
    list.text("ProcessType", "Interactive");
    // launchd's own limit is 256.
    list.line("<key>SoftResourceLimits</key>\n\t<dict>\n\t\t<key>NumberOfFiles</key>\n\t\t<integer>8192</integer>\n\t</dict>");
    let logs = if user.is_some() { LOGS } else { ROOTS_LOGS };
    list.text("StandardOutPath", &format!("{logs}/{label}.out.log"));
    list.text("StandardErrorPath", &format!("{logs}/{label}.err.log"));
    list.whole()
}

#[derive(Default)]
struct Properties(String);

impl Properties {
    fn line(&mut self, line: &str) {
        writeln!(self.0, "\t{line}").expect("a string takes what is written");
    }

    fn text(&mut self, key: &str, value: &str) {
        self.line(&format!("<key>{key}</key>\n\t<string>{}</string>", escaped(value)));
    }

    fn number(&mut self, key: &str, value: u32) {
        self.line(&format!("<key>{key}</key>\n\t<integer>{value}</integer>"));
    }

    fn whole(self) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
             \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n{}</dict>\n</plist>\n",
            self.0
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
