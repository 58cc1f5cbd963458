//! Whether a model goes on with what another one began: the same sentence some times over, judged as readers would see it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use homefire_core::config::{Config, Models, Node};
use homefire_core::failure::Failure;
use homefire_core::health::probe;
use homefire_core::monitor::Finding;
use homefire_core::monitor::diagnosis::Diagnosis;
use homefire_core::ollama::{Message, Prompt, Role};
use homefire_core::platform::{FetchError, Platform, within};
use homefire_core::relay::{Relay, State};
use homefire_core::seam::{self, Joint, Seam};
use homefire_core::upstream;
use homefire_native::Native;
use serde_json::json;

use super::check::Check;
use super::timed;

/// How often each model is asked.
const TIMES: usize = 5;

/// Tokens: enough to see a model begin anew.
const LONGEST: u32 = 48;

const RULES: &str = "Answer in one plain sentence, without Markdown.";
const QUESTION: &str = "Which days does a week have?";
const BEGINNING: &str = "The days of the week are Monday, Tuesday, Wednesday,";
/// Nothing else can follow.
const NEXT: &str = "Thursday";

/// What a model does with the beginning of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    GoesOn,
    /// The last words come twice, and the seam takes them out.
    Repeats,
    StartsOver,
    /// It does not care for what was said, and no seam can tell: the reader would see two answers in one.
    Strays,
    /// It takes no conversation that ends with its own words, and takes others.
    Refuses,
    /// An answer that broke off would end there.
    Silent,
}

impl Kind {
    const ALL: [(Self, &str); 6] = [
        (Self::GoesOn, "goes on"),
        (Self::Repeats, "goes on but repeats words"),
        (Self::StartsOver, "starts over"),
        (Self::Strays, "says something else"),
        (Self::Refuses, "refuses"),
        (Self::Silent, "says nothing"),
    ];
}

/// One line a model, the best one first, and what follows from them. The best one is asked last, so that it is what stays in
/// memory where there is no room for both.
pub(super) async fn check(platform: &Native, config: &Config, node: &Node) -> Vec<Check> {
    let mut models = vec![&*node.models.fallback, &*node.models.primary];
    models.dedup();
    let (mut checks, mut verdicts) = (Vec::new(), Vec::new());
    for model in models {
        let (kinds, ms) = timed(platform, ask_often(platform, config, node, model)).await;
        let name = format!("{} {model}", node.name);
        match kinds {
            Ok(kinds) => {
                let verdict = verdict(&kinds);
                checks.push(of_kinds(name, &kinds, verdict, node.continues.of(model)).after(ms));
                verdicts.push((model, verdict));
            }
            Err(why) => {
                checks.push(of_failure(name, model, why).after(ms));
                // Another model would be asked in vain, and as long.
                if !matches!(why, Failure::Status(_)) {
                    break;
                }
            }
        }
    }
    checks.reverse();
    verdicts.reverse();
    checks.extend(of_verdicts(format!("{} continues", node.name), &verdicts));
    checks
}

/// The first failure that tells nothing of the model ends it.
async fn ask_often(
    platform: &Native,
    config: &Config,
    node: &Node,
    model: &str,
) -> Result<[Kind; TIMES], Failure> {
    // No guard may choose another model.
    let alone = Models { primary: model.to_owned(), fallback: model.to_owned() };
    let node = Node { models: alone, ..node.clone() };
    let mut kinds = [Kind::GoesOn; TIMES];
    for kind in &mut kinds {
        *kind = match ask(platform, &node, config.deadlines.last_first_word).await {
            Ok(text) => judge(&text),
            Err(Failure::Empty) => Kind::Silent,
            Err(Failure::Status(400 | 500) | Failure::ErrorLine) => Kind::Refuses,
            Err(why) => return Err(why),
        };
    }
    // What takes no question at all refuses no beginning.
    if kinds.iter().all(|kind| *kind == Kind::Refuses) {
        let word = probe::word(platform, &node, model, config.deadlines.last_first_word).await;
        if let Err(why) = word
            && probe::of_word(Some(why)) != Finding::Good
        {
            return Err(why);
        }
    }
    Ok(kinds)
}

/// What the model says behind the beginning. Its first word may take `patience`, and so may all the others.
async fn ask(platform: &Native, node: &Node, patience: Duration) -> Result<String, Failure> {
    let request = upstream::request(node, &node.models.primary, &prompt());
    let mut relay = Relay::into(String::new());
    let first = async {
        let (head, mut body) = platform.fetch(request).await?.into_parts();
        match head.status {
            status if status.is_redirection() => return Err(Failure::Redirect),
            status if !status.is_success() => return Err(Failure::Status(status.as_u16())),
            _ => {}
        }
        while *relay.state() == State::Waiting {
            hear(&mut relay, body.next().await)?;
        }
        Ok(body)
    };
    let mut body = within(platform, patience, first).await.unwrap_or(Err(Failure::FirstWordTimeout))?;
    let rest = async {
        while *relay.state() == State::Speaking {
            hear(&mut relay, body.next().await)?;
        }
        // To the end: a client that leaves may cost the node its only slot.
        while body.next().await.is_some() {}
        Ok(std::mem::take(relay.output_mut()))
    };
    within(platform, patience, rest).await.unwrap_or(Err(Failure::AnswerTimeout))
}

fn hear(relay: &mut Relay<String>, chunk: Option<Result<Bytes, FetchError>>) -> Result<(), Failure> {
    match chunk {
        Some(chunk) => relay.push(&chunk?)?,
        None => relay.finish()?,
    };
    Ok(())
}

/// As it is asked when an answer broke off behind the beginning.
fn prompt() -> Prompt {
    let partial = seam::partial(BEGINNING).expect("it is long enough to go on with");
    let messages = [(Role::System, RULES), (Role::User, QUESTION), (Role::Assistant, partial)];
    let messages = messages.map(|(role, content)| Message { role, content: content.to_owned() });
    Prompt { messages: messages.into(), format: None, longest: LONGEST }
}

fn judge(text: &str) -> Kind {
    let join = |text: &str| {
        let mut seam = Seam::new(BEGINNING.to_owned(), false);
        seam.hear(text).unwrap_or_else(|| seam.end())
    };
    let is_next = |text: &str| text.trim_start().starts_with(NEXT);
    let words = text.trim_start();
    // The same words from the beginning are joined well, but by luck: the next time they are others.
    if words.starts_with(BEGINNING) || matches!(join(words), Joint::StartsOver(_)) {
        return Kind::StartsOver;
    }
    match join(text) {
        Joint::GoesOn(rest) if is_next(&rest) && is_next(text) => Kind::GoesOn,
        Joint::GoesOn(rest) if is_next(&rest) => Kind::Repeats,
        Joint::GoesOn(_) | Joint::StartsOver(_) => Kind::Strays,
    }
}

/// What `continues` should be; none where the model does now this, now that, and the seam can tell.
fn verdict(kinds: &[Kind]) -> Option<bool> {
    let (goes_on, not): (Vec<Kind>, _) =
        kinds.iter().partition(|kind| matches!(kind, Kind::GoesOn | Kind::Repeats));
    let is_seen = not.iter().all(|kind| matches!(kind, Kind::StartsOver | Kind::Refuses));
    match (goes_on.is_empty(), not.is_empty()) {
        (_, true) => Some(true),
        (false, false) if is_seen => None,
        (_, false) => Some(false),
    }
}

fn of_kinds(name: String, kinds: &[Kind], verdict: Option<bool>, configured: Option<bool>) -> Check {
    let counted = Kind::ALL.iter().filter_map(|(kind, words)| {
        let count = kinds.iter().filter(|other| *other == kind).count();
        (count > 0).then(|| format!("{words} {count} of {} times", kinds.len()))
    });
    let what = format!("It {}.", counted.collect::<Vec<_>>().join(", "));
    match (verdict, configured) {
        (Some(true), None | Some(true)) | (Some(false), Some(false)) | (None, None) => Check::ok(name, what),
        (Some(false) | None, Some(true)) => Check::fail(
            name,
            what,
            "It is configured as one that goes on, so that nobody looks: set `continues` as below.",
        ),
        (Some(true) | None, Some(false)) => Check::warn(
            name,
            what,
            "It is configured as one that does not, so that what was shown is cleared: set `continues` as below.",
        ),
        (Some(false), None) => {
            Check::warn(name, what, "It is tried each time: set `continues` as below, and it is not.")
        }
    }
}

fn of_failure(name: String, model: &str, why: Failure) -> Check {
    let finding = if why == Failure::Status(404) {
        Finding::Bad(Diagnosis::ModelMissing(vec![model.to_owned()]))
    } else if why == Failure::AnswerTimeout {
        // It spoke.
        Finding::Good
    } else {
        probe::of_word(Some(why))
    };
    match finding {
        Finding::Bad(diagnosis) => Check::fail(name, diagnosis.words(), diagnosis.advice()),
        Finding::Good | Finding::Drained => Check::warn(
            name,
            format!("It did not come to the end of an answer ({why}), which says nothing of going on."),
            "Ask again when nobody else does.",
        ),
    }
}

/// The value as it is written in the configuration.
fn of_verdicts(name: String, verdicts: &[(&str, Option<bool>)]) -> Option<Check> {
    if verdicts.is_empty() {
        return None;
    }
    let known =
        verdicts.iter().filter_map(|(model, verdict)| Some(format!("{}: {}", json!(model), (*verdict)?)));
    let what = format!("\"continues\": {{{}}}", known.collect::<Vec<_>>().join(", "));
    let advice = match verdicts.iter().any(|(_, verdict)| verdict.is_none()) {
        true => "That is for its entry in HOMEFIRE_NODES; who is left out is tried, and judged each time.",
        false => "That is for its entry in HOMEFIRE_NODES.",
    };
    Some(Check { advice: Some(advice.to_owned()), ..Check::ok(name, what) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows() {
        let check = |text: &str, expect: Kind| assert_eq!(judge(text), expect, "{text:?}");
        check(" Thursday, Friday, Saturday and Sunday.", Kind::GoesOn);
        check("Thursday, Friday", Kind::GoesOn);
        check("Tuesday, Wednesday, Thursday", Kind::Repeats);
        check("Wednesday, Thursday", Kind::Repeats);
        check("The days of the week are Monday, Tuesday, Wednesday, Thursday", Kind::StartsOver);
        check(" The days of the week are Monday, Tuesday, Wednesday, Thursday", Kind::StartsOver);
        check("The days of a week are seven.", Kind::StartsOver);
        check("Of course! A week has Monday, Tuesday", Kind::Strays);
        check(" Friday.", Kind::Strays);
        // The reader would see it twice: behind white space a word may be meant so.
        check(" Wednesday, Thursday", Kind::Strays);
    }

    #[test]
    fn verdicts() {
        use Kind::{GoesOn, Refuses, Repeats, Silent, StartsOver, Strays};
        let check = |kinds: &[Kind], expect: Option<bool>| assert_eq!(verdict(kinds), expect, "{kinds:?}");
        check(&[GoesOn, GoesOn], Some(true));
        check(&[GoesOn, Repeats], Some(true));
        check(&[StartsOver, Refuses], Some(false));
        check(&[Silent, Silent], Some(false));
        check(&[GoesOn, StartsOver], None);
        check(&[Repeats, Refuses], None);
        check(&[GoesOn, Strays], Some(false));
        check(&[GoesOn, StartsOver, Silent], Some(false));
    }
}
