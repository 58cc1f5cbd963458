//! One look at a node. It neither loads a model nor wakes one.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use serde::Deserialize;

use crate::config::{Config, Node};
use crate::failure::Failure;
use crate::monitor::Finding;
use crate::monitor::diagnosis::Diagnosis;
use crate::ollama::{Message, Prompt, Role};
use crate::platform::{Elapsed, FetchError, Platform, gather, within};
use crate::upstream::{self, AGENT};

/// Bytes of a list of models; what is longer is none.
const LONGEST_LIST: usize = 1024 * 1024;

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

pub(super) async fn look<P: Platform>(
    platform: &P,
    config: &Config,
    node: &Node,
    asks_word: bool,
) -> Finding {
    let patience = config.monitor.probe;
    let tags = match ask(platform, node, "/api/tags", patience).await {
        Ok(said) => said,
        Err(diagnosis) => return Finding::Bad(diagnosis),
    };
    let wanted = [&node.models.primary, &node.models.fallback];
    let finding = judge(&tags, &wanted);
    if finding != Finding::Good || !asks_word {
        return finding;
    }
    // A load may keep the list of what is loaded waiting: no answer says nothing.
    let Ok(loaded) = ask(platform, node, "/api/ps", patience).await else { return Finding::Good };
    let loaded = list(&loaded.body).unwrap_or_default();
    let resident = wanted.into_iter().find(|model| loaded.iter().any(|name| is_same(name, model)));
    match resident {
        Some(model) => word(platform, config, node, model).await,
        None => Finding::Good,
    }
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
        300..=399 | 401 => Diagnosis::AccessRejected,
        403 if said.body.is_empty() => Diagnosis::HostRejected,
        403 => Diagnosis::AccessRejected,
        503 if memchr::memmem::find(&said.body, b"\"draining\"").is_some() => return Finding::Drained,
        502 => Diagnosis::OriginRefused,
        504 | 524 => Diagnosis::Slow,
        530 => Diagnosis::TunnelDown,
        status => Diagnosis::Status(status),
    };
    Finding::Bad(diagnosis)
}

fn list(body: &[u8]) -> Option<Vec<String>> {
    let list: List = serde_json::from_slice(body).ok()?;
    Some(list.models.into_iter().map(|model| model.name).collect())
}

/// Ollama adds `:latest` where there is no tag.
fn is_same(listed: &str, model: &str) -> bool {
    listed == model || listed.strip_suffix(":latest") == Some(model)
}

/// Asks a model that is loaded for one token.
async fn word<P: Platform>(platform: &P, config: &Config, node: &Node, model: &str) -> Finding {
    let message = Message { role: Role::User, content: "Say ok.".to_owned() };
    let prompt = Prompt { messages: vec![message], format: None, longest: 1 };
    let word = upstream::first_word::<P, String>(platform, upstream::request(node, model, &prompt));
    let outcome = within(platform, config.deadlines.first_word, word).await;
    match outcome {
        Ok(outcome) => of_word(outcome.err()),
        Err(Elapsed) => Finding::Bad(Diagnosis::Hangs),
    }
}

fn of_word(failure: Option<Failure>) -> Finding {
    let diagnosis = match failure {
        // One token may be a blank, or the end; and who is busy works.
        None | Some(Failure::Empty | Failure::EndedEarly | Failure::Status(429 | 503)) => {
            return Finding::Good;
        }
        Some(Failure::Status(status)) => Diagnosis::Status(status),
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
        check(524, "", Bad(D::Slow));
        check(500, "", Bad(D::Status(500)));
        check(503, "{\"error\":\"busy\"}", Bad(D::Status(503)));
        check(503, "{\"error\":\"draining\"}", Drained);
    }
}
