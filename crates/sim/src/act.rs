//! One reply as a sequence of acts, the same in virtual time and over sockets.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use crate::node::Memory;
use crate::ollama::{self, Metrics, Said, Voice};
use crate::script::{Cut, EdgePage, Fault, OllamaError, Say};

/// What a node does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Waits for its one slot.
    Queue,
    /// Keeps the slot for ever.
    Leak,
    /// Has this in memory, which takes its time unless it is there already.
    Load(Memory),
    /// Lets time pass.
    Wait(Duration),
    /// Sends the head.
    Head(StatusCode, Vec<(&'static str, String)>),
    /// Sends bytes; `said` of them is what a reader sees of the answer.
    Bytes { bytes: Bytes, said: String },
    /// Sends bytes without an end.
    Flood,
    /// Does nothing, for ever.
    Stall,
    /// Resets the connection.
    Reset,
}

pub(crate) const NDJSON: &str = "application/x-ndjson";
const JSON: &str = "application/json";
pub(crate) const JSON_UTF8: &str = "application/json; charset=utf-8";

/// What a model thinks before it speaks.
pub(crate) const THOUGHTS: [&str; 2] = ["Okay", ", the reader"];

/// The bytes just before a reset would be lost with it.
const BEFORE_RESET: Duration = Duration::from_millis(40);

pub(crate) fn head(status: StatusCode, kind: &str) -> Act {
    Act::Head(status, vec![("content-type", kind.to_owned())])
}

pub(crate) fn bytes(text: impl Into<String>) -> Act {
    Act::Bytes { bytes: Bytes::from(text.into()), said: String::new() }
}

/// A whole reply. Go tells the length of one that is as short as these.
pub(crate) fn whole(status: StatusCode, kind: &str, body: impl Into<String>) -> Vec<Act> {
    let body = body.into();
    let headers = vec![("content-type", kind.to_owned()), length(&body)];
    match body.is_empty() {
        true => vec![Act::Head(status, headers)],
        false => vec![Act::Head(status, headers), bytes(body)],
    }
}

/// A reply of a status and nothing else.
pub(crate) fn nothing(status: StatusCode) -> Vec<Act> {
    vec![Act::Head(status, vec![length("")])]
}

fn length(body: &str) -> (&'static str, String) {
    ("content-length", body.len().to_string())
}

/// A streamed answer in `pieces`.
pub(crate) fn say(
    say: &Say,
    voice: &Voice,
    pieces: &[String],
    first: Duration,
    pace: Duration,
    m: Metrics,
) -> Vec<Act> {
    let mut lines: Vec<(String, String)> = Vec::new();
    // Where a chunk is not a line the times are no more than likely.
    let at = |nth: usize| voice.later(first + pace * u32::try_from(nth).unwrap_or(u32::MAX));
    if say.thinking {
        lines.extend((0..).zip(THOUGHTS).map(|(nth, thought)| (at(nth).thinking(thought), String::new())));
    }
    let broken = say.fault.map_or(pieces.len(), |(at, _)| at.min(pieces.len()));
    for piece in &pieces[..broken] {
        lines.push((at(lines.len()).piece(piece), piece.clone()));
    }
    if say.fault.is_none() {
        if say.tools {
            lines.push((at(lines.len()).tool_call(), String::new()));
        }
        let reason = if say.length { "length" } else { "stop" };
        let metrics = if say.no_metrics { Metrics::default() } else { m };
        lines.push((at(lines.len()).done(Said::default(), reason, metrics), String::new()));
    }
    let mut acts = vec![Act::Wait(first), head(StatusCode::OK, NDJSON)];
    for (nth, chunk) in chunks(say.cut, lines).into_iter().enumerate() {
        if nth > 0 {
            acts.push(Act::Wait(pace));
        }
        acts.push(chunk);
    }
    if let Some((_, fault)) = say.fault {
        acts.push(Act::Wait(pace));
        acts.extend(fail(fault));
    }
    acts
}

fn chunks(cut: Cut, lines: Vec<(String, String)>) -> Vec<Act> {
    let act = |bytes: &[u8], said: String| Act::Bytes { bytes: Bytes::copy_from_slice(bytes), said };
    let count = lines.len();
    let mut chunks = Vec::new();
    for (nth, (mut line, said)) in lines.into_iter().enumerate() {
        if !(cut == Cut::NoLastNewline && nth + 1 == count) {
            line.push('\n');
        }
        match cut {
            Cut::Lines | Cut::Joined | Cut::NoLastNewline => chunks.push(act(line.as_bytes(), said)),
            Cut::Bytes => {
                chunks.push(act(&line.as_bytes()[..1], said));
                chunks.extend(line.as_bytes()[1..].iter().map(|byte| act(&[*byte], String::new())));
            }
            Cut::SplitCharacters => {
                let mut rest = line.as_bytes();
                let mut said = Some(said);
                while let Some(at) = rest.iter().position(|byte| *byte >= 0xC0) {
                    chunks.push(act(&rest[..=at], said.take().unwrap_or_default()));
                    rest = &rest[at + 1..];
                }
                chunks.push(act(rest, said.take().unwrap_or_default()));
            }
        }
    }
    if cut == Cut::Joined {
        let (mut all, mut heard) = (Vec::new(), String::new());
        for chunk in &chunks {
            if let Act::Bytes { bytes, said } = chunk {
                all.extend_from_slice(bytes);
                heard.push_str(said);
            }
        }
        return vec![act(&all, heard)];
    }
    chunks
}

fn fail(fault: Fault) -> Vec<Act> {
    match fault {
        Fault::Reset => vec![Act::Wait(BEFORE_RESET), Act::Reset],
        Fault::Stall => vec![Act::Stall],
        Fault::End => Vec::new(),
        Fault::ErrorLine => {
            vec![bytes(ollama::error("an error was encountered while running the model") + "\n")]
        }
        Fault::Garbage => vec![bytes("<html>this is not JSON</html>\n")],
        Fault::LongLine => vec![Act::Flood],
    }
}

/// One of Ollama's own errors.
pub(crate) fn error(error: OllamaError, model: &str, stream: bool) -> Vec<Act> {
    let (status, text) = match error {
        OllamaError::BadRequest => (400, "model is required".to_owned()),
        OllamaError::Incapable => (400, format!("\"{model}\" does not support thinking")),
        OllamaError::Unauthorized => (401, "unauthorized".to_owned()),
        OllamaError::Host => return nothing(StatusCode::FORBIDDEN),
        OllamaError::NoModel => (404, format!("model '{model}' not found")),
        OllamaError::RateLimit => (429, "rate limit exceeded".to_owned()),
        OllamaError::Crash => (
            500,
            "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, \
             check ollama server logs for details"
                .to_owned(),
        ),
        OllamaError::Busy => (503, "server busy, please try again.  maximum pending requests exceeded".to_owned()),
    };
    let status = StatusCode::from_u16(status).expect("the statuses above are statuses");
    if matches!(error, OllamaError::RateLimit | OllamaError::Crash) {
        return runner_error(status, &text, stream);
    }
    early_error(status, &text)
}

/// An error from before a runner was found for the request.
pub(crate) fn early_error(status: StatusCode, text: &str) -> Vec<Act> {
    whole(status, JSON_UTF8, ollama::error(text))
}

/// An error of the runner's: where a stream was asked for, its content type has been begun without a charset.
pub(crate) fn runner_error(status: StatusCode, text: &str, stream: bool) -> Vec<Act> {
    whole(status, if stream { JSON } else { JSON_UTF8 }, ollama::error(text))
}

/// A page of whoever stands in the node's place.
pub(crate) fn edge(page: EdgePage) -> Vec<Act> {
    const HTML: &str = "text/html; charset=UTF-8";
    const PLAIN: &str = "text/plain; charset=UTF-8";
    let page_of =
        |title: &str| format!("<!DOCTYPE html>\n<html><head><title>{title}</title></head></html>\n");
    let (status, kind, body) = match page {
        EdgePage::TunnelJson => (530, JSON, TUNNEL_JSON.to_owned()),
        EdgePage::TunnelHtml => (530, HTML, page_of("Cloudflare Tunnel error")),
        EdgePage::TunnelPlain => (530, PLAIN, "error code: 1033".to_owned()),
        EdgePage::BadRequest => (400, HTML, page_of("400 The plain HTTP request was sent to HTTPS port")),
        EdgePage::BadGateway => (502, PLAIN, "error code: 502\n".to_owned()),
        EdgePage::Timeout => (524, HTML, page_of("524: A timeout occurred")),
        EdgePage::Login => (302, HTML, String::new()),
        EdgePage::Agent => (403, PLAIN, "error code: 1010".to_owned()),
        EdgePage::WebPage => (200, HTML, page_of("Welcome")),
    };
    let status = StatusCode::from_u16(status).expect("the statuses above are statuses");
    let mut acts = whole(status, kind, body);
    if let Some(Act::Head(_, headers)) = acts.first_mut() {
        headers.push(("server", "cloudflare".to_owned()));
        headers.push(("cf-ray", "8f0000000000abcd-FRA".to_owned()));
        if status.as_u16() == 530 {
            headers.push(("retry-after", "120".to_owned()));
        }
        if page == EdgePage::Login {
            headers
                .push(("location", "https://team.cloudflareaccess.com/cdn-cgi/access/login/mini".to_owned()));
        }
    }
    acts
}

const TUNNEL_JSON: &str = concat!(
    r#"{"type":"https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-1xxx-errors/error-1033/","#,
    r#""title":"Error 1033: Cloudflare Tunnel error","status":530,"#,
    r#""detail":"The host is configured as a Cloudflare Tunnel, but Cloudflare is currently unable to reach it.","#,
    r#""error_code":1033,"error_name":"tunnel_error","error_category":"config","ray_id":"8f0000000000abcd","#,
    r#""cloudflare_error":true,"zone":"example.com"}"#
);
