//! One look at a node. The monitor's neither loads a model nor wakes one.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::StreamExt;
use http::{HeaderMap, Method, Request, StatusCode};
use serde::Deserialize;

use crate::config::{Config, Node};
use crate::failure::Failure;
use crate::json;
use crate::lease;
use crate::monitor::Finding;
use crate::monitor::diagnosis::Diagnosis;
use crate::ollama::{Message, Prompt, Role};
use crate::platform::{Elapsed, FetchError, Moment, Platform, gather, holds, within};
use crate::service::Service;
use crate::upstream::{self, AGENT};

/// Bytes of a list of models; what is longer is none.
const LONGEST_LIST: usize = 1024 * 1024;

/// What a look has found.
pub(super) struct Look {
    /// None where it says nothing new of the node.
    pub(super) finding: Option<Finding>,
    /// The configured models in the node's memory, where it says.
    pub(super) resident: Option<Vec<String>>,
}

/// What a node says to a look.
struct Said {
    status: StatusCode,
    body: Vec<u8>,
}

/// The models that a node lists.
#[derive(Deserialize)]
struct List {
    models: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
}

/// How a look goes beyond the list of models.
#[derive(Clone, Copy)]
pub(super) struct Asking {
    /// A model that is loaded is asked for a word.
    pub(super) word: bool,
    /// Whoever else is being answered.
    pub(super) insists: bool,
    /// The last look found that none comes.
    pub(super) hangs: bool,
    /// When that was.
    pub(super) since: Moment,
}

/// The longest wait for a word of a model that is loaded: whoever calls for the round waits for it, too.
const WORD: Duration = Duration::from_secs(40);

pub(super) async fn look<P: Platform>(platform: &P, service: &Service, node: &Node, asking: Asking) -> Look {
    let config = &service.config;
    let finding = models(platform, config, node).await;
    if finding != Finding::Good {
        return Look { finding: Some(finding), resident: None };
    }
    let Ok(resident) = resident(platform, config, node).await else {
        // A load may keep the list of what is loaded waiting: no answer says nothing, and ends no silence either.
        let finding = if asking.hangs { Finding::Bad(Diagnosis::Hangs) } else { finding };
        return Look { finding: Some(finding), resident: None };
    };
    let finding = match resident.first().filter(|_| asking.word) {
        Some(model) => speech(platform, service, node, model, asking).await,
        None => Some(finding),
    };
    Look { finding, resident: Some(resident) }
}

/// What it says of a node that a word comes, or none. One that somebody else is being answered before says nothing: a
/// node may have one place. Where nobody was when it was asked for, whoever comes later waits behind it.
async fn speech<P: Platform>(
    platform: &P,
    service: &Service,
    node: &Node,
    model: &str,
    asking: Asking,
) -> Option<Finding> {
    let is_idle = lease::is_idle(platform, service).await;
    let since = if is_idle { platform.now() } else { asking.since };
    let speaks = || service.outlook.has_spoken(&node.name, since);
    if !is_idle && !asking.insists && !asking.hangs {
        return Some(Finding::Good);
    }
    let found = of_word(word(platform, node, model, patience(&service.config)).await.err());
    match found == Finding::Bad(Diagnosis::Hangs) {
        true if speaks() => Some(Finding::Good),
        true if !is_idle && !asking.insists => None,
        _ => Some(found),
    }
}

/// How long its word is waited for.
fn patience(config: &Config) -> Duration {
    config.deadlines.last_first_word.min(WORD)
}

/// How long a look may take, the store's part left out: two lists and a word.
pub(super) fn longest(config: &Config) -> Duration {
    2 * config.monitor.probe + patience(config)
}

/// Whether the node answers, and has the models that are configured.
pub async fn models<P: Platform>(platform: &P, config: &Config, node: &Node) -> Finding {
    match ask(platform, node, "/api/tags", config.monitor.probe).await {
        Ok(said) => judge(&said, &wanted(node)),
        Err(diagnosis) => Finding::Bad(diagnosis),
    }
}

/// Those of the configured models that are in the node's memory, the best first.
pub async fn resident<P: Platform>(
    platform: &P,
    config: &Config,
    node: &Node,
) -> Result<Vec<String>, Diagnosis> {
    let said = ask(platform, node, "/api/ps", config.monitor.probe).await?;
    if !said.status.is_success() {
        return Err(of_status(said.status.as_u16()));
    }
    let loaded = list(&said.body).ok_or(Diagnosis::Foreign)?;
    let is_loaded = |model: &&String| loaded.iter().any(|name| is_same(name, model));
    Ok(wanted(node).into_iter().filter(is_loaded).cloned().collect())
}

/// The first of them, if there is any.
pub async fn loaded<'a, P: Platform>(
    platform: &P,
    config: &Config,
    node: &'a Node,
) -> Result<Option<&'a str>, Diagnosis> {
    let resident = resident(platform, config, node).await?;
    Ok(wanted(node).into_iter().find(|model| resident.contains(model)).map(String::as_str))
}

/// Asks a model for one token. One that is not loaded is loaded by it.
pub async fn word<P: Platform>(
    platform: &P,
    node: &Node,
    model: &str,
    patience: Duration,
) -> Result<(), Failure> {
    let message = Message { role: Role::User, content: "Say ok.".to_owned() };
    let prompt = Prompt { messages: vec![message], format: None, longest: 1 };
    let word = async {
        let request = upstream::request(node, model, &prompt);
        let mut body = upstream::first_word(platform, request, String::new()).await?.body;
        // To the end: a client that leaves may cost the node its only slot.
        while body.next().await.is_some() {}
        Ok(())
    };
    within(platform, patience, word).await.unwrap_or(Err(Failure::FirstWordTimeout))
}

fn wanted(node: &Node) -> [&String; 2] {
    [&node.models.primary, &node.models.fallback]
}

async fn ask<P: Platform>(
    platform: &P,
    node: &Node,
    path: &str,
    patience: Duration,
) -> Result<Said, Diagnosis> {
    let ask = async {
        let (head, mut body) = platform.fetch(request(node, path)).await?.into_parts();
        Ok(Said { status: head.status, body: gather(&mut body, LONGEST_LIST).await? })
    };
    match within(platform, patience, ask).await {
        Ok(said) => said.map_err(of_fetch),
        Err(Elapsed) => Err(Diagnosis::Slow),
    }
}

fn request(node: &Node, path: &str) -> Request<Bytes> {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::GET;
    *request.uri_mut() =
        format!("{}{path}", node.url).parse().expect("the configuration holds only sound URLs");
    let headers: &mut HeaderMap = request.headers_mut();
    headers.extend(node.credentials.clone());
    headers.insert(http::header::USER_AGENT, AGENT);
    request
}

fn of_fetch(error: FetchError) -> Diagnosis {
    match error {
        FetchError::Dns => Diagnosis::Dns,
        FetchError::Refused => Diagnosis::Refused,
        FetchError::ConnectTimeout | FetchError::Broken => Diagnosis::Unreachable,
    }
}

/// By the status first: whoever answers in the node's place has pages of its own.
fn judge(said: &Said, wanted: &[&String]) -> Finding {
    let diagnosis = match said.status.as_u16() {
        200..=299 => match list(&said.body) {
            None => Diagnosis::Foreign,
            Some(listed) => {
                let is_there = |model: &str| listed.iter().any(|name| is_same(name, model));
                let mut missing: Vec<String> =
                    wanted.iter().filter(|model| !is_there(model)).map(|model| (*model).clone()).collect();
                missing.dedup();
                match missing.is_empty() {
                    true => return Finding::Good,
                    false => Diagnosis::ModelMissing(missing),
                }
            }
        },
        403 if said.body.is_empty() => Diagnosis::HostRejected,
        // Cloudflare has one status for many errors: 1016 is a name without an address.
        530 if holds(&said.body, b"1016") => Diagnosis::Dns,
        503 if holds(&said.body, b"\"draining\"") => return Finding::Drained,
        status => of_status(status),
    };
    Finding::Bad(diagnosis)
}

fn of_status(status: u16) -> Diagnosis {
    match status {
        300..=399 | 401 | 403 => Diagnosis::AccessRejected,
        502 => Diagnosis::OriginRefused,
        504 | 524 => Diagnosis::Slow,
        530 => Diagnosis::TunnelDown,
        status => Diagnosis::Status(status),
    }
}

fn list(body: &[u8]) -> Option<Vec<String>> {
    let list: List = json::read(body).ok()?;
    Some(list.models.into_iter().map(|model| model.name).collect())
}

/// Ollama adds `:latest` where there is no tag.
fn is_same(listed: &str, model: &str) -> bool {
    listed == model || listed.strip_suffix(":latest") == Some(model)
}

/// What it means that a node was asked for one token and failed, or did not.
pub fn of_word(failure: Option<Failure>) -> Finding {
    let diagnosis = match failure {
        // One token may be a blank, or the end; and who is busy works.
        None | Some(Failure::Empty | Failure::EndedEarly | Failure::Busy | Failure::Status(429 | 503)) => {
            return Finding::Good;
        }
        Some(Failure::Status(status)) => of_status(status),
        Some(Failure::Redirect) => Diagnosis::AccessRejected,
        Some(Failure::Html | Failure::Garbage | Failure::LineTooLong) => Diagnosis::Foreign,
        Some(Failure::Rejected) => Diagnosis::Status(400),
        Some(Failure::ErrorLine) => Diagnosis::Status(500),
        Some(Failure::Dns) => Diagnosis::Dns,
        Some(Failure::Refused) => Diagnosis::Refused,
        Some(Failure::ConnectTimeout | Failure::Broken) => Diagnosis::Unreachable,
        Some(
            Failure::FirstWordTimeout
            | Failure::IdleTimeout
            | Failure::AnswerTimeout
            | Failure::AnswerTooLong
            | Failure::Outrun
            | Failure::Contract(_),
        ) => Diagnosis::Hangs,
    };
    Finding::Bad(diagnosis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_says() {
        let check = |status: u16, body: &str, expect: Finding| {
            let status = StatusCode::from_u16(status).unwrap();
            let wanted = ["a".to_owned(), "b:7b".to_owned()];
            let said = Said { status, body: body.as_bytes().to_vec() };
            assert_eq!(judge(&said, &[&wanted[0], &wanted[1]]), expect, "{status} {body}");
        };
        use Diagnosis as D;
        use Finding::{Bad, Drained, Good};
        let tags = |names: &[&str]| {
            let models: Vec<_> =
                names.iter().map(|name| serde_json::json!({"name": name, "size": 1})).collect();
            serde_json::json!({"models": models}).to_string()
        };
        check(200, &tags(&["a:latest", "b:7b", "c"]), Good);
        check(200, &tags(&["a"]), Bad(D::ModelMissing(vec!["b:7b".to_owned()])));
        check(200, "<html>", Bad(D::Foreign));
        check(200, "{\"models\":7}", Bad(D::Foreign));
        check(302, "", Bad(D::AccessRejected));
        check(401, "", Bad(D::AccessRejected));
        check(403, "", Bad(D::HostRejected));
        check(403, "error code: 1010", Bad(D::AccessRejected));
        check(502, "error code: 502", Bad(D::OriginRefused));
        check(530, "error code: 1033", Bad(D::TunnelDown));
        check(530, "error code: 1016", Bad(D::Dns));
        check(524, "", Bad(D::Slow));
        check(500, "", Bad(D::Status(500)));
        check(503, "{\"error\":\"busy\"}", Bad(D::Status(503)));
        check(503, "{\"error\":\"draining\"}", Drained);
    }

    #[test]
    fn what_a_missing_word_means() {
        let check = |failure: Failure, expect: Finding| assert_eq!(of_word(Some(failure)), expect);
        use Diagnosis as D;
        use Finding::{Bad, Good};
        check(Failure::Empty, Good);
        check(Failure::Status(503), Good);
        check(Failure::Status(401), Bad(D::AccessRejected));
        check(Failure::Status(404), Bad(D::Status(404)));
        check(Failure::Status(530), Bad(D::TunnelDown));
        check(Failure::FirstWordTimeout, Bad(D::Hangs));
        assert_eq!(of_word(None), Good);
    }
}
