//! How the guard and Ollama are: as JSON for the monitor and the owner, as text for Prometheus.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::guard::App;
use crate::metrics::Now;

/// For the list of what is in memory: a load keeps it waiting.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) async fn healthz(app: &App) -> Response<Bytes> {
    let warm = app.ollama.json("/api/ps", PATIENCE).await.map(|loaded| {
        let rows = loaded["models"].as_array().cloned().unwrap_or_default();
        rows.into_iter().map(|row| row["name"].clone()).collect::<Vec<Value>>()
    });
    // What a load keeps waiting is there all the same.
    let is_there = warm.is_some() || app.ollama.json("/api/tags", PATIENCE).await.is_some();
    let (is_wedged, restarted) = {
        let watch = app.watch();
        let restarted = watch.restarted(Instant::now());
        (watch.is_wedged(), restarted.filter(|_| app.config.restart_command.is_some()))
    };
    let status = match (app.switch.is_draining(), is_wedged, is_there) {
        (true, ..) => "draining",
        (_, true, _) => "wedged",
        (.., false) => "unreachable",
        _ => "ok",
    };
    let loads = app.loads();
    let models: Vec<Value> = loads
        .iter()
        .map(|(name, load)| {
            json!({"name": name, "in_flight": load.in_flight, "queued": load.waiting, "limit": load.limit})
        })
        .collect();
    let told = json!({
        "status": status,
        "version": env!("CARGO_PKG_VERSION"),
        "in_flight": app.in_flight(),
        "queued": loads.iter().map(|(_, load)| load.waiting).sum::<usize>(),
        "last_word_ms": app.tally.last_word_ms(),
        "warm": warm,
        "wedged": is_wedged,
        "restarted_seconds_ago": restarted.map(|span| span.as_secs()),
        "models": models,
    });
    let mut reply = typed("application/json", told.to_string());
    if status != "ok" {
        *reply.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    reply
}

pub(crate) fn metrics(app: &App) -> Response<Bytes> {
    let loads = app.loads();
    let now = Now {
        loads: &loads,
        is_draining: app.switch.is_draining(),
        is_wedged: app.watch().is_wedged(),
        lost: app.log.lost(),
    };
    typed("text/plain; version=0.0.4", app.tally.write(&now))
}

fn typed(kind: &'static str, text: String) -> Response<Bytes> {
    let mut reply = Response::new(text.into());
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}
