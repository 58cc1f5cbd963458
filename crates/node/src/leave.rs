//! A client who leaves does not cost the slot: what it asked for is read on for a while, because Ollama can lose its slot
//! over an answer that nobody takes (ollama#17131).

use http_body_util::BodyExt;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::admission::Lane;
use crate::guard::App;
use crate::log::End;
use crate::proxy::Stage;
use crate::visit::Visit;

/// Goes on where the client left. The place stays taken until Ollama is through with it.
pub(crate) fn from(stage: Stage, mut visit: Box<Visit>) {
    match stage {
        // The end was there, and the client has heard of it or left just then.
        Stage::Over => return,
        Stage::Asking(_) | Stage::Explaining(_) | Stage::Speaking(_) => {}
    }
    visit.line.end = End::LeftDropped;
    read_on(stage, visit, End::LeftDrained);
}

/// Goes on where the client was told that the answer is cut, as if it had left.
pub(crate) fn behind_cut(stage: Stage, mut visit: Box<Visit>) {
    visit.line.end = End::Cut;
    read_on(stage, visit, End::Cut);
}

fn read_on(stage: Stage, visit: Box<Visit>, drained: End) {
    // Lists cost no slot. And without a runtime the guard itself is at its end.
    let Some(runtime) = tokio::runtime::Handle::try_current().ok().filter(|_| visit.speaks().is_some())
    else {
        return;
    };
    drop(runtime.spawn(go_on(stage, visit, drained)));
}

async fn go_on(stage: Stage, mut visit: Box<Visit>, drained: End) {
    let Some(lane) = visit.speaks() else { return };
    if drain(stage, &visit.app, lane).await {
        visit.line.end = drained;
    } else {
        visit.app.watch().suspect(lane);
    }
}

/// Whether the answer came to its end. What has not is dropped, and its connection with it.
async fn drain(stage: Stage, app: &App, lane: Lane) -> bool {
    let (begun, span) = (Instant::now(), app.config.waits.drain);
    let mut body = match stage {
        Stage::Asking(asking) => tokio::select! {
            arrived = asking => match arrived {
                Ok(reply) => reply.body,
                Err(_) => return true,
            },
            () = silence(app, lane, begun) => return false,
        },
        Stage::Speaking(body) => body,
        Stage::Explaining(_) | Stage::Over => return true,
    };
    let rest = async {
        let mut read: u64 = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, |data| data.len() as u64);
            if read > app.config.drain_bytes {
                return false;
            }
        }
        true
    };
    // Behind a load it begins anew.
    let now = Instant::now();
    let end = if now < begun + span { begun + span } else { now + span };
    timeout_at(end, rest).await.unwrap_or(false)
}

/// As long as a head is waited for. A load has a time of its own: Ollama would break it off, and the next who asks would have
/// it begin anew.
async fn silence(app: &App, lane: Lane, begun: Instant) {
    let waits = &app.config.waits;
    // One that is not listed is warm no more. That it is listed says nothing: some versions do so while they load it.
    let _ = app.in_memory().await;
    let load = waits.load.min(waits.answer).max(waits.drain);
    let wait = if app.watch().is_warm(lane) { waits.drain } else { load };
    sleep_until(begun + wait).await;
}
