//! What happens in the service, in plain words. It arrives as what each platform logs: JSON.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::screen;

/// Shows a line that a platform wrote: an event in words, anything else as it is.
pub(crate) fn show_line(line: &str) {
    let event = serde_json::from_str(line.trim()).ok();
    match event.as_ref().and_then(words) {
        Some(words) if is_repeated(&words) => {}
        Some(words) => screen::say(&words),
        None if line.trim().is_empty() => {}
        None => screen::say(line),
    }
}

/// A round of the monitor that saw what the one before it saw, too.
fn is_repeated(words: &str) -> bool {
    static LAST: Mutex<String> = Mutex::new(String::new());
    let Some((_, seen)) = words.strip_prefix(ROUND).and_then(|round| round.split_once(": ")) else {
        return false;
    };
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let is_same = *last == seen;
    seen.clone_into(&mut last);
    is_same
}

/// How the words of a round begin.
const ROUND: &str = "monitor, round ";

/// An event in words; none if it is not one that is known here.
fn words(event: &Value) -> Option<String> {
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    let (node, model, reason) = (text("node"), text("model"), text("reason"));
    let ms = &event["ms"];
    Some(match event["event"].as_str()? {
        "word" => format!("{node}: first word after {ms} ms ({model}, {} in flight)", event["in_flight"]),
        "failed" => format!("{node}: no word, {reason} after {ms} ms"),
        "answered" => match event["tokens"].as_u64() {
            Some(tokens) => format!("{node}: answered in {ms} ms, {tokens} tokens"),
            None => format!("{node}: answered in {ms} ms"),
        },
        "cut" => format!("{node}: the answer broke off after {ms} ms, {reason}; the reader was told"),
        "resumed" => format!("{}: goes on where {} broke off, {reason}", text("to"), text("from")),
        "left" => format!("the reader left after {ms} ms"),
        "limited" => format!("a question was refused: {reason}"),
        "no_node" => format!("no node answered, {ms} ms"),
        "drafted" => {
            let (source, tone) = (text("source"), text("tone"));
            let by = event["node"].as_str().map_or(String::new(), |node| format!("{node}: "));
            format!("{by}draft ({source}, {tone}) after {ms} ms, attempts: {}", event["attempts"])
        }
        "feedback" => match event["distance"].as_u64() {
            Some(distance) => format!("a draft was {}, {distance} characters changed", text("verdict")),
            None => format!("a draft was {}", text("verdict")),
        },
        "round" => {
            let nodes = event["nodes"].as_array().into_iter().flatten().map(|node| {
                let why = node["why"].as_str().map_or(String::new(), |why| format!(" ({why})"));
                format!(
                    "{} {}{why}",
                    node["node"].as_str().unwrap_or_default(),
                    node["state"].as_str().unwrap_or_default()
                )
            });
            format!("{ROUND}{}: {}", event["round"], nodes.collect::<Vec<_>>().join(", "))
        }
        "told" => format!("the owner was told: {}", text("subject")),
        "untold" => format!("the owner could not be told, {reason}: {}", text("subject")),
        "beat_failed" => "whoever waits for the monitor's beat did not hear it".to_owned(),
        "store_failed" => {
            format!(
                "the store failed, {reason}: a round does not count, or a question not among all instances"
            )
        }
        "activity_failed" => format!("no news of activity from {}, {reason}: the last stays", text("place")),
        "memory_only" => {
            "what the monitor knows is kept in this instance alone: configure a store".to_owned()
        }
        "misconfigured" => format!("the configuration is refused: {}", event["faults"]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use homefire_core::draft::{Source, Tone};
    use homefire_core::failure::Failure;
    use homefire_core::feedback::Verdict;
    use homefire_core::health::Seen;
    use homefire_core::load::Counted;
    use homefire_core::monitor::Health;
    use homefire_core::platform::Event;

    use super::words;

    fn check(event: &Event, expect: &str) {
        // A new event is a new row below and an arm above.
        match event {
            Event::Word { .. }
            | Event::Failed { .. }
            | Event::Answered { .. }
            | Event::Cut { .. }
            | Event::Resumed { .. }
            | Event::Left { .. }
            | Event::Limited { .. }
            | Event::NoNode { .. }
            | Event::Drafted { .. }
            | Event::Feedback { .. }
            | Event::Round { .. }
            | Event::Told { .. }
            | Event::Untold { .. }
            | Event::BeatFailed
            | Event::StoreFailed { .. }
            | Event::ActivityFailed { .. }
            | Event::MemoryOnly
            | Event::Misconfigured { .. } => {}
        }
        assert_eq!(words(&serde_json::to_value(event).unwrap()).as_deref(), Some(expect));
    }

    #[test]
    fn every_event_has_words() {
        let (node, model, ms) = (|| "mini".to_owned(), || "m".to_owned(), 7);
        let (in_flight, counted) = (2, Counted::Fleet);
        let word = Event::Word { node: node(), model: model(), in_flight, counted, ms };
        check(&word, "mini: first word after 7 ms (m, 2 in flight)");
        check(
            &Event::Failed { node: node(), model: model(), reason: Failure::Refused, ms },
            "mini: no word, refused after 7 ms",
        );
        check(
            &Event::Answered { node: node(), model: model(), tokens: Some(3), ms },
            "mini: answered in 7 ms, 3 tokens",
        );
        check(&Event::Answered { node: node(), model: model(), tokens: None, ms }, "mini: answered in 7 ms");
        check(
            &Event::Cut { node: node(), model: model(), reason: Failure::Broken, ms },
            "mini: the answer broke off after 7 ms, broken; the reader was told",
        );
        let resumed = Event::Resumed { from: node(), to: "cloud".to_owned(), reason: Failure::Broken };
        check(&resumed, "cloud: goes on where mini broke off, broken");
        check(&Event::Left { ms }, "the reader left after 7 ms");
        check(&Event::Limited { reason: "rate" }, "a question was refused: rate");
        check(&Event::NoNode { ms }, "no node answered, 7 ms");
        let drafted = |source, node| Event::Drafted {
            id: "7".to_owned(),
            source,
            node,
            tone: Tone::Firm,
            attempts: 2,
            ms,
        };
        check(
            &drafted(Source::Repaired, Some(node())),
            "mini: draft (repaired, firm) after 7 ms, attempts: 2",
        );
        check(&drafted(Source::Template, None), "draft (template, firm) after 7 ms, attempts: 2");
        let feedback = |verdict, distance| Event::Feedback { id: "7".to_owned(), verdict, distance };
        check(&feedback(Verdict::Edited, Some(12)), "a draft was edited, 12 characters changed");
        check(&feedback(Verdict::Accepted, None), "a draft was accepted");
        let seen = |node: &str, state, why| Seen { node: node.to_owned(), state, why };
        check(
            &Event::Round {
                round: 3,
                nodes: vec![seen("mini", Health::Down, Some("refused")), seen("cloud", Health::Up, None)],
            },
            "monitor, round 3: mini down (refused), cloud up",
        );
        let subject = || "Homefire: mini down".to_owned();
        check(&Event::Told { subject: subject() }, "the owner was told: Homefire: mini down");
        check(
            &Event::Untold { subject: subject(), reason: "mail_timeout" },
            "the owner could not be told, mail_timeout: Homefire: mini down",
        );
        check(&Event::BeatFailed, "whoever waits for the monitor's beat did not hear it");
        check(
            &Event::StoreFailed { reason: "away".to_owned() },
            "the store failed, away: a round does not count, or a question not among all instances",
        );
        check(
            &Event::ActivityFailed { place: "github", reason: "status_403".to_owned() },
            "no news of activity from github, status_403: the last stays",
        );
        check(&Event::MemoryOnly, "what the monitor knows is kept in this instance alone: configure a store");
        check(
            &Event::Misconfigured { faults: vec!["X: is wrong".to_owned()] },
            r#"the configuration is refused: ["X: is wrong"]"#,
        );
    }
}
