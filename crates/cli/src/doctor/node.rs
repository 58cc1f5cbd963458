//! One node, from its name to its first word. What fails ends its list: the rest would fail for the same reason.

use homefire_core::config::{Config, Node};
use homefire_core::failure::Failure;
use homefire_core::health::probe;
use homefire_core::monitor::Finding;
use homefire_core::monitor::diagnosis::Diagnosis;
use homefire_native::Native;

use super::check::Check;
use super::dns::{self, Found, Lost};
use super::{millis, timed};

pub(super) async fn check(platform: &Native, config: &Config, node: &Node) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Err(last) = walk(platform, config, node, &mut checks).await {
        checks.push(last);
    }
    checks
}

/// The error is the check behind which there is no use in going on.
async fn walk(platform: &Native, config: &Config, node: &Node, checks: &mut Vec<Check>) -> Result<(), Check> {
    let name = |what: &str| format!("{} {what}", node.name);
    let (found, ms) = timed(platform, dns::look_up(platform, &node.url, config.deadlines.connect)).await;
    let found = found.map_err(|lost| of_lost(name("dns"), lost).after(ms))?;
    checks.push(of_found(name("dns"), &found).after(ms));
    checks.extend(in_clear(name("scheme"), &node.url, found.is_home()));

    let (finding, ms) = timed(platform, probe::models(platform, config, node)).await;
    let fail = |what: &str, why: &Diagnosis| Check::fail(name(what), why.words(), why.advice());
    let reached = Check::ok(name("reached"), "It answers.").after(ms);
    let missing = match finding {
        Finding::Good => None,
        Finding::Bad(why @ Diagnosis::ModelMissing(_)) => Some(why),
        Finding::Bad(why @ Diagnosis::AccessRejected) => {
            checks.push(reached);
            return Err(of_rejected(node, fail("token", &why)));
        }
        Finding::Bad(why) => return Err(fail("reached", &why).after(ms)),
        Finding::Drained => {
            let advice = "If that is not meant, end it on the machine.";
            let what = "It is drained on purpose: it is asked last.";
            return Err(Check::warn(name("reached"), what, advice).after(ms));
        }
    };
    checks.push(reached);
    checks.push(token(platform, config, node, &found).await);
    checks.push(match missing {
        None => Check::ok(name("models"), format!("It has {}.", models(node))),
        Some(why) => return Err(fail("models", &why)),
    });

    let loaded = probe::loaded(platform, config, node).await;
    checks.push(warm(node, &loaded));
    checks.push(word(platform, config, node, loaded.ok().flatten()).await);
    Ok(())
}

fn of_lost(name: String, lost: Lost) -> Check {
    match lost {
        Lost::Unknown => Check::fail(name, Diagnosis::Dns.words(), Diagnosis::Dns.advice()),
        Lost::Silent => Check::fail(
            name,
            "No resolver answers within CONNECT_MS.",
            "Look at the network of this machine before you look at the node's.",
        ),
    }
}

fn of_found(name: String, found: &Found) -> Check {
    let host = &found.host;
    let what = match (found.is_literal(), found.addresses.as_slice()) {
        (true, _) => format!("{host} is an address, there is no name to look up."),
        (false, [only]) => format!("{host} is {only}."),
        (false, addresses) => format!("{host} has {} addresses.", addresses.len()),
    };
    Check::ok(name, what)
}

/// A public host is asked by whichever way there is, and what is said there is read there.
fn in_clear(name: String, url: &str, is_home: bool) -> Option<Check> {
    let is_clear = url.starts_with("http://") && !is_home;
    is_clear.then(|| {
        Check::warn(
            name,
            "Its URL begins with http://: what is asked, and the token, can be read on the way.",
            "Write https://, which every tunnel has. A host that leads there by itself looks as if it refused the token.",
        )
    })
}

/// Whether the token was accepted is known by now; whether one is needed is not.
async fn token(platform: &Native, config: &Config, node: &Node, found: &Found) -> Check {
    let name = format!("{} token", node.name);
    let mut stranger = node.clone();
    stranger.credentials.clear();
    let has_token = !node.credentials.is_empty();
    let is_open = match has_token {
        true => of_stranger(&probe::models(platform, config, &stranger).await),
        false => Some(true),
    };
    of_token(name, has_token, is_open, found.is_home())
}

/// Whether whoever knows no token is let in; none where that could not be found out.
fn of_stranger(finding: &Finding) -> Option<bool> {
    match finding {
        Finding::Good | Finding::Bad(Diagnosis::ModelMissing(_)) => Some(true),
        Finding::Bad(Diagnosis::AccessRejected) => Some(false),
        Finding::Bad(_) | Finding::Drained => None,
    }
}

fn of_token(name: String, has_token: bool, is_open: Option<bool>, is_home: bool) -> Check {
    match (has_token, is_open, is_home) {
        (true, None, _) => Check::warn(
            name,
            "It is accepted. Whether anybody is without it could not be found out.",
            "Run doctor again.",
        ),
        (true, Some(false), _) => Check::ok(name, "It is accepted, and without it nobody is."),
        (true, Some(true), true) => {
            Check::ok(name, "This private address asks for none, so that it is not put to the test.")
        }
        (false, _, true) => Check::ok(name, "None is configured. This private address asks for none."),
        (true, Some(true), false) => Check::warn(
            name,
            "It is accepted, but so is nobody's: whoever knows the address may use the node.",
            "Look whether the Access policy covers the whole host.",
        ),
        (false, _, false) => Check::warn(
            name,
            "None is configured, and none is asked for: whoever knows the address may use the node.",
            "Put Cloudflare Access before it; then set CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET.",
        ),
    }
}

/// A door that is closed to those without a token needs other words.
fn of_rejected(node: &Node, rejected: Check) -> Check {
    if !node.credentials.is_empty() {
        return rejected;
    }
    Check::fail(
        rejected.name,
        "It asks for a token, and none is configured.",
        "Set CF_ACCESS_CLIENT_ID and CF_ACCESS_CLIENT_SECRET, or NODE_TOKEN.",
    )
}

fn models(node: &Node) -> String {
    let (primary, fallback) = (&node.models.primary, &node.models.fallback);
    if primary == fallback { primary.clone() } else { format!("{primary} and {fallback}") }
}

fn warm(node: &Node, loaded: &Result<Option<&str>, Diagnosis>) -> Check {
    let name = format!("{} warm", node.name);
    let primary = &node.models.primary;
    match loaded {
        Ok(Some(model)) if model == primary => Check::ok(name, format!("{model} is in memory.")),
        Ok(Some(model)) => Check::warn(
            name,
            format!("{model} is in memory, {primary} is not: the next question waits until it is."),
            "If it stays so, look whether the machine has room for both.",
        ),
        Ok(None) => Check::warn(
            name,
            "No configured model is in memory: the next question waits until one is.",
            format!("Asking for a word loads {primary} now, to stay; if it does not, look for restarts."),
        ),
        Err(why) => Check::warn(name, "It does not say what is in memory.", why.advice()),
    }
}

/// Asks the model that is in memory, so that none is driven out; else the best one.
async fn word(platform: &Native, config: &Config, node: &Node, loaded: Option<&str>) -> Check {
    let name = format!("{} word", node.name);
    let deadlines = &config.deadlines;
    let (model, patience) = match loaded {
        Some(model) => (model, deadlines.first_word),
        None => (node.models.primary.as_str(), deadlines.last_first_word),
    };
    let (word, ms) = timed(platform, probe::word(platform, node, model, patience)).await;
    let is_late = ms > millis(deadlines.first_word);
    of_word(name, model, word.err(), is_late).after(ms)
}

fn of_word(name: String, model: &str, failure: Option<Failure>, is_late: bool) -> Check {
    match (failure, probe::of_word(failure)) {
        (_, Finding::Bad(why)) => Check::fail(name, why.words(), why.advice()),
        (Some(Failure::Busy | Failure::Status(_)), _) => Check::warn(
            name,
            format!("{model} is busy with somebody else's question."),
            "Ask again later; if it always is, a request that was given up may have kept its slot.",
        ),
        (Some(Failure::EndedEarly), _) => Check::warn(
            name,
            format!("{model} ended without saying that it is done."),
            "Look at Ollama's log, and at whatever stands between.",
        ),
        (_, _) if is_late => Check::warn(
            name,
            format!(
                "{model} said a word, but later than FIRST_WORD_MS: the next node would have been asked."
            ),
            "Ask again now that it is in memory; if it is late still, look at the load of the machine.",
        ),
        (Some(_), _) => Check::ok(name, format!("{model} said one token, which is no word.")),
        (None, _) => Check::ok(name, format!("{model} said a word.")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    #[test]
    fn doors() {
        let check = |has_token, is_open, is_home, state: State, what: &str| {
            let seen = of_token(String::new(), has_token, is_open, is_home);
            assert!(seen.state == state && seen.what.contains(what), "{seen:?}\n  expected {state:?} {what}");
        };
        check(true, Some(false), false, State::Ok, "without it nobody is");
        check(true, None, false, State::Warn, "could not be found out");
        check(true, None, true, State::Warn, "could not be found out");
        check(true, Some(true), true, State::Ok, "not put to the test");
        check(false, Some(true), true, State::Ok, "None is configured");
        check(true, Some(true), false, State::Warn, "but so is nobody's");
        check(false, Some(true), false, State::Warn, "whoever knows the address");
    }

    #[test]
    fn names() {
        let check = |lost, what: &str, advice: &str| {
            let seen = of_lost(String::new(), lost);
            let is_it =
                seen.what.contains(what) && seen.advice.as_deref().is_some_and(|it| it.contains(advice));
            assert!(seen.state == State::Fail && is_it, "{seen:?}\n  expected {what} {advice}");
        };
        check(Lost::Unknown, "Its name is not found.", "Look whether the DNS");
        check(Lost::Silent, "No resolver answers within CONNECT_MS.", "Look at the network of this machine");
    }

    #[test]
    fn words() {
        let check = |failure: Option<Failure>, is_late, state: State, what: &str| {
            let seen = of_word(String::new(), "m", failure, is_late);
            assert!(seen.state == state && seen.what.contains(what), "{seen:?}\n  expected {state:?} {what}");
        };
        check(None, false, State::Ok, "m said a word.");
        check(None, true, State::Warn, "later than FIRST_WORD_MS");
        check(Some(Failure::Empty), false, State::Ok, "no word");
        check(Some(Failure::EndedEarly), false, State::Warn, "without saying that it is done");
        check(Some(Failure::Status(503)), false, State::Warn, "busy");
        check(Some(Failure::Busy), false, State::Warn, "busy");
        check(Some(Failure::Status(401)), false, State::Fail, "does not accept the service token");
        check(Some(Failure::FirstWordTimeout), true, State::Fail, "does not say a word");
    }

    #[test]
    fn schemes() {
        let check = |url, is_home, expect| {
            assert_eq!(in_clear(String::new(), url, is_home).is_some(), expect, "{url}");
        };
        check("http://mini.example.com", false, true);
        check("https://mini.example.com", false, false);
        check("http://192.168.1.2:11434", true, false);
    }

    #[test]
    fn who_knows_no_token() {
        let check = |finding: Finding, expect| assert_eq!(of_stranger(&finding), expect, "{finding:?}");
        check(Finding::Good, Some(true));
        check(Finding::Bad(Diagnosis::ModelMissing(Vec::new())), Some(true));
        check(Finding::Bad(Diagnosis::AccessRejected), Some(false));
        check(Finding::Bad(Diagnosis::Slow), None);
        check(Finding::Bad(Diagnosis::Status(500)), None);
        check(Finding::Drained, None);
    }
}
