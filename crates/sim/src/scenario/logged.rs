//! What the log must tell of a row: why each node was passed over, and how it ended.

use serde_json::Value;

use super::check::same;
use super::{Expect, Reader, Scenario, Told, Who};

/// How a request can end, as the log names it.
const ENDS: [&str; 5] = ["answered", "cut", "left", "no_node", "drafted"];

/// Looks at a log that is whole.
pub(super) fn check(scenario: &Scenario, log: &str) -> Result<(), String> {
    let lines: Result<Vec<Value>, _> = log.lines().map(serde_json::from_str).collect();
    let lines = lines.map_err(|error| format!("{error}: {log}"))?;
    let of = |event: &'static str| lines.iter().filter(move |line| line["event"] == event);
    let expect = &scenario.expect;
    fails(expect, of("failed")).and_then(|()| ends(scenario, &lines)).map_err(|what| format!("{what}\n{log}"))
}

/// Behind the head there may be more of them than the timing tells.
fn fails<'a>(expect: &Expect, mut seen: impl Iterator<Item = &'a Value>) -> Result<(), String> {
    let is_failure = |(_, outcome): &&(&str, &str)| !["word", "draft"].contains(outcome);
    for (node, outcomes) in expect.timing.iter().filter(is_failure) {
        let line = seen.next().ok_or(format!("nothing is logged of {node}: {outcomes}"))?;
        let reason = line["reason"].as_str().unwrap_or_default();
        let is_so = line["node"] == *node && outcomes.split('|').any(|known| known == reason);
        same(&format!("what is logged of {node}: {outcomes}: {line}"), &is_so, &true)?;
    }
    Ok(())
}

fn ends(scenario: &Scenario, lines: &[Value]) -> Result<(), String> {
    let seen = lines.iter().filter_map(|line| {
        let event = line["event"].as_str().filter(|event| ENDS.contains(event))?;
        Some((event, line["node"].as_str()))
    });
    let seen: Vec<_> = seen.collect();
    let mut expected: Vec<_> = end(&scenario.expect).into_iter().collect();
    if matches!(scenario.reader, Reader::AsksTwice) {
        expected.extend_from_within(..);
    }
    same("the ends that are logged", &seen, &expected)?;
    if let Told::Resumed(_) = scenario.expect.told {
        let seams = lines.iter().filter(|line| line["event"] == "resumed");
        let seams: Vec<_> = seams.map(|line| (line["from"].as_str(), line["to"].as_str())).collect();
        same("the seams that are logged", &seams, &vec![(Some("mini"), Some("cloud"))])?;
    }
    Ok(())
}

/// The one end of a request, and the node that it tells of.
fn end(expect: &Expect) -> Option<(&'static str, Option<&'static str>)> {
    let name = |who| match who {
        Who::Mini => "mini",
        Who::Cloud => "cloud",
    };
    match expect.told {
        Told::Answer(who, _) | Told::Behind(who, ..) => Some(("answered", Some(name(who)))),
        Told::Resumed(_) => Some(("answered", Some("cloud"))),
        Told::Cut(who, _) => Some(("cut", Some(name(who)))),
        Told::Error(_) => Some(("no_node", None)),
        // Some node was asked, and what is told is why it came to nothing.
        Told::Json(_) if !expect.timing.is_empty() => Some(("no_node", None)),
        Told::Draft(fields) | Told::DraftStream(_, fields) => Some(("drafted", drafter(fields))),
        Told::Left(_) => Some(("left", None)),
        Told::Json(_) | Told::Nothing => None,
    }
}

/// Whose draft it is. Where the row does not say, the primary's; the template is nobody's.
fn drafter(fields: &[(&'static str, &'static str)]) -> Option<&'static str> {
    let field = |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, value)| *value);
    match (field("/source"), field("/node")) {
        (Some("\"template\""), _) => None,
        (_, Some(node)) => Some(node.trim_matches('"')),
        (_, None) => Some("mini"),
    }
}
