//! The order of things for one request: who, what, how much, and only then Ollama.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Request, Response, StatusCode, response};
use http_body::Body as _;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tokio::time::{Duration, Instant, timeout};

use crate::admission::{Gate, Lane, Load, Rules};
use crate::auth::{Auth, NoTokens};
use crate::body::Ask;
use crate::config::{Config, Model};
use crate::drain::{Order, Switch};
use crate::health;
use crate::lane;
use crate::log::Log;
use crate::manner::Manner;
use crate::metrics::Tally;
use crate::ollama::Ollama;
use crate::proxy::Relay;
use crate::pulse::Pulse;
use crate::refusal::Refusal;
use crate::request;
use crate::routes::Route;
use crate::visit::Visit;
use crate::wedge::Watch;

pub(crate) type Body = Either<Full<Bytes>, Relay>;

/// The guard. Clones are the same.
#[derive(Clone, Debug)]
pub struct Guard(pub(crate) Arc<App>);

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) auth: Auth,
    pub(crate) gate: Gate,
    pub(crate) ollama: Ollama,
    pub(crate) switch: Switch,
    pub(crate) tally: Tally,
    pub(crate) log: Log,
    watch: Mutex<Watch>,
    /// How each model was last loaded.
    runners: Mutex<Vec<Map<String, Value>>>,
    /// Bodies in the making.
    desk: Semaphore,
}

/// Bodies that are read at once: what they take is bounded whoever sends them.
const MOST_BODIES: usize = 16;

/// Requests for lists at once.
const MOST_LISTS: usize = 16;

/// Names in `x-homefire-models`.
const MOST_CHOICES: usize = 8;

/// Room for a reply's headers, with those that hyper adds.
const HEADERS: usize = 7;

const MODELS: &str = "x-homefire-models";
const MODEL: HeaderName = HeaderName::from_static("x-homefire-model");
const IN_FLIGHT: HeaderName = HeaderName::from_static("x-homefire-inflight");

impl Guard {
    /// Logs to standard error, one JSON line a request. If nobody takes the lines they are lost, not waited for.
    pub fn new(config: Config) -> Result<Self, NoTokens> {
        Self::build(config, Log::stderr())
    }

    /// Hands every line to `log`.
    pub fn with_log(config: Config, log: impl Fn(&str) + Send + Sync + 'static) -> Result<Self, NoTokens> {
        Self::build(config, Log::Handed(Box::new(log)))
    }

    fn build(config: Config, log: Log) -> Result<Self, NoTokens> {
        let limits = config.models.iter().map(|model| model.in_flight).chain([MOST_LISTS]);
        Ok(Self(Arc::new(App {
            auth: Auth::new(&config.credentials)?,
            gate: Gate::new(Rules::new(limits, config.queue)),
            ollama: Ollama::new(config.ollama.clone(), config.waits.connect),
            switch: Switch::default(),
            tally: Tally::new(),
            log,
            watch: Mutex::new(Watch::new(Instant::now())),
            runners: Mutex::new(vec![Map::new(); config.models.len()]),
            desk: Semaphore::new(MOST_BODIES),
            config,
        })))
    }

    /// What the owner says.
    pub fn obey(&self, order: Order) {
        self.0.switch.obey(order);
    }

    /// Waits until the log is written, a second at most. It blocks, and is for the very end.
    pub fn flush(&self) {
        self.0.log.flush(Duration::from_secs(1));
    }

    /// Requests that models work on.
    pub fn in_flight(&self) -> usize {
        self.0.in_flight()
    }
}

impl App {
    pub(crate) fn in_flight(&self) -> usize {
        (0..self.config.models.len()).map(|lane| self.gate.load(lane).in_flight).sum()
    }

    pub(crate) fn loads(&self) -> Vec<(&str, Load)> {
        let models = self.config.models.iter().enumerate();
        models.map(|(lane, model)| (&*model.name, self.gate.load(lane))).collect()
    }

    /// The lane of a model by its name, to which Ollama adds `:latest` where there is no tag.
    pub(crate) fn lane(&self, name: &str) -> Option<Lane> {
        self.config.models.iter().position(|model| bare(&model.name) == bare(name))
    }

    pub(crate) fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn runner(&self, lane: Lane) -> Map<String, Value> {
        self.runners.lock().unwrap_or_else(PoisonError::into_inner)[lane].clone()
    }

    fn lists(&self) -> Lane {
        self.config.models.len()
    }
}

/// Answers one request.
pub(crate) async fn handle(
    app: Arc<App>,
    request: Request<Incoming>,
    peer: SocketAddr,
    pulse: Pulse,
) -> Response<Body> {
    pulse.busy(request::stays(&request));
    if request.body().is_end_stream() {
        pulse.taken();
    }
    let id = request::id(request.headers());
    let route = Route::of(request.method(), request.uri());
    let mut visit = Visit::new(Arc::clone(&app), route, &id);
    let is_outside = !peer.ip().is_loopback() || request::is_forwarded(request.headers());
    let mut reply = match admit(&app, request, route, is_outside, &pulse).await {
        Ok(Admitted::Here(reply)) => {
            visit.line.status = reply.status().as_u16();
            reply.map(whole)
        }
        Ok(Admitted::There(errand)) => match forward(errand, visit, &id, pulse.clone()).await {
            Ok(reply) => reply,
            Err(refusal) => refusal.reply().map(whole),
        },
        Err(refusal) => {
            visit.line.status = refusal.status().as_u16();
            refusal.reply().map(whole)
        }
    };
    if matches!(reply.body(), Either::Left(_)) {
        pulse.idle();
    }
    let headers = reply.headers_mut();
    headers.insert(request::ID, id);
    headers.insert(IN_FLIGHT, app.in_flight().into());
    reply
}

/// What is let in.
enum Admitted {
    /// The guard answers itself.
    Here(Response<Bytes>),
    There(Errand),
}

/// What goes to Ollama.
struct Errand {
    route: Route,
    lane: Lane,
    headers: HeaderMap,
    body: Bytes,
    runner: Option<Map<String, Value>>,
    /// Of its stream, if it is one whose head may leave early.
    manner: Option<Manner>,
    /// How long frames are gathered.
    gather: Duration,
}

async fn admit(
    app: &App,
    request: Request<Incoming>,
    route: Option<Route>,
    is_outside: bool,
    pulse: &Pulse,
) -> Result<Admitted, Refusal> {
    let (head, body) = request.into_parts();
    match route {
        Some(Route::Healthz) if !is_outside => return Ok(Admitted::Here(health::healthz(app).await)),
        Some(Route::Metrics) if !is_outside => return Ok(Admitted::Here(health::metrics(app))),
        _ => {}
    }
    let refuse = async |body: Incoming, refusal: Refusal| {
        request::discard(body, pulse).await;
        Err(refusal)
    };
    if !app.auth.allows(&head.headers, is_outside).await {
        return refuse(body, Refusal::Unauthorized).await;
    }
    let route = match route {
        None | Some(Route::Metrics) => return refuse(body, Refusal::NotFound).await,
        Some(Route::Healthz) => return Ok(Admitted::Here(health::healthz(app).await)),
        Some(route) => route,
    };
    if app.switch.is_draining() {
        return refuse(body, Refusal::Draining).await;
    }
    if !route.has_body() {
        request::discard(body, pulse).await;
        let (lane, headers, body) = (app.lists(), head.headers, Bytes::new());
        let (runner, manner, gather) = (None, None, Duration::ZERO);
        return Ok(Admitted::There(Errand { route, lane, headers, body, runner, manner, gather }));
    }
    let place = timeout(app.config.waits.queue, app.desk.acquire()).await.map_err(|_| Refusal::Busy)?;
    let text = request::gather(&head.headers, body, app.config.waits.body).await?;
    pulse.taken();
    let ask = Ask::read(route, &text, &app.config.limits)?;
    let lane = choose(app, route, &head.headers, &ask)?;
    let errand = Errand {
        route,
        lane: if route == Route::Show { app.lists() } else { lane },
        body: ask.write(&app.config.models[lane].name),
        runner: route.generates().then(|| ask.runner()),
        manner: manner(route, &head.headers, &ask),
        gather: lane::gather(&head.headers),
        headers: head.headers,
    };
    drop(place);
    Ok(Admitted::There(errand))
}

/// How the answer is written, if it is a stream of words.
fn manner(route: Route, headers: &HeaderMap, ask: &Ask<'_>) -> Option<Manner> {
    let manner = route.manner().filter(|_| ask.streams(route))?;
    Some(if route == Route::Chat && lane::is_asked_for(headers) { Manner::Frames } else { manner })
}

/// The model that is asked: of those that the edge would take the one with room, otherwise the one in the body.
fn choose(app: &App, route: Route, headers: &HeaderMap, ask: &Ask<'_>) -> Result<Lane, Refusal> {
    let choices = headers.get(MODELS).filter(|_| route.generates());
    let Some(choices) = choices.and_then(|value| value.to_str().ok()) else {
        let name = ask.model()?;
        return app.lane(&name).ok_or(Refusal::NoModel(name));
    };
    let names = choices.split(',').map(str::trim).take(MOST_CHOICES);
    let lanes: Vec<Lane> = names.filter_map(|name| app.lane(name)).collect();
    app.gate.pick(&lanes).ok_or_else(|| Refusal::NoModel(choices.to_owned()))
}

/// What came of waiting for Ollama.
enum First {
    Head(response::Parts),
    /// Nothing yet, and the head leaves now, of such a stream.
    Silence(Manner),
}

async fn forward(
    errand: Errand,
    mut visit: Visit,
    id: &HeaderValue,
    pulse: Pulse,
) -> Result<Response<Body>, Refusal> {
    let app = Arc::clone(&visit.app);
    let Some(ticket) = app.gate.enter(errand.lane, app.config.waits.queue).await else {
        visit.line.status = Refusal::Busy.status().as_u16();
        return Err(Refusal::Busy);
    };
    visit.enter(errand.lane, ticket);
    if let Some(runner) = errand.runner {
        app.runners.lock().unwrap_or_else(PoisonError::into_inner)[errand.lane] = runner;
    }
    let mut request =
        app.ollama.request(errand.route.method(), errand.route.path(), &errand.headers, errand.body);
    request.headers_mut().insert(request::ID, id.clone());
    if errand.manner == Some(Manner::Frames) {
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(lane::LINES));
    }
    let mut relay = Relay::new(app.ollama.send(request), visit, pulse);
    let head = match app.config.waits.early_head.zip(errand.manner) {
        None => relay.head().await.map(First::Head),
        Some((patience, manner)) => match timeout(patience, relay.head()).await {
            Ok(head) => head.map(First::Head),
            Err(_) => Ok(First::Silence(manner)),
        },
    };
    let mut reply = Response::new(());
    let headers = reply.headers_mut();
    headers.reserve(HEADERS);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    if let Some(Model { name, .. }) = app.config.models.get(errand.lane)
        && let Ok(name) = name.parse()
    {
        headers.insert(MODEL, name);
    }
    match head {
        Ok(First::Head(mut head)) => {
            let is_read = lane::can_read(&head);
            let status = passed(head.status);
            if status != head.status {
                // To the edge 503 with it means busy, and this is broken.
                head.headers.remove(RETRY_AFTER);
            }
            for name in [CONTENT_TYPE, RETRY_AFTER] {
                if let Some(value) = head.headers.remove(&name) {
                    headers.insert(name, value);
                }
            }
            if errand.manner == Some(Manner::Frames) && is_read {
                headers.insert(CONTENT_TYPE, Manner::Frames.content_type());
                relay.take_lane(errand.gather);
            }
            *reply.status_mut() = status;
        }
        Ok(First::Silence(manner)) => {
            headers.insert(CONTENT_TYPE, manner.content_type());
            relay.early(manner, errand.gather);
        }
        Err(refusal) => {
            relay.status(refusal.status().as_u16());
            return Err(refusal);
        }
    }
    relay.status(reply.status().as_u16());
    Ok(reply.map(|()| Either::Right(relay)))
}

/// The edge replaces the bodies of two statuses.
fn passed(status: StatusCode) -> StatusCode {
    match status {
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => StatusCode::SERVICE_UNAVAILABLE,
        status => status,
    }
}

fn bare(name: &str) -> &str {
    name.strip_suffix(":latest").unwrap_or(name)
}

fn whole(bytes: Bytes) -> Body {
    Either::Left(Full::new(bytes))
}
