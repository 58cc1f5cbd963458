//! Holds what was seen against what was expected.

use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::HeaderMap;
use http::response::Parts;
use serde_json::Value;

use super::stream::Stream;
use super::{
    ACCESS, Ask, Before, Expect, SECRET, SECRETS, Scenario, Told, VALUES, Who, guard, keeps_contract,
};
use crate::node::{End, Received};

/// What a reader and the nodes saw.
#[derive(Debug, Default)]
pub(super) struct Observed {
    head: Option<(u16, HeaderMap)>,
    body: Vec<u8>,
    pub(super) nodes: [Vec<Received>; 2],
}

impl Observed {
    pub(super) fn new(head: &Parts, body: Vec<u8>) -> Self {
        Self { head: Some((head.status.as_u16(), head.headers.clone())), body, nodes: Default::default() }
    }
}

/// How many pieces of an answer are in `body`, the last frame whole or not.
pub(super) fn words(body: &[u8]) -> usize {
    String::from_utf8_lossy(body).matches("\"type\":\"token\"").count()
}

pub(super) fn check(
    scenario: &Scenario,
    observed: &Observed,
    log: &str,
    before: Before,
) -> Result<(), String> {
    let is_guarded = before != Before::Nothing;
    let expect = &scenario.expect;
    let context = |what: String| format!("{what}\n{}", String::from_utf8_lossy(&observed.body));
    if let Some((status, headers)) = &observed.head {
        same("the status", status, &expect.status).map_err(context)?;
        check_headers(headers, expect).map_err(context)?;
        check_timing(headers, &timing(scenario, is_guarded)).map_err(context)?;
    }
    let asked = observed.nodes.each_ref().map(Vec::len);
    same("the requests that reached the nodes", &asked, &expect.asked).map_err(context)?;
    told(expect, observed).map_err(context)?;
    is_kept_company(expect, observed).map_err(context)?;
    observed.nodes.iter().try_for_each(|requests| loads_once(requests))?;
    check_sent(scenario, observed, before)?;
    nothing_leaks(observed, log)
}

fn check_headers(headers: &HeaderMap, expect: &Expect) -> Result<(), String> {
    let text =
        |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    for (name, pattern) in expect.headers {
        let seen = text(name);
        match *pattern {
            "*" if seen.is_some() => {}
            "" if seen.is_none() => {}
            value if seen.as_deref().is_some_and(|seen| seen.eq_ignore_ascii_case(value)) => {}
            _ => return Err(format!("header {name}: expected {pattern:?}, saw {seen:?}")),
        }
    }
    Ok(())
}

/// Who is expected to have been asked, and what came of it: behind a guard some of it has another name.
fn timing(scenario: &Scenario, is_guarded: bool) -> Vec<(&'static str, &'static str)> {
    let rows = scenario.expect.timing.iter().copied();
    match is_guarded {
        true => {
            rows.map(|(node, outcomes)| (node, guard::heard(scenario, node).unwrap_or(outcomes))).collect()
        }
        false => rows.collect(),
    }
}

fn check_timing(headers: &HeaderMap, expect: &[(&str, &str)]) -> Result<(), String> {
    let timing = headers.get("server-timing").map_or(&b""[..], |value| value.as_bytes());
    let timing = String::from_utf8_lossy(timing);
    let attempts: Vec<(&str, &str)> = timing
        .split(", ")
        .filter_map(|attempt| {
            let (node, rest) = attempt.split_once(";dur=")?;
            Some((node, rest.split_once(";desc=\"")?.1.trim_end_matches('"')))
        })
        .collect();
    let fits = attempts.len() == expect.len()
        && attempts.iter().zip(expect).all(|((node, outcome), (expected, outcomes))| {
            node == expected && outcomes.split('|').any(|known| known == *outcome)
        });
    if fits { Ok(()) } else { Err(format!("Server-Timing: expected {expect:?}, saw {timing:?}")) }
}

fn told(expect: &Expect, observed: &Observed) -> Result<(), String> {
    let last = |who| observed.nodes[index(who)].last().ok_or(format!("{who:?} was not asked"));
    match expect.told {
        Told::Nothing => same("the body", &observed.body.len(), &0),
        Told::Json(fields) => {
            let body: Value = serde_json::from_slice(&observed.body).map_err(|error| error.to_string())?;
            has(&body, fields)
        }
        Told::Answer(who, fields) => {
            let stream = Stream::read(&observed.body)?;
            same("the seams", &stream.seams(), &(0, 0))?;
            let end = stream.end.ok_or("the stream ended silently")?;
            same("the last event", &end["type"], &"done".into())?;
            same("the text", &stream.text, &last(who)?.said)?;
            has(&end, fields)
        }
        Told::Cut(who, code) => {
            let stream = Stream::read(&observed.body)?;
            same("the seams", &stream.seams(), &(0, 0))?;
            let end = stream.end.ok_or("the stream ended silently")?;
            same("the error", &end["code"], &code.into())?;
            same("no text at all", &stream.text.is_empty(), &false)?;
            let said = &last(who)?.said;
            match code {
                // The node may be speaking when the clock cuts it off.
                "timeout" => {
                    same("the text is the answer's beginning", &said.starts_with(&stream.text), &true)
                }
                _ => same("the text", &stream.text, said),
            }
        }
        Told::Resumed(restarts) => {
            let stream = Stream::read(&observed.body)?;
            let end = stream.end.ok_or("the stream ended silently")?;
            same("the last event", &(&end["type"], &end["node"]), &(&"done".into(), &"cloud".into()))?;
            let from_to = ("mini".to_owned(), "cloud".to_owned());
            same("the seams", &stream.failovers, &vec![from_to])?;
            same("restarts", &stream.restarts, &restarts)?;
            let [mini, cloud] = [Who::Mini, Who::Cloud].map(last);
            let (mini, cloud) = (&mini?.said, &cloud?.said);
            // The node is sent what was said without the space at its end, and says that again.
            let whole = match cloud.strip_prefix(repeated(mini, cloud)) {
                _ if restarts > 0 => cloud.clone(),
                rest => format!("{}{}", mini.trim_end(), rest.unwrap_or(cloud)),
            };
            same("the text", &stream.text, &whole)
        }
        Told::Behind(who, held, restarts) => {
            let stream = Stream::read(&observed.body)?;
            let end = stream.end.ok_or("the stream ended silently")?;
            same("the last event", &end["type"], &"done".into())?;
            same("restarts", &stream.restarts, &restarts)?;
            let said = &last(who)?.said;
            if restarts > 0 {
                return same("the text", &stream.text, said);
            }
            let rest = said.strip_prefix(repeated(held, said)).unwrap_or(said);
            same("the text", &format!("{held}{}", stream.text), &format!("{}{rest}", held.trim_end()))
        }
        Told::Error(code) => {
            let stream = Stream::read(&observed.body)?;
            same("the seams", &stream.seams(), &(0, 0))?;
            let end = stream.end.ok_or("the stream ended silently")?;
            same("the error", &end["code"], &code.into())?;
            same("the text", &stream.text.as_str(), &"")
        }
        Told::Draft(fields) => {
            let draft: Value = serde_json::from_slice(&observed.body).map_err(|error| error.to_string())?;
            check_draft(&draft)?;
            has(&draft, fields)
        }
        Told::DraftStream(restarts, fields) => {
            let stream = Stream::read(&observed.body)?;
            let draft = stream.end.ok_or("the stream ended silently")?;
            same("the restarts", &stream.restarts, &restarts)?;
            same("the body's pieces", &Some(&*stream.text), &draft["body"].as_str())?;
            check_draft(&draft)?;
            has(&draft, fields)
        }
        Told::Left(who) => same("the end that the node saw", &last(who)?.end, &Some(End::Left)),
    }
}

fn is_kept_company(expect: &Expect, observed: &Observed) -> Result<(), String> {
    if expect.heartbeats == 0 {
        return Ok(());
    }
    let seen = Stream::read(&observed.body)?.heartbeats;
    match seen >= expect.heartbeats {
        true => Ok(()),
        false => Err(format!("heartbeats: expected {} at least, saw {seen}", expect.heartbeats)),
    }
}

/// The longest end of `first` with which `second` begins.
fn repeated<'a>(first: &'a str, second: &str) -> &'a str {
    let ends = first.char_indices().map(|(at, _)| &first[at..]);
    ends.filter(|end| end.len() > 3).find(|end| second.starts_with(end)).unwrap_or_default()
}

/// What every draft has, whoever wrote it.
fn check_draft(draft: &Value) -> Result<(), String> {
    same("the type", &draft["type"], &"draft".into())?;
    let text = |name: &str| draft[name].as_str().ok_or(format!("{name} is no text: {draft}"));
    keeps_contract(text("subject")?, text("body")?, &["Ada Example", "Quarry & Sons"])?;
    let id = text("id")?;
    same("a UUIDv7", &(id.len(), id.as_bytes().get(14)), &(36, Some(&b'7')))
}

fn index(who: Who) -> usize {
    match who {
        Who::Mini => 0,
        Who::Cloud => 1,
    }
}

fn has(value: &Value, fields: &[(&str, &str)]) -> Result<(), String> {
    fields.iter().try_for_each(|(pointer, expected)| {
        let json = || serde_json::from_str(expected).expect("the table's values are JSON");
        let expected: Option<Value> = (!expected.is_empty()).then(json);
        same(pointer, &value.pointer(pointer), &expected.as_ref())
    })
}

/// Nothing that is asked has a model loaded that is there already: who asks with other options waits as long as for a cold one.
pub(super) fn loads_once(requests: &[Received]) -> Result<(), String> {
    let model = |request: &Received| {
        serde_json::from_slice::<Value>(&request.body).map(|body| body["model"].clone()).unwrap_or_default()
    };
    let loads: Vec<_> = requests.iter().filter(|request| request.loads).map(model).collect();
    match loads.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("{} was loaded twice", pair[0])),
        None => Ok(()),
    }
}

/// What a node is told that we read. Behind the lane it is the guard who reads.
fn read(ask: Ask, before: Before) -> &'static str {
    let is_draft = matches!(ask, Ask::Draft(_) | Ask::DraftStream(_));
    match before {
        Before::Lane if !is_draft => "application/x-ndjson",
        Before::Nothing if !is_draft => "text/event-stream, application/x-ndjson, application/json",
        Before::Nothing | Before::Guard | Before::Lane => "application/x-ndjson, application/json",
    }
}

fn check_sent(scenario: &Scenario, observed: &Observed, before: Before) -> Result<(), String> {
    let is_guarded = before != Before::Nothing;
    let token = format!("Bearer {SECRET}");
    // The token opens the guard's door. Ollama knows of none, and is told of none.
    let token = (!is_guarded).then_some(&*token);
    for request in observed.nodes.iter().flatten() {
        search(request)?;
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
        same("the token", &header("authorization"), &token)?;
        for (name, value) in ACCESS {
            same(name, &header(name), &(!is_guarded).then_some(value))?;
        }
        if is_guarded {
            same("a request's id", &header("x-request-id").is_some_and(|id| !id.is_empty()), &true)?;
        }
        same("our agent", &header("user-agent").is_some_and(|agent| agent.starts_with("homefire/")), &true)?;
        same("what is read", &header("accept"), &Some(read(scenario.ask, before)))?;
        same("the path", &&*request.path, &"/api/chat")?;
    }
    let Some(request) = observed.nodes.iter().flatten().last() else { return Ok(()) };
    let body: Value = serde_json::from_slice(&request.body).map_err(|error| error.to_string())?;
    has(&body, scenario.expect.sent)
}

static SEARCHED: AtomicUsize = AtomicUsize::new(0);

/// How many requests that reached a node have been searched for the values of drafts.
pub fn searched() -> usize {
    SEARCHED.load(Ordering::Relaxed)
}

fn search(request: &Received) -> Result<(), String> {
    SEARCHED.fetch_add(1, Ordering::Relaxed);
    let body = String::from_utf8_lossy(&request.body);
    let all = format!("{} {} {:?} {body}", request.method, request.path, request.headers);
    match VALUES.iter().find(|value| all.contains(**value)) {
        Some(value) => Err(format!("a node was told {value:?}: {all}")),
        None => Ok(()),
    }
}

/// What nobody outside may see: secrets, nodes' addresses, and nodes' own words about their errors.
const PRIVATE: [&str; 7] =
    [SECRETS, "http://", "127.0.0.1", "cloudflareaccess", "runner", "pending requests", "not found\""];

fn nothing_leaks(observed: &Observed, log: &str) -> Result<(), String> {
    let body = String::from_utf8_lossy(&observed.body);
    // The owner's own data may hold links.
    let is_local = body.contains("\"source\":\"local\"");
    // Whoever sent values is given them filled in.
    if !is_local {
        lacks("the body", &body, &PRIVATE)?;
    }
    tells_nothing("the headers", &format!("{:?}", observed.head))?;
    tells_nothing("the log", log)
}

/// Neither what is private is in it, nor a draft's value.
pub(super) fn tells_nothing(place: &str, text: &str) -> Result<(), String> {
    lacks(place, text, &PRIVATE)?;
    lacks(place, text, &VALUES)
}

fn lacks(place: &str, text: &str, words: &[&str]) -> Result<(), String> {
    match words.iter().find(|word| text.contains(**word)) {
        Some(word) => Err(format!("{place} shows {word:?}: {text}")),
        None => Ok(()),
    }
}

pub(super) fn same<T: PartialEq + Debug + ?Sized>(what: &str, seen: &T, expected: &T) -> Result<(), String> {
    match seen == expected {
        true => Ok(()),
        false => Err(format!("{what}: expected {expected:?}, saw {seen:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_no_null() {
        let value = serde_json::json!({"a": null, "b": 1});
        let check = |pointer, expected, fits| {
            assert_eq!(has(&value, &[(pointer, expected)]).is_ok(), fits, "{pointer} {expected:?}");
        };
        check("/a", "null", true);
        check("/a", "", false);
        check("/b", "1", true);
        check("/b", "", false);
        check("/c", "", true);
        check("/c", "null", false);
    }
}
