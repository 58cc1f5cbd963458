//! A house with two nodes, a store, a mail service, and somebody who waits for the beat. In virtual time.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use homefire_core::event::Event;
use homefire_core::health;
use homefire_core::platform::Platform;
use homefire_core::reply::Body;
use homefire_core::service::{self, Service};
use homefire_sim::mail::{self, Mailroom};
use homefire_sim::outside::{Answer, Outside};
use homefire_sim::redis::{self, Command, ENTER, Engine, Slate, Upstash};
use homefire_sim::scenario::{MODELS, nodes_variable};
use homefire_sim::{InProcess, Node, Pace, Reach};
use http::{Request, Response};
use serde_json::Value;

pub(crate) const NAMES: [&str; 2] = ["mini", "cloud"];

pub(crate) const CRON_SECRET: &str = "the-secret-of-the-cron";

/// From one step of a schedule to the next: longer than anything in a round takes.
pub(crate) const STEP: Duration = Duration::from_secs(300);

/// What happens in one step.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// How the nodes are.
    pub(crate) up: [bool; 2],
    /// What the next requests to the store meet.
    pub(crate) store: Vec<redis::Fault>,
    /// What the next mails meet.
    pub(crate) mail: Vec<mail::Fault>,
    /// Rounds at once: none where the trigger was skipped, several where it came twice.
    pub(crate) rounds: usize,
    /// One more right behind them: whoever calls thought that nothing had come of it.
    pub(crate) is_retried: bool,
}

pub(crate) struct House {
    pub(crate) platform: InProcess,
    pub(crate) service: Service,
    pub(crate) store: Upstash<Slate>,
    pub(crate) mail: Mailroom,
    pub(crate) beats: Beats,
}

/// Whoever waits for the monitor's beat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beats(pub(crate) Arc<AtomicUsize>);

impl Outside for Beats {
    fn answer(&self, request: Request<Bytes>) -> Answer<'_> {
        assert_eq!(request.uri().path(), "/beat");
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(Response::default()) })
    }
}

impl House {
    pub(crate) fn new() -> Self {
        Self::told_by("re_key")
    }

    /// With this key of the mail service; without one the log is where the owner is told.
    pub(crate) fn told_by(mail: &str) -> Self {
        let nodes = nodes_variable("http://mini", "http://cloud");
        let read = |name: &str| {
            Some(match name {
                "HOMEFIRE_NODES" => nodes.clone(),
                "UPSTASH_REDIS_REST_URL" => "http://store".to_owned(),
                "UPSTASH_REDIS_REST_TOKEN" => "store-token".to_owned(),
                "RESEND_BASE_URL" => "http://mail".to_owned(),
                "RESEND_API_KEY" => mail.to_owned(),
                "CRON_SECRET" => CRON_SECRET.to_owned(),
                "MAIL_FROM" => "Homefire <homefire@example.com>".to_owned(),
                "MAIL_TO" => "owner@example.com".to_owned(),
                "HEARTBEAT_URL" => "http://watch/beat".to_owned(),
                "GITHUB_API_URL" | "GITLAB_API_URL" => "http://nowhere".to_owned(),
                _ => return None,
            })
        };
        let service = Service::from_reader(read).expect("the settings are sound");
        let nodes = NAMES.map(|host| (host.to_owned(), Node::new(&MODELS, Pace::QUICK)));
        let platform = InProcess::new(nodes, service.config.deadlines.connect);
        let (store, mail) = (Upstash::new(Slate::default(), "store-token"), Mailroom::new("re_key", 10));
        platform.add("store", store.clone());
        let beats = Beats::default();
        platform.add("mail", mail.clone());
        platform.add("watch", beats.clone());
        Self { platform, service, store, mail, beats }
    }

    pub(crate) async fn play(&self, step: &Step) {
        for (nth, up) in step.up.into_iter().enumerate() {
            self.platform.set(nth, if up { Reach::Up } else { Reach::Down });
        }
        step.store.iter().for_each(|fault| self.store.queue(*fault));
        step.mail.iter().for_each(|fault| self.mail.queue(*fault));
        let rounds = (0..step.rounds).map(|_| health::round(&self.platform, &self.service));
        futures_util::future::join_all(rounds).await;
        if step.is_retried {
            let _ = health::round(&self.platform, &self.service).await;
        }
        self.store.calm();
        self.mail.calm();
        self.platform.sleep(STEP).await;
    }

    /// Asks a question, and gives who was asked for an answer in `Server-Timing`.
    pub(crate) async fn ask(&self) -> String {
        let body = stream::iter([Ok::<_, String>(Bytes::from(r#"{"query":"What do you build?"}"#))]);
        let request = Request::post("/api/terminal").header("content-type", "application/json");
        let request = request.body(Box::pin(body)).expect("the request is well formed");
        let (head, body) = service::handle(&self.platform, &self.service, request).await.into_parts();
        if let Body::Events(events) = body {
            events.for_each(|_| async {}).await;
        }
        let timing = head.headers.get("server-timing").and_then(|value| value.to_str().ok());
        let nodes = timing.unwrap_or_default().split(", ").filter_map(|attempt| attempt.split(';').next());
        nodes.collect::<Vec<_>>().join(" ")
    }

    /// Somebody is being answered by another instance, for as long as this; by whom is not known.
    pub(crate) async fn occupy(&self, lasts: Duration) {
        let now = self.platform.now();
        let [now, until] = [now, now + lasts].map(|moment| moment.0.to_string());
        let lasts = lasts.as_millis().to_string();
        let words = ["EVAL", ENTER, "1", "homefire:leases", &now, &until, "x", &lasts];
        let command: Command = words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        self.store.engine().run(&[command]).await.expect("the slate is never away");
    }

    /// Another instance beside the same store.
    pub(crate) fn another(&self) -> Self {
        let service = Service::new((*self.service.config).clone());
        let Self { platform, store, mail, beats, .. } = self;
        let (platform, store, mail) = (platform.clone(), store.clone(), mail.clone());
        Self { platform, service, store, mail, beats: beats.clone() }
    }

    /// What the log says of letters.
    pub(crate) fn logged(&self) -> Vec<String> {
        let of_letter = |event: &Event| {
            if let Event::Told { subject } = event {
                return Some(format!("told {subject}"));
            }
            let Event::Untold { subject, reason } = event else { return None };
            Some(format!("{reason} {subject}"))
        };
        self.platform.take_events().iter().filter_map(of_letter).collect()
    }

    pub(crate) fn untold(&self) -> usize {
        self.record()["untold"].as_array().map_or(0, Vec::len)
    }

    pub(crate) fn record(&self) -> Value {
        let text = self.store.engine().text("homefire:monitor").unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// What the owner was told of each node, in its order.
    pub(crate) fn told(&self) -> Result<BTreeMap<String, Vec<String>>, String> {
        let (mut told, mut keys) = (BTreeMap::<String, Vec<String>>::new(), HashSet::new());
        for letter in self.mail.mails() {
            let key = letter.key.ok_or("a mail without a key")?;
            if !keys.insert(key.clone()) {
                return Err(format!("told twice: {key}"));
            }
            for flip in key.split('/').skip(1) {
                let [node, epoch, way, _since] = flip.split('-').collect::<Vec<_>>()[..] else {
                    return Err(format!("not a key: {key}"));
                };
                told.entry(node.to_owned()).or_default().push(format!("{way} {epoch}"));
            }
        }
        Ok(told)
    }
}

pub(crate) fn in_virtual_time(task: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(task);
}

pub(crate) fn quiet(up: [bool; 2]) -> Step {
    Step { up, store: Vec::new(), mail: Vec::new(), rounds: 1, is_retried: false }
}
