//! One reader: asks, reads or leaves, and holds what he saw against what must be.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::StreamExt;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Request};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::judge::{Outcome, Seen, judge};
use super::plan::{Fault, Plan, Stay};
use super::report::Ledger;
use super::town::{ANSWER, Town};

/// From one look at the nodes to the next.
const LOOK: Duration = Duration::from_millis(20);

/// Lives through one plan and writes down what came of it.
pub(super) async fn ask<T: Town>(town: &T, ledger: &Ledger, plan: &Plan) -> Option<Outcome> {
    for (node, meetings) in town.nodes().iter().zip(&plan.nodes) {
        for meeting in meetings {
            let script = meeting.script.parse().expect("plans are drawn from scripts");
            node.queue_for(&plan.question, script);
        }
    }
    let began = Instant::now();
    let mut seen = Seen::default();
    let limit = match plan.stay {
        Stay::LeavesAfter(time) => time,
        // Whoever waits for longer than this has waited for long enough to say so.
        Stay::Stays | Stay::Dozes(_) | Stay::LeavesAtToken(_) => ANSWER * 4,
    };
    let ended = timeout(limit, live(town, plan, &mut seen)).await;
    seen.has_left |= ended.is_err() && plan.stay.leaves();
    seen.took = began.elapsed();
    let met = met(town, plan);
    let verdict = match judge(plan, &met, &seen, town.rules().grace) {
        Ok(outcome) => is_let_go(town, plan).await.map(|()| outcome),
        Err(wrong) => Err(wrong),
    };
    match verdict {
        Ok(outcome) => {
            ledger.outcome(outcome, &met);
            Some(outcome)
        }
        Err(wrong) => {
            ledger.breach(format!("{wrong}\n{plan}\nof which it met {met:?}\n{seen:?}"));
            None
        }
    }
}

/// Asks for a local command.
pub(super) async fn local<T: Town>(town: &T, query: &str) -> Result<Value, String> {
    let (head, mut body) = town.send(request(query)).await?.into_parts();
    let mut whole = Vec::new();
    while let Some(chunk) = body.next().await {
        whole.extend(chunk?);
    }
    let answer: Value = serde_json::from_slice(&whole).map_err(|error| error.to_string())?;
    if head.status != 200 || answer["source"] != "local" {
        return Err(format!("{} {answer}", head.status));
    }
    Ok(answer)
}

async fn live<T: Town>(town: &T, plan: &Plan, seen: &mut Seen) {
    let reply = match town.send(request(&plan.question)).await {
        Ok(reply) => reply,
        Err(error) => {
            seen.broke = Some(error);
            return;
        }
    };
    let (head, mut body) = reply.into_parts();
    seen.status = head.status;
    seen.is_stream = head.status.is_success() && is_stream(&head.headers);
    seen.retry_after = head.headers.contains_key(RETRY_AFTER);
    let mut is_awake = true;
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) if seen.is_stream => seen.heard.push(&chunk),
            Ok(chunk) => seen.whole.extend_from_slice(&chunk),
            Err(error) => {
                seen.broke = Some(error);
                return;
            }
        }
        match plan.stay {
            Stay::LeavesAtToken(count) if seen.heard.tokens >= count => {
                seen.has_left = true;
                return;
            }
            Stay::Dozes(time) if is_awake && seen.heard.tokens > 0 => {
                is_awake = false;
                sleep(time).await;
            }
            Stay::Stays | Stay::Dozes(_) | Stay::LeavesAfter(_) | Stay::LeavesAtToken(_) => {}
        }
    }
    seen.heard.finish();
}

fn is_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

fn request(query: &str) -> Request<Bytes> {
    let body = json!({ "query": query }).to_string();
    let request = Request::post("/api/terminal").header(CONTENT_TYPE, "application/json");
    request.body(body.into()).expect("the request is well formed")
}

/// What the question has met at the nodes, good words left out.
fn met<T: Town>(town: &T, plan: &Plan) -> Vec<Fault> {
    let met = town.nodes().iter().zip(&plan.nodes).flat_map(|(node, meetings)| {
        let unmet = node.unmet(&plan.question);
        meetings.iter().take(meetings.len().saturating_sub(unmet))
    });
    met.filter_map(|meeting| meeting.fault).collect()
}

/// No node works for a reader who is gone, be he content or not.
async fn is_let_go<T: Town>(town: &T, plan: &Plan) -> Result<(), String> {
    let began = Instant::now();
    loop {
        let at_work = town.nodes().iter().position(|node| node.works_on(plan.mark()));
        let Some(nth) = at_work else { return Ok(()) };
        if began.elapsed() >= town.rules().notice {
            return Err(format!("node {nth} still works for a reader who is gone"));
        }
        sleep(LOOK).await;
    }
}
