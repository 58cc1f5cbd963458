//! `POST /api/terminal`: known commands are answered from the owner's data, everything else by a node.

mod ask;

use std::pin::Pin;
use std::sync::Arc;

use http::StatusCode;

use crate::activity;
use crate::command;
use crate::departure::Departure;
use crate::error::Error;
use crate::lease;
use crate::limits::{self, Address};
use crate::ollama::{Message, Prompt, Role};
use crate::outlook;
use crate::platform::{Elapsed, Moment, Platform, within};
use crate::reply::{self, Reply};
use crate::service::Service;
use crate::status;
use crate::trail::Trail;
use crate::upstream::{self, Answer, Question, Waking};
use ask::Ask;

pub use ask::LONGEST_QUERY;

/// Tokens of an answer.
const LONGEST_ANSWER: u32 = 1024;

/// Answers one question.
pub async fn handle<P: Platform>(
    platform: &P,
    service: &Service,
    address: Option<&Address>,
    body: &[u8],
) -> Result<Reply, Error> {
    let arrived = platform.now();
    let ask = Ask::parse(body)?;
    // What most commands do not come to are futures of their own, as the other routes are.
    let live = Box::pin(live(platform, service, &ask.query)).await;
    if let Some(answer) = command::answer(&ask.query, service.site, &live) {
        return Ok(reply::json(StatusCode::OK, &answer));
    }
    let place = Box::pin(limits::admit(platform, service, address)).await?;
    Ok(place.kept_by(Box::pin(stream(platform, service, ask, arrived)).await?))
}

/// Only whoever asks for it waits for the keeper.
async fn live<P: Platform>(platform: &P, service: &Service, query: &str) -> command::Live {
    let mut live = command::Live::default();
    if command::asks_status(query) {
        let report = status::read(platform, service).await;
        live.status = command::Status { report, in_flight: service.memory.in_flight(platform.now()) };
    }
    if command::asks_activity(query) {
        live.activity = Some(activity::read(platform, service).await);
    }
    live
}

async fn stream<P: Platform>(
    platform: &P,
    service: &Service,
    ask: Ask,
    arrived: Moment,
) -> Result<Reply, Error> {
    let departure = Departure::watch(platform, arrived);
    let lease = lease::take(platform, service).await;
    outlook::refresh(platform, service);
    let trail = Trail::default();
    let until = arrived + service.config.deadlines.answer;
    let (prompt, held) = prompt(service, ask);
    let waking = Waking::default();
    let question = Question {
        arrived,
        until,
        load: lease.load,
        prompt,
        held,
        takes_lane: service.config.express_lane,
        trail: trail.clone(),
        waking: waking.clone(),
        outlook: service.outlook.clone(),
    };
    let mut opening: Opening<P> =
        Box::pin(upstream::open(platform.clone(), Arc::clone(&service.config), question));

    let first = within(platform, service.config.deadlines.early_head, &mut opening).await;
    let spoken = match first {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            departure.see_off();
            return Ok(reply::with_timing(error.reply(), &trail));
        }
        Err(Elapsed) => None,
    };
    let named = spoken.as_ref().map(|answer| (answer.node.clone(), answer.model.clone()));
    let reply = departure.stream(service.config.deadlines.answer, {
        let (platform, config) = (platform.clone(), Arc::clone(&service.config));
        |sink| async move {
            let _lease = lease;
            let answer = match spoken {
                Some(answer) => Ok(answer),
                // The head has left: comments keep the reader, and let the platform notice when he goes.
                None => {
                    let pause = config.deadlines.heartbeat;
                    upstream::heartbeat(&sink, &waking).await;
                    upstream::heartbeats(&platform, pause, Some(&sink), &waking, opening).await
                }
            };
            match answer {
                Ok(answer) => upstream::speak(&platform, answer, &sink).await,
                Err(error) => sink.end(error.frame().to_bytes()).await,
            }
        }
    });
    let reply = reply::with_timing(reply, &trail);
    Ok(match named {
        Some((node, model)) => reply::with_node(reply, &node, &model),
        None => reply,
    })
}

type Opening<P> = Pin<Box<dyn Future<Output = Result<Answer<P>, Error>> + Send>>;

/// The owner's instructions, what was said so far, the question; and what the reader holds of its answer.
fn prompt(service: &Service, ask: Ask) -> (Prompt, Option<String>) {
    let system = Message { role: Role::System, content: service.site.prompt.to_owned() };
    let user = Message { role: Role::User, content: ask.query };
    let messages = [system].into_iter().chain(ask.history).chain([user]).collect();
    (Prompt { messages, format: None, longest: LONGEST_ANSWER }, ask.resume)
}
