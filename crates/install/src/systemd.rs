//! Units of systemd, with as little of the machine in their reach as they can do with.

use std::fmt::Write;

use crate::plan::{Gpu, Options, System};
use crate::role::{Settings, TOKENS_FILE};

pub(crate) const OLLAMA_UNIT: &str = "ollama.service";
pub(crate) const GUARD_UNIT: &str = "homefire-node.service";
/// Drop-ins are read in the order of their names, whichever folder they lie in.
pub(crate) const OLLAMA_DROP_IN: &str = "ollama.service.d/zz-homefire.conf";
pub(crate) const TOKENS: &str = "/etc/homefire-node/tokens";
/// Ollama's own folder: systemd makes it and gives it to the account.
const STATE: &str = "/var/lib/ollama";

/// Where else Ollama's unit may lie: a distribution's place.
pub(crate) const OLLAMA_ELSEWHERE: &[&str] =
    &["/usr/lib/systemd/system/ollama.service", "/lib/systemd/system/ollama.service"];

/// Where systemd looks for an administrator's unit.
pub(crate) fn path(unit: &str) -> String {
    format!("/etc/systemd/system/{unit}")
}

/// What neither of the two needs.
const HARDENING: &str = "\
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
PrivateTmp=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
UMask=0077
";

/// The unit of a machine that has none of Ollama's own.
pub(crate) fn ollama(settings: &Settings, options: &Options) -> String {
    let unit = head("Ollama, behind the guard", "network-online.target");
    unit + "[Service]\n" + &ollama_service(settings, options) + FOOT
}

/// The same over whatever unit and drop-ins are there: one of them may open Ollama to the network, and each upgrade of
/// Ollama writes its own unit anew.
pub(crate) fn ollama_drop_in(settings: &Settings, options: &Options) -> String {
    format!(
        "# Read after the unit and every other drop-in, so that neither an upgrade nor they win.\n\
         [Unit]\nStartLimitIntervalSec=0\n\n\
         [Service]\n\
         # What stands in a file of variables would win over those below.\n\
         EnvironmentFile=\nDynamicUser=no\nExecStart=\n{}",
        ollama_service(settings, options)
    )
}

fn ollama_service(settings: &Settings, options: &Options) -> String {
    let models = options.models_folder.as_ref().map_or(format!("{STATE}/models"), ToString::to_string);
    let mut variables = settings.ollama();
    variables.push(("HOME", STATE.to_owned()));
    variables.push(("OLLAMA_MODELS", models));
    let mut unit = start(options.ollama.as_str());
    unit.push_str(&environment(&variables));
    // Models belong to one account for good, which a dynamic user is not.
    line(&mut unit, &format!("User={user}\nGroup={user}", user = options.user));
    line(&mut unit, "StateDirectory=ollama");
    if let Some(folder) = &options.models_folder {
        line(&mut unit, &format!("ReadWritePaths={}", quoted(folder.as_str())));
    }
    line(&mut unit, "TimeoutStopSec=20\n");
    unit.push_str(HARDENING);
    let read = [Some(options.ollama.as_str()), options.models_folder.as_ref().map(|path| path.as_str())];
    line(&mut unit, protect_home(read.into_iter().flatten()));
    if options.gpu == Gpu::Used {
        // Ollama's page on Vulkan has its owner write it into the program, and nobody may start a program that asks for
        // more than this set.
        line(&mut unit, "CapabilityBoundingSet=CAP_PERFMON");
        line(&mut unit, "# A GPU: its devices are needed, and its drivers' calls are not foreseen.");
        line(&mut unit, "SupplementaryGroups=video render");
        // Before systemd 253 it allows the clock's device alone, and so closes the GPU's. No capability is left to set it.
        line(&mut unit, "ProtectClock=no");
    } else {
        line(
            &mut unit,
            "PrivateDevices=yes\nProtectProc=invisible\nSystemCallFilter=@system-service\nSystemCallErrorNumber=EPERM",
        );
    }
    unit
}

pub(crate) fn guard(settings: &Settings, options: &Options) -> String {
    let mut unit = head("Homefire's guard in front of Ollama", OLLAMA_UNIT);
    unit.push_str("[Service]\n");
    unit.push_str(&start(options.guard.as_str()));
    unit.push_str(&environment(&settings.guard(options, System::Linux.socket())));
    // Not by %d, which older ones do not know: the variable would be dropped, and with Access no token be asked for.
    line(&mut unit, &format!("Environment={TOKENS_FILE}=/run/credentials/{GUARD_UNIT}/tokens"));
    line(&mut unit, &format!("LoadCredential=tokens:{TOKENS}"));
    line(&mut unit, "DynamicUser=yes\nRuntimeDirectory=homefire-node\nLimitNOFILE=8192\nMemoryMax=256M");
    line(&mut unit, "# It drains when it is told to end.\nTimeoutStopSec=90\n");
    unit.push_str(HARDENING);
    line(&mut unit, protect_home([options.guard.as_str()].into_iter()));
    line(&mut unit, "PrivateDevices=yes\nProtectProc=invisible\nProcSubset=pid\nRemoveIPC=yes");
    line(&mut unit, "MemoryDenyWriteExecute=yes");
    line(
        &mut unit,
        "SystemCallFilter=@system-service\nSystemCallFilter=~@privileged @resources\nSystemCallErrorNumber=EPERM",
    );
    // With Access its keys are fetched from the team's own address.
    if options.access.is_none() {
        line(&mut unit, "IPAddressAllow=localhost\nIPAddressDeny=any");
    }
    unit + FOOT
}

const FOOT: &str = "\n[Install]\nWantedBy=multi-user.target\n";

fn head(description: &str, after: &str) -> String {
    format!("[Unit]\nDescription={description}\nAfter={after}\nWants={after}\nStartLimitIntervalSec=0\n\n")
}

fn start(program: &str) -> String {
    format!("Type=exec\nExecStart={} serve\nRestart=always\nRestartSec=3\n", quoted(program))
}

fn line(unit: &mut String, line: &str) {
    writeln!(unit, "{line}").expect("a string takes what is written");
}

fn environment(variables: &[(&str, String)]) -> String {
    let line =
        |(name, value): &(&str, String)| format!("Environment={}\n", quoted(&format!("{name}={value}")));
    variables.iter().map(line).collect()
}

/// `ProtectHome=yes` hides what lies in somebody's home.
fn protect_home<'a>(mut read: impl Iterator<Item = &'a str>) -> &'static str {
    let is_at_home = |path: &str| path.starts_with("/home/") || path.starts_with("/root/");
    if read.any(is_at_home) { "ProtectHome=read-only" } else { "ProtectHome=yes" }
}

/// One word of a unit, whatever is in it: systemd.syntax(7) and `%` of systemd.unit(5).
fn quoted(word: &str) -> String {
    let escaped = word.replace('\\', r"\\").replace('"', "\\\"").replace('%', "%%");
    format!("\"{escaped}\"")
}
