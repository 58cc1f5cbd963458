//! How a person with `curl` drives a node: what is next, what arrived, from the beginning.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::node::{End, Node};

const USAGE: &str = "\
POST /_sim/script     the next chat meets the script in the body
POST /_sim/reset      forget scripts, requests and what is loaded; the slot is free
GET  /_sim/requests   what arrived, and what became of it
";

/// Answers what is asked below `/_sim/`. None of it is a request to Ollama, and none is recorded.
pub(super) fn answer(node: &Node, request: &Request<Bytes>) -> Response<Bytes> {
    match (request.method(), request.uri().path()) {
        (&Method::POST, "/_sim/script") => match String::from_utf8_lossy(request.body()).trim().parse() {
            Ok(script) => {
                node.queue(script);
                reply(StatusCode::NO_CONTENT, "")
            }
            Err(unknown) => reply(StatusCode::BAD_REQUEST, format!("{unknown}\n")),
        },
        (&Method::POST, "/_sim/reset") => {
            node.reset();
            reply(StatusCode::NO_CONTENT, "")
        }
        (&Method::GET, "/_sim/requests") => {
            let requests: Vec<Value> = node.received().iter().map(describe).collect();
            reply(StatusCode::OK, format!("{:#}\n", Value::from(requests)))
        }
        _ => reply(StatusCode::NOT_FOUND, USAGE),
    }
}

fn describe(request: &crate::Received) -> Value {
    let body = String::from_utf8_lossy(&request.body);
    let end = request.end.map_or("lasts", |end| match end {
        End::Finished => "finished",
        End::Reset => "reset",
        End::Left => "the client left",
    });
    json!({
        "method": request.method.as_str(),
        "path": request.path,
        "body": serde_json::from_str(&body).unwrap_or_else(|_| Value::from(&*body)),
        "said": request.said,
        "end": end,
    })
}

fn reply(status: StatusCode, text: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
}
