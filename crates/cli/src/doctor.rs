//! `homefire doctor`: what is wrong with a configuration, and what to do about it.
//!
//! In scope: one line a check, in plain words and without a secret. Out of scope: what makes a node well; that is the
//! monitor's, whose looks and words are used.

mod check;
mod continuation;
mod dns;
mod mail;
mod node;
mod settings;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesOrdered, StreamExt};
use homefire_core::platform::Platform;
use homefire_core::service::Service;
use homefire_native::Native;
use serde_json::{Value, json};

use crate::Refused;
use crate::dev::variables;
use check::{Check, State};

#[derive(Args)]
pub(crate) struct Options {
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
    /// Send a real mail to MAIL_TO.
    #[arg(long)]
    send_test_mail: bool,
    /// Instead of all else: whether each model goes on with an answer that another node began.
    ///
    /// Each model of each node is asked some times to go on with the same sentence. What is found is what `continues` in
    /// HOMEFIRE_NODES takes. The models are loaded for it, the best one last.
    #[arg(long, conflicts_with = "send_test_mail")]
    continuation: bool,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Everything, and with `sends_mail` a mail is sent.
    Whole { sends_mail: bool },
    /// Whether models go on with what others began.
    Continuation,
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let scope = match options.continuation {
        true => Scope::Continuation,
        false => Scope::Whole { sends_mail: options.send_test_mail },
    };
    let mut checks = Vec::new();
    let mut hear = |check: Check| {
        if !options.json {
            tell!("{}", check.line());
        }
        checks.push(check);
    };
    // A file that cannot be read is told of with the variables.
    let file = variables::of_file().unwrap_or_default();
    settings::misspelt(file.keys()).into_iter().for_each(&mut hear);
    let is_read = examine(variables::read(), scope, hear).await;
    if options.json {
        tell!("{}", report(&checks));
    }
    let failed = checks.iter().filter(|check| check.state == State::Fail).count();
    match (is_read, failed) {
        (false, _) => {
            Err(Refused("the configuration is refused; nothing else was checked".to_owned()).into())
        }
        (true, 0) => Ok(()),
        (true, _) => bail!("{failed} of {} checks failed", checks.len()),
    }
}

/// Tells each check, all of them at once under way and always in the same order. `false` where the variables are
/// refused, or not even read: then nothing else is checked.
async fn examine(
    variables: Result<Vec<(String, String)>>,
    scope: Scope,
    mut tell: impl FnMut(Check),
) -> bool {
    let variables = match variables {
        Ok(variables) => variables,
        Err(error) => {
            tell(settings::unread(&error));
            return false;
        }
    };
    let find = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let service = match Service::from_reader(find) {
        Ok(service) => service,
        Err(faults) => {
            settings::faults(&faults).into_iter().for_each(tell);
            return false;
        }
    };
    let config = &service.config;
    let platform = Native::with_log(&config.deadlines, |_| {});
    tell(settings::sound(&variables));
    let mut groups: FuturesOrdered<BoxFuture<'_, Vec<Check>>> = match scope {
        Scope::Whole { sends_mail } => {
            let nodes = config.nodes.iter().map(|node| node::check(&platform, config, node).boxed());
            let rest = [
                store::check(&platform, &service).boxed(),
                mail::check(&platform, config.monitor.mail.as_ref(), sends_mail).boxed(),
                settings::check(&platform, &service).boxed(),
            ];
            nodes.chain(rest).collect()
        }
        Scope::Continuation => {
            config.nodes.iter().map(|node| continuation::check(&platform, config, node).boxed()).collect()
        }
    };
    while let Some(group) = groups.next().await {
        group.into_iter().for_each(&mut tell);
    }
    true
}

fn report(checks: &[Check]) -> Value {
    let is_well = checks.iter().all(|check| check.state != State::Fail);
    json!({"ok": is_well, "checks": checks.iter().map(Check::json).collect::<Vec<_>>()})
}

/// What came of `task`, and after how many milliseconds.
async fn timed<T>(platform: &Native, task: impl Future<Output = T>) -> (T, u64) {
    let began = platform.now();
    let done = task.await;
    (done, platform.now().0.saturating_sub(began.0))
}

/// Letters that nobody has used before.
fn nonce(platform: &Native) -> String {
    platform.entropy().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}
