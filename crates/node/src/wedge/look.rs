//! One look at Ollama, and the restart where it is needed. A look loads no model and changes none.

use std::process::Stdio;
use std::time::Duration;

use http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

use super::Finding;
use crate::admission::Lane;
use crate::guard::App;
use crate::ollama::{LIST, Ollama};
use crate::wires::Reply;

/// For the owner's command.
const RESTART: Duration = Duration::from_secs(60);

/// Watches Ollama for ever.
pub(crate) async fn watch(app: &App) {
    let waits = &app.config.waits;
    loop {
        sleep((waits.look / 20).min(Duration::from_secs(1))).await;
        let doubts = app.watch().doubts();
        let in_flight = doubts.map_or_else(|| app.in_flight(), |lane| app.gate.load(lane).in_flight);
        if !app.watch().is_due(in_flight, waits, Instant::now()) {
            continue;
        }
        let (finding, about) = look(app, doubts, in_flight > 0).await;
        if app.watch().observe(finding, about, waits, Instant::now()) {
            app.log.note("no model says a word, though Ollama answers");
            if let Some(command) = &app.config.restart_command {
                app.tally.restart();
                app.log.note(restart(command).await);
            }
        }
    }
}

/// Looks at one model, and says at which: at the one that is in doubt, else at one that is in memory.
async fn look(app: &App, doubts: Option<Lane>, is_busy: bool) -> (Finding, Option<Lane>) {
    if app.ollama.json("/api/tags", LIST).await.is_none() {
        return (Finding::Unreachable, None);
    }
    let Some(loaded) = app.in_memory().await else { return (Finding::Unknown, None) };
    let found = loaded.into_iter().find(|(lane, _)| doubts.is_none_or(|doubted| doubted == *lane));
    // What has left the memory has no slot to lose.
    let Some((lane, row)) = found else { return (Finding::Unclear, doubts) };
    // Where nothing has come for long whoever has the place may be the one that hangs.
    let _ticket = match app.gate.enter_now(lane) {
        None if !is_busy => return (Finding::Unknown, Some(lane)),
        ticket => ticket,
    };
    // As it was loaded, or this would load it anew.
    let mut options = app.runner(lane);
    if options.is_empty()
        && let Some(length) = row["context_length"].as_u64()
    {
        options.insert("num_ctx".to_owned(), length.into());
    }
    options.insert("num_predict".to_owned(), 1.into());
    let body = json!({
        "model": app.config.models[lane].name,
        "messages": [{"role": "user", "content": "Say ok."}],
        "options": options,
        "stream": false,
        "think": false,
    });
    let finding = match timeout(app.config.waits.word, word(&app.ollama, &body)).await {
        Ok(true) => Finding::Word,
        Ok(false) => Finding::Unclear,
        Err(_) => Finding::Silent,
    };
    (finding, Some(lane))
}

/// Whether an answer came. What it says is no matter.
async fn word(ollama: &Ollama, body: &Value) -> bool {
    let question = ollama.question(&Method::POST, "/api/chat", [], body.to_string().as_bytes());
    let Ok(Reply { head, mut body }) = ollama.send(question).await else { return false };
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            return false;
        }
    }
    head.status.is_success()
}

async fn restart(command: &str) -> &'static str {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match timeout(RESTART, shell.kill_on_drop(true).status()).await {
        Ok(Ok(status)) if status.success() => "the restart command has run",
        Ok(_) => "the restart command has failed",
        Err(_) => "the restart command did not end",
    }
}
