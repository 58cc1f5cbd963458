//! Told once: whatever the nodes, the store, the mail service and the rounds do. In virtual time, over random schedules.

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
use homefire_sim::redis::{self, Slate, Upstash};
use homefire_sim::scenario::{MODELS, nodes_variable};
use homefire_sim::{InProcess, Node, Pace, Reach, Script};
use http::{Request, Response};
use proptest::prelude::*;
use serde_json::Value;

const NAMES: [&str; 2] = ["mini", "cloud"];

const CRON_SECRET: &str = "the-secret-of-the-cron";

/// From one step of a schedule to the next: longer than anything in a round takes.
const STEP: Duration = Duration::from_secs(300);

/// What happens in one step.
#[derive(Clone, Debug)]
struct Step {
    /// How the nodes are.
    up: [bool; 2],
    /// What the next requests to the store meet.
    store: Vec<redis::Fault>,
    /// What the next mails meet.
    mail: Vec<mail::Fault>,
    /// Rounds at once: none where the trigger was skipped, several where it came twice.
    rounds: usize,
    /// One more right behind them: whoever calls thought that nothing had come of it.
    is_retried: bool,
}

struct House {
    platform: InProcess,
    service: Service,
    store: Upstash<Slate>,
    mail: Mailroom,
    beats: Beats,
}

/// Whoever waits for the monitor's beat.
#[derive(Clone, Debug, Default)]
struct Beats(Arc<AtomicUsize>);

impl Outside for Beats {
    fn answer(&self, request: Request<Bytes>) -> Answer<'_> {
        assert_eq!(request.uri().path(), "/beat");
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(Response::default()) })
    }
}

impl House {
    fn new() -> Self {
        Self::told_by("re_key")
    }

    /// With this key of the mail service; without one the log is where the owner is told.
    fn told_by(mail: &str) -> Self {
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

    async fn play(&self, step: &Step) {
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
    async fn ask(&self) -> String {
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

    /// What the log says of letters.
    fn logged(&self) -> Vec<String> {
        let of_letter = |event: &Event| {
            if let Event::Told { subject } = event {
                return Some(format!("told {subject}"));
            }
            let Event::Untold { subject, reason } = event else { return None };
            Some(format!("{reason} {subject}"))
        };
        self.platform.take_events().iter().filter_map(of_letter).collect()
    }

    fn untold(&self) -> usize {
        self.record()["untold"].as_array().map_or(0, Vec::len)
    }

    fn record(&self) -> Value {
        let text = self.store.engine().text("homefire:monitor").unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// What the owner was told of each node, in its order.
    fn told(&self) -> Result<BTreeMap<String, Vec<String>>, String> {
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

/// The rule of damping, written once more and apart: what an owner expects to be told.
#[derive(Default)]
struct Expected {
    is_up: Option<bool>,
    row: (bool, u32),
    told: Vec<String>,
}

impl Expected {
    fn look(&mut self, up: bool) {
        let (last, count) = self.row;
        self.row = if last == up { (up, count + 1) } else { (up, 1) };
        let is_believed = self.row.1 >= 2 || (up && self.is_up.is_none());
        if is_believed && self.is_up != Some(up) {
            let is_news = !up || self.is_up.is_some();
            self.is_up = Some(up);
            if is_news {
                let way = if up { "rose" } else { "fell" };
                self.told.push(format!("{way} {}", self.told.len() + 1));
            }
        }
    }
}

async fn told_once(schedule: &[Step]) -> Result<(), String> {
    let house = House::new();
    let mut expected: [Expected; 2] = Default::default();
    let mut rounds = 0;
    let last = schedule.last().map_or([true; 2], |step| step.up);
    for step in schedule.iter().chain(std::iter::repeat_n(&quiet(last), 4)) {
        house.play(step).await;
        let now = house.record()["round"].as_u64().unwrap_or_default();
        for _ in rounds..now {
            expected.iter_mut().zip(step.up).for_each(|(node, up)| node.look(up));
        }
        rounds = now;
    }
    let (told, record) = (house.told()?, house.record());
    for ((name, expected), up) in NAMES.iter().zip(&expected).zip(last) {
        let told = told.get(*name).cloned().unwrap_or_default();
        if told != expected.told {
            return Err(format!("{name}: expected {:?}, told {told:?}", expected.told));
        }
        let health = &record["nodes"][name]["health"];
        if *health != (if up { "up" } else { "down" }) {
            return Err(format!("{name} is {}, and is known as {health}", if up { "up" } else { "down" }));
        }
    }
    match record["untold"].as_array() {
        Some(untold) if untold.is_empty() => Ok(()),
        untold => Err(format!("still untold: {untold:?}")),
    }
}

fn step() -> impl Strategy<Value = Step> {
    use mail::Fault as M;
    use redis::Fault as R;
    let seconds = Duration::from_secs;
    let store = prop::sample::select(vec![
        R::Spared,
        R::Spared,
        R::Spared,
        R::Unavailable,
        R::Lost,
        R::Slow(seconds(1)),
        R::Slow(seconds(20)),
        R::Hang,
        R::Garbage,
        R::Unauthorized,
        R::Quota,
    ]);
    let mail = prop::sample::select(vec![
        M::Spared,
        M::Spared,
        M::TooMany(400),
        M::TooMany(1),
        M::Failing,
        M::Lost,
        M::Slow(seconds(2)),
        M::Slow(seconds(30)),
        M::Hang,
        M::Unauthorized,
    ]);
    let faults = (prop::collection::vec(store, 0..5), prop::collection::vec(mail, 0..3));
    let rounds = prop::sample::select(vec![0, 1, 1, 1, 1, 2, 3]);
    (any::<[bool; 2]>(), faults, any::<[bool; 3]>(), rounds).prop_map(|(up, (store, mail), calm, rounds)| {
        Step {
            // Most steps change nothing: what lasts is what is told.
            up,
            store: if calm[0] { Vec::new() } else { store },
            mail: if calm[1] { Vec::new() } else { mail },
            rounds,
            is_retried: calm[2],
        }
    })
}

/// Steps in which a node stays as it is for a while.
fn schedule() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((step(), 1_usize..5), 1..10).prop_map(|stretches| {
        let mut schedule: Vec<Step> = Vec::new();
        for (step, length) in stretches {
            let calm = quiet(step.up);
            schedule.push(step);
            schedule.extend(std::iter::repeat_n(calm, length - 1));
        }
        schedule
    })
}

proptest! {
    // More with PROPTEST_CASES.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(1000),
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_flip_that_lasts_is_told_once(schedule in schedule()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(told_once(&schedule)).map_err(TestCaseError::fail)?;
    }
}

fn in_virtual_time(task: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(task);
}

fn quiet(up: [bool; 2]) -> Step {
    Step { up, store: Vec::new(), mail: Vec::new(), rounds: 1, is_retried: false }
}

#[test]
fn the_beat_is_of_complete_rounds() {
    in_virtual_time(async {
        let house = House::new();
        let beats = || house.beats.0.load(Ordering::Relaxed);
        house.play(&quiet([true, true])).await;
        assert_eq!(beats(), 1);
        house.play(&Step { store: vec![redis::Fault::Hang], ..quiet([true, true]) }).await;
        assert_eq!(beats(), 1, "nothing was kept");
        house.play(&quiet([false, true])).await;
        assert_eq!(beats(), 2);
        house.play(&Step { mail: vec![mail::Fault::Failing], ..quiet([false, true]) }).await;
        assert_eq!(beats(), 2, "the owner was not told");
        house.play(&quiet([false, true])).await;
        assert_eq!(beats(), 3);
    });
}

#[test]
fn who_is_known_to_be_down_is_asked_last_until_it_speaks() {
    in_virtual_time(async {
        let house = House::new();
        house.play(&quiet([true, true])).await;
        assert_eq!(house.ask().await, "mini");
        house.play(&quiet([false, true])).await;
        assert_eq!(house.ask().await, "mini cloud", "one miss is none");
        house.play(&quiet([false, true])).await;
        assert_eq!(house.ask().await, "cloud");
        // It is back, and nobody has noticed; then cloud goes, too.
        house.platform.set(0, Reach::Up);
        assert_eq!(house.ask().await, "cloud");
        house.platform.set(1, Reach::Down);
        assert_eq!(house.ask().await, "cloud mini");
        house.platform.set(1, Reach::Up);
        assert_eq!(house.ask().await, "mini", "it has spoken");
    });
}

#[test]
fn a_node_that_hangs_falls() {
    in_virtual_time(async {
        let house = House::new();
        for _ in 0..2 {
            house.play(&quiet([true, true])).await;
        }
        // It has a model in memory, and from now on no word comes of it.
        assert_eq!(house.ask().await, "mini");
        for _ in 0..8 {
            house.platform.node(0).queue(Script::Hang);
        }
        for _ in 0..4 {
            house.play(&quiet([true, true])).await;
        }
        assert_eq!(house.told().unwrap()["mini"], ["fell 1"]);
        assert_eq!(house.record()["nodes"]["mini"]["why"], "hangs");
        assert_eq!(house.record()["nodes"]["cloud"]["health"], "up");
        house.platform.node(0).reset();
        for _ in 0..3 {
            house.play(&quiet([true, true])).await;
        }
        assert_eq!(house.told().unwrap()["mini"], ["fell 1", "rose 2"]);
    });
}

#[test]
fn whoever_calls_for_a_round_may_leave() {
    in_virtual_time(async {
        let house = House::new();
        for _ in 0..2 {
            house.play(&quiet([true, true])).await;
        }
        assert_eq!(house.ask().await, "mini");
        house.platform.node(0).queue(Script::Hang);
        let request =
            Request::get("/api/cron/health").header("authorization", format!("Bearer {CRON_SECRET}"));
        let body = Box::pin(stream::empty::<Result<Bytes, String>>());
        let request = request.body(body).expect("the request is well formed");
        let called = service::handle(&house.platform, &house.service, request);
        assert!(
            tokio::time::timeout(Duration::from_secs(30), called).await.is_err(),
            "no word comes for longer"
        );
        house.platform.sleep(STEP).await;
        assert_eq!(
            (&house.record()["round"], &house.record()["nodes"]["mini"]["why"]),
            (&3.into(), &"hangs".into())
        );
    });
}

#[test]
fn a_letter_is_taken_and_noted_in_one_round() {
    let check = |mail: Vec<mail::Fault>, store: Vec<redis::Fault>| {
        in_virtual_time(async move {
            let house = House::new();
            house.play(&quiet([true, true])).await;
            house.play(&quiet([false, true])).await;
            let what = format!("{mail:?} {store:?}");
            house.play(&Step { mail, store, ..quiet([false, true]) }).await;
            assert_eq!((house.told().unwrap()["mini"].len(), house.untold()), (1, 0), "{what}");
            assert_eq!(house.logged(), ["told Homefire: mini down"], "{what}");
        });
    };
    use redis::Fault::{Hang, Lost, Spared, Unavailable};
    check(vec![], vec![]);
    // It was taken, and nobody heard.
    check(vec![mail::Fault::Lost], vec![]);
    check(vec![mail::Fault::Hang], vec![]);
    // The third request to the store notes it.
    for fault in [Unavailable, Lost, Hang] {
        check(vec![], vec![Spared, Spared, fault]);
        check(vec![mail::Fault::Lost], vec![Spared, Spared, fault, Spared, fault]);
    }
}

#[test]
fn the_log_tells_what_waits() {
    in_virtual_time(async {
        let house = House::new();
        for up in [true, false] {
            house.play(&quiet([up, true])).await;
        }
        house.play(&Step { mail: vec![mail::Fault::TooMany(400)], ..quiet([false, true]) }).await;
        assert_eq!(house.logged(), ["mail_later Homefire: mini down"]);
        house.play(&quiet([false, true])).await;
        assert_eq!(house.logged(), ["mail_later Homefire: mini down"], "it is quiet still");
        house.play(&quiet([false, true])).await;
        assert_eq!(house.logged(), ["told Homefire: mini down"]);
    });
}

#[test]
fn a_clock_that_was_ahead_keeps_nobody_quiet() {
    in_virtual_time(async {
        let house = House::new();
        for up in [true, false] {
            house.play(&quiet([up, true])).await;
        }
        let mut record = house.record();
        record["quiet_until"] = u64::MAX.into();
        house.store.engine().write("homefire:monitor", record.to_string());
        house.play(&quiet([false, true])).await;
        assert_eq!(house.told().unwrap()["mini"], ["fell 1"]);
    });
}

#[test]
fn without_a_mail_service_the_log_tells_it_once() {
    in_virtual_time(async {
        let house = House::told_by("");
        for up in [true, false] {
            house.play(&quiet([up, true])).await;
        }
        house.play(&Step { rounds: 3, ..quiet([false, true]) }).await;
        house.play(&quiet([false, true])).await;
        assert_eq!((house.logged(), house.untold()), (vec!["told Homefire: mini down".to_owned()], 0));
    });
}

#[test]
fn a_round_that_comes_again_at_once_is_no_second_look() {
    in_virtual_time(async {
        let house = House::new();
        house.play(&quiet([true, true])).await;
        house.play(&Step { is_retried: true, ..quiet([false, true]) }).await;
        assert!(house.told().unwrap().is_empty());
        house.play(&quiet([true, true])).await;
        house.play(&quiet([true, true])).await;
        assert!(house.told().unwrap().is_empty());
    });
}

#[test]
fn another_instance_hears_of_it_from_the_store() {
    in_virtual_time(async {
        let house = House::new();
        for _ in 0..3 {
            house.play(&quiet([false, true])).await;
        }
        let other = House { service: Service::new((*house.service.config).clone()), ..house };
        assert_eq!(other.ask().await, "mini cloud", "it reads behind its first request");
        assert_eq!(other.ask().await, "cloud");
    });
}

#[test]
fn a_record_of_another_kind_counts_as_none() {
    in_virtual_time(async {
        let house = House::new();
        let down = quiet([false, true]);
        house.play(&Step { store: vec![redis::Fault::WrongType], ..down.clone() }).await;
        house.play(&down).await;
        house.play(&down).await;
        assert_eq!(house.told().unwrap()["mini"], ["fell 1"]);
        house.store.engine().write("homefire:monitor", "{\"nodes\": 7");
        house.play(&down).await;
        assert_eq!(house.record()["round"], 1);
    });
}
