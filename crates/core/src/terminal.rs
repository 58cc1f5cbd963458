//! `POST /api/terminal`: known commands are answered from the owner's data, everything else by a node.

mod ask;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::{HeaderName, HeaderValue};

use crate::command;
use crate::config::Config;
use crate::error::Error;
use crate::event::Event;
use crate::events::{Events, Sink};
use crate::ollama::{Message, Role};
use crate::platform::{Elapsed, Moment, Platform, within};
use crate::reply::{self, Reply};
use crate::service::Service;
use crate::sse::HEARTBEAT;
use crate::store::Store;
use crate::trail::Trail;
use crate::upstream::{self, Answer, Question};
use ask::Ask;

pub use ask::LONGEST_QUERY;

const NODE: HeaderName = HeaderName::from_static("x-homefire-node");
const MODEL: HeaderName = HeaderName::from_static("x-homefire-model");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// How much longer than `ANSWER_MS` a reader who does not read may hold on to a node.
const GRACE: Duration = Duration::from_secs(1);

/// Answers one question.
pub async fn handle<P: Platform>(platform: &P, service: &Service, body: &[u8]) -> Result<Reply, Error> {
    let arrived = platform.now();
    let ask = Ask::parse(body)?;
    let status = status(platform, &service.config).await;
    if let Some(answer) = command::answer(&ask.query, service.site, &status) {
        return Ok(reply::json(StatusCode::OK, &answer));
    }
    stream(platform, service, ask, arrived).await
}

async fn status<P: Platform>(platform: &P, config: &Config) -> command::Status {
    let nodes = config.nodes.iter().map(|node| command::NodeStatus {
        name: node.name.clone(),
        models: vec![node.models.primary.clone(), node.models.fallback.clone()],
    });
    command::Status { nodes: nodes.collect(), in_flight: platform.store().in_flight().await }
}

async fn stream<P: Platform>(
    platform: &P,
    service: &Service,
    ask: Ask,
    arrived: Moment,
) -> Result<Reply, Error> {
    let watch = Departure { platform: platform.clone(), arrived, seen_off: false };
    let lease = platform.store().lease().await;
    let trail = Trail::default();
    let question = Question {
        arrived,
        in_flight: lease.in_flight(),
        messages: messages(service, ask),
        trail: trail.clone(),
    };
    let mut opening: Opening<P> =
        Box::pin(upstream::open(platform.clone(), Arc::clone(&service.config), question));

    let first = within(platform, service.config.deadlines.early_head, &mut opening).await;
    let spoken = match first {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            watch.see_off();
            return Ok(with_timing(error.reply(), &trail));
        }
        Err(Elapsed) => None,
    };
    let named = spoken.as_ref().map(|answer| (answer.node.clone(), answer.model.clone()));
    let (events, watchdog) = Events::new({
        let (platform, config) = (platform.clone(), Arc::clone(&service.config));
        |sink| async move {
            let _lease = lease;
            let answer = match spoken {
                Some(answer) => Ok(answer),
                None => wait_aloud(&platform, &config, &sink, opening).await,
            };
            match answer {
                Ok(answer) => upstream::speak(&platform, &config.deadlines, answer, &sink).await,
                Err(error) => sink.send(error.frame().to_bytes()).await,
            }
            watch.see_off();
        }
    });
    platform.wait_until({
        let limit = service.config.deadlines.answer + GRACE;
        let platform = platform.clone();
        async move {
            if within(&platform, limit, watchdog.closed()).await.is_err() {
                watchdog.cut(Error::Timeout.frame().to_bytes());
            }
        }
    });
    let mut reply = with_timing(reply::events(events), &trail);
    if let Some((node, model)) = named {
        for (name, value) in [(NODE, node), (MODEL, model)] {
            let value =
                HeaderValue::from_str(&value).expect("the configuration holds only names that headers take");
            reply.headers_mut().insert(name, value);
        }
    }
    Ok(reply)
}

type Opening<P> = Pin<Box<dyn Future<Output = Result<Answer<P>, Error>> + Send>>;

/// The head has left before a word came: comments keep the reader, and let the platform notice when he goes.
async fn wait_aloud<P: Platform>(
    platform: &P,
    config: &Config,
    sink: &Sink,
    mut opening: Opening<P>,
) -> Result<Answer<P>, Error> {
    loop {
        sink.send(HEARTBEAT).await;
        if let Ok(answer) = within(platform, config.deadlines.heartbeat, &mut opening).await {
            return answer;
        }
    }
}

/// The owner's instructions, what was said so far, the question.
fn messages(service: &Service, ask: Ask) -> Vec<Message> {
    let system = Message { role: Role::System, content: service.site.prompt() };
    let user = Message { role: Role::User, content: ask.query };
    [system].into_iter().chain(ask.history).chain([user]).collect()
}

fn with_timing(mut reply: Reply, trail: &Trail) -> Reply {
    if let Some(timing) = trail.server_timing() {
        reply.headers_mut().insert(SERVER_TIMING, timing);
    }
    reply
}

/// Takes note of a reader who leaves before his answer has ended: he is dropped, not told.
struct Departure<P: Platform> {
    platform: P,
    arrived: Moment,
    seen_off: bool,
}

impl<P: Platform> Departure<P> {
    fn see_off(mut self) {
        self.seen_off = true;
    }
}

impl<P: Platform> Drop for Departure<P> {
    fn drop(&mut self) {
        if !self.seen_off {
            let ms = self.platform.now().0.saturating_sub(self.arrived.0);
            self.platform.log(&Event::Left { ms });
        }
    }
}
