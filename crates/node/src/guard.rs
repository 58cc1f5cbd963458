//! The order of things for one request: who, what, how much, and only then Ollama.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::header::{ACCEPT, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body::Body as _;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tokio::time::{Duration, Instant, timeout};

use crate::admission::{Gate, Lane, Load, Rules};
use crate::auth::{Auth, NoTokens};
use crate::body::Ask;
use crate::config::Config;
use crate::drain::{Order, Switch};
use crate::errand::Errand;
use crate::health;
use crate::lane;
use crate::log::Log;
use crate::manner::Manner;
use crate::metrics::Tally;
use crate::ollama::{self, LIST, Ollama};
use crate::proxy::Relay;
use crate::pulse::Pulse;
use crate::refusal::Refusal;
use crate::request;
use crate::routes::Route;
use crate::visit::Visit;
use crate::wedge::Watch;
use crate::wires::Question;

pub(crate) type Body = Either<Full<Bytes>, Box<Relay>>;

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

const MODELS: &str = "x-homefire-models";
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
            watch: Mutex::new(Watch::new(config.models.len(), Instant::now())),
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

    /// The models that `/api/ps` lists, each with its row, if that answers.
    pub(crate) async fn in_memory(&self) -> Option<Vec<(Lane, Value)>> {
        let list = self.ollama.json("/api/ps", LIST).await?;
        let rows = list["models"].as_array().map(Vec::as_slice).unwrap_or_default();
        let known = rows.iter().filter_map(|row| Some((self.lane(row["name"].as_str()?)?, row.clone())));
        let known: Vec<_> = known.collect();
        self.watch().list(|lane| known.iter().any(|(listed, _)| *listed == lane));
        Some(known)
    }

    pub(crate) fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn runner(&self, lane: Lane) -> Map<String, Value> {
        self.runners()[lane].clone()
    }

    /// A model is asked with what decides how it is loaded.
    pub(crate) fn loaded(&self, lane: Lane, runner: Map<String, Value>) {
        self.runners()[lane] = runner;
    }

    fn runners(&self) -> MutexGuard<'_, Vec<Map<String, Value>>> {
        self.runners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lists(&self) -> Lane {
        self.config.models.len()
    }

    /// What a client asks, as it goes to Ollama, who speaks in lines where frames are asked for.
    fn question(
        &self,
        route: Route,
        headers: &HeaderMap,
        id: &HeaderValue,
        manner: Option<Manner>,
        body: &[u8],
    ) -> Question {
        static LINES: HeaderValue = HeaderValue::from_static(lane::LINES);
        let told = ollama::passed_on(headers).map(|(name, value)| match name {
            ACCEPT if manner == Some(Manner::Frames) => (name, &LINES),
            _ => (name, value),
        });
        self.ollama.question(&route.method(), route.path(), told.chain([(request::ID, id)]), body)
    }
}

/// Answers one request. What nobody needs to know of it later is read at once, and not kept while it is answered.
pub(crate) fn handle(
    app: Arc<App>,
    request: Request<Incoming>,
    peer: SocketAddr,
    pulse: Pulse,
) -> impl Future<Output = Result<Response<Body>, Infallible>> + Send {
    let (Parts { method, uri, headers, version, .. }, body) = request.into_parts();
    pulse.busy(request::stays(version, &headers));
    if body.is_end_stream() {
        pulse.taken();
    }
    let id = request::id(&headers);
    let route = Route::of(&method, &uri);
    let is_outside = !peer.ip().is_loopback() || request::is_forwarded(&headers);
    let mut visit = Visit::new(Arc::clone(&app), route, &id);
    async move {
        let reply = match admit(&app, &headers, body, &id, route, is_outside, &pulse).await {
            Ok(Admitted::Here(reply)) => {
                visit.line.status = reply.status().as_u16();
                Ok(reply.map(whole))
            }
            Ok(Admitted::There(errand)) => {
                let asked = errand.ask(&app, visit, pulse.clone()).await;
                // While Ollama works on it, and not when its reply is there.
                drop(headers);
                match asked {
                    Ok(asked) => asked.reply().await,
                    Err(refusal) => Err(refusal),
                }
            }
            Err(refusal) => {
                visit.line.status = refusal.status().as_u16();
                Err(refusal)
            }
        };
        let mut reply = reply.unwrap_or_else(|refusal| refusal.reply().map(whole));
        if matches!(reply.body(), Either::Left(_)) {
            pulse.idle();
        }
        let headers = reply.headers_mut();
        headers.insert(request::ID, id);
        headers.insert(IN_FLIGHT, app.in_flight().into());
        Ok(reply)
    }
}

/// What is let in.
enum Admitted {
    /// The guard answers itself.
    Here(Response<Bytes>),
    There(Errand),
}

async fn admit(
    app: &App,
    headers: &HeaderMap,
    body: Incoming,
    id: &HeaderValue,
    route: Option<Route>,
    is_outside: bool,
    pulse: &Pulse,
) -> Result<Admitted, Refusal> {
    // Boxed is what is rare, and what is over soon: a request sets room aside for the rest as long as it lasts.
    let healthz = async || Ok(Admitted::Here(Box::pin(health::healthz(app)).await));
    match route {
        Some(Route::Healthz) if !is_outside => return healthz().await,
        Some(Route::Metrics) if !is_outside => return Ok(Admitted::Here(health::metrics(app))),
        _ => {}
    }
    let refuse = async |body: Incoming, refusal: Refusal| {
        Box::pin(request::discard(body, pulse)).await;
        Err(refusal)
    };
    if !app.auth.allows(headers, is_outside).await {
        return refuse(body, Refusal::Unauthorized).await;
    }
    let route = match route {
        None | Some(Route::Metrics) => return refuse(body, Refusal::NotFound).await,
        Some(Route::Healthz) => return healthz().await,
        Some(route) => route,
    };
    if app.switch.is_draining() {
        return refuse(body, Refusal::Draining).await;
    }
    if !route.has_body() {
        Box::pin(request::discard(body, pulse)).await;
        let (lane, question) = (app.lists(), app.question(route, headers, id, None, b""));
        let (runner, manner, gather) = (None, None, Duration::ZERO);
        return Ok(Admitted::There(Errand { lane, question, runner, manner, gather }));
    }
    let place = timeout(app.config.waits.queue, app.desk.acquire()).await.map_err(|_| Refusal::Busy)?;
    let text = Box::pin(request::gather(headers, body, app.config.waits.body)).await?;
    pulse.taken();
    let ask = Ask::read(route, &text, &app.config.limits)?;
    let lane = choose(app, route, headers, &ask)?;
    let manner = manner(route, headers, &ask);
    let body = ask.write(&app.config.models[lane].name);
    let errand = Errand {
        lane: if route == Route::Show { app.lists() } else { lane },
        question: app.question(route, headers, id, manner, &body),
        runner: route.generates().then(|| ask.runner()),
        manner,
        gather: lane::gather(headers),
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

fn bare(name: &str) -> &str {
    name.strip_suffix(":latest").unwrap_or(name)
}

fn whole(bytes: Bytes) -> Body {
    Either::Left(Full::new(bytes))
}
