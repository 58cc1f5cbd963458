//! `POST /api/draft`: a payment reminder in which placeholders stand for the real values. It always arrives.
//!
//! The model never sees a value and never writes one; tone is decided here; whatever the model says is held against the
//! contract before it leaves.

mod accept;
mod audience;
mod compose;
pub mod contract;
pub mod extract;
mod fill;
mod growing;
mod language;
mod mend;
mod placeholder;
mod prompt;
mod refusal;
mod request;
mod template;
mod tone;
mod word;
mod written;

use http::StatusCode;
use http::header::{ACCEPT, HeaderMap};
use serde::{Deserialize, Serialize};

use crate::departure::Departure;
use crate::error::Error;
use crate::lease;
use crate::outlook;
use crate::platform::Platform;
use crate::reply::{self, Reply};
use crate::service::Service;
use crate::sse;
use crate::trail::Trail;
use crate::upstream::{Question, Waking};
use audience::Audience;
use compose::compose;
use request::Request;

pub use accept::{Accepted, accept};
pub use placeholder::Placeholder;
pub use refusal::Refusal;
pub use request::{Sender, Values};
pub use tone::Tone;
pub use written::{Source, Written};

/// An e-mail with placeholders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// Answers one request, whole or as it is written.
pub async fn handle<P: Platform>(
    platform: &P,
    service: &Service,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Reply, Error> {
    let arrived = platform.now();
    let request = Request::parse(body)?;
    let departure = Departure::watch(platform, arrived);
    let lease = lease::take(platform, service).await;
    outlook::refresh(platform, service);
    let trail = Trail::default();
    let budget = service.config.deadlines.draft;
    let question = Question {
        arrived,
        until: arrived + budget,
        load: lease.load,
        prompt: prompt::ask(&request),
        held: None,
        takes_lane: false,
        trail: trail.clone(),
        waking: Waking::default(),
        outlook: service.outlook.clone(),
    };
    if is_streamed(headers) {
        let (platform, service) = (platform.clone(), service.clone());
        return Ok(departure.stream(budget, |sink| async move {
            let _lease = lease;
            let mut audience = Audience::new(Some(&sink));
            let written = compose(&platform, &service, &request, question, &mut audience).await;
            audience.finish(&written.draft.body).await;
            sink.end(sse::frame(&written)).await;
        }));
    }
    let mut audience = Audience::new(None);
    let written = compose(platform, service, &request, question, &mut audience).await;
    drop(lease);
    departure.see_off();
    let reply = reply::with_timing(reply::json(StatusCode::OK, &written), &trail);
    Ok(match (&written.node, &written.model) {
        (Some(node), Some(model)) => reply::with_node(reply, node, model),
        _ => reply,
    })
}

fn is_streamed(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|list| list.split(',')).any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("text/event-stream")
    })
}
