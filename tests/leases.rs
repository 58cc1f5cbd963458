//! Requests in flight are counted over all instances, and no request waits for the count. In virtual time.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;
use homefire_core::health;
use homefire_core::platform::{Event, Platform};
use homefire_core::reply::Reply;
use homefire_core::service::Service;
use homefire_sim::InProcess;
use homefire_sim::house::{self, House, read};
use homefire_sim::redis::{Command, ENTER, Engine, Fault, Reply as Redis, Slate, Upstash};
use homefire_sim::scenario::MODELS;
use tokio::time::{Instant, timeout};

const LEASES: &str = "homefire:leases";

/// Two instances of the service, one store, and the nodes of both.
struct Fleet {
    platform: InProcess,
    instances: [Service; 2],
    store: Upstash<Slate>,
}

impl Fleet {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(more: &[(&'static str, &'static str)]) -> Self {
        let settings = [
            ("UPSTASH_REDIS_REST_URL", "http://store"),
            ("UPSTASH_REDIS_REST_TOKEN", "store-token"),
            ("ANSWER_MS", "600000"),
        ];
        let settings = [&settings, more].concat();
        let House { platform, service } = House::new(&settings);
        let instances = [service, house::instance(&settings)];
        let store = Upstash::new(Slate::default(), "store-token");
        platform.add("store", store.clone());
        Self { platform, instances, store }
    }

    /// The next question to `mini` is answered by this script.
    fn script(&self, script: &str) {
        self.platform.node(0).queue(script.parse().expect("a script"));
    }

    async fn ask(&self, instance: usize) -> Reply {
        house::ask(&self.platform, &self.instances[instance]).await
    }

    /// The last word that was logged: the model, the count, and whose it is.
    fn word(&self) -> (String, usize, String) {
        let events = self.platform.take_events();
        let mut words = events.into_iter().filter_map(|event| {
            let Event::Word { model, in_flight, counted, .. } = event else { return None };
            Some((model, in_flight, format!("{counted:?}")))
        });
        words.next_back().expect("a node has spoken")
    }

    fn leases(&self) -> usize {
        self.store.engine().members(LEASES)
    }

    /// Nothing is waited for any more: what is kept behind a reply has been done.
    async fn settle(&self) {
        self.platform.sleep(Duration::from_secs(10)).await;
    }

    /// Somebody else's lease, by hand: its instance will neither renew nor return it.
    async fn orphan(&self) {
        let now = self.platform.now();
        let until = now + Duration::from_secs(120);
        let words = ["EVAL", ENTER, "1", LEASES, &now.0.to_string(), &until.0.to_string(), "x", "120000"];
        let command: Command = words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        assert_eq!(self.store.engine().run(&[command]).await.ok(), Some(vec![Redis::Integer(1)]));
    }
}

fn check(fleet: &Fleet, model: &str, in_flight: usize, counted: &str) {
    assert_eq!(fleet.word(), (model.to_owned(), in_flight, counted.to_owned()));
}

const BEST: &str = MODELS[0];
const LIGHTER: &str = MODELS[1];

#[tokio::test(start_paused = true)]
async fn the_second_of_all_instances_gets_the_lighter_model() {
    let fleet = Fleet::new();
    let first = fleet.ask(0).await;
    check(&fleet, BEST, 1, "Fleet");
    let (_, second) = join(read(first), async { read(fleet.ask(1).await).await }).await;
    assert!(second.contains("\"done\""), "{second}");
    check(&fleet, LIGHTER, 2, "Fleet");
    fleet.settle().await;
    assert_eq!(fleet.leases(), 0);
    drop(fleet.ask(1).await);
    check(&fleet, BEST, 1, "Fleet");
    fleet.settle().await;
    assert_eq!(fleet.leases(), 0, "the reader left at once");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_store() {
    let fault = |fault: Option<Fault>, counted: &'static str, waited: u64| async move {
        let fleet = Fleet::new();
        // The monitor's record is read behind the request's back, by whichever comes first.
        for _ in 0..2 {
            fault.into_iter().for_each(|fault| fleet.store.queue(fault));
        }
        let began = Instant::now();
        let reply = fleet.ask(0).await;
        let took = began.elapsed();
        check(&fleet, BEST, 1, counted);
        read(reply).await;
        fleet.settle().await;
        read(fleet.ask(0).await).await;
        check(&fleet, BEST, 1, "Fleet");
        let calm = Fleet::new();
        let began = Instant::now();
        calm.ask(0).await;
        let usual = began.elapsed();
        assert_eq!(took.saturating_sub(usual).as_millis(), u128::from(waited), "{fault:?}");
    };
    fault(None, "Fleet", 0).await;
    fault(Some(Fault::Unavailable), "Instance", 0).await;
    fault(Some(Fault::Garbage), "Instance", 0).await;
    fault(Some(Fault::Unauthorized), "Instance", 0).await;
    fault(Some(Fault::Slow(Duration::from_millis(40))), "Fleet", 40).await;
    fault(Some(Fault::Slow(Duration::from_millis(400))), "Instance", 50).await;
    fault(Some(Fault::Hang), "Instance", 50).await;
}

#[tokio::test(start_paused = true)]
async fn a_count_that_fails_is_told_in_the_log() {
    for fault in [None, Some(Fault::Unavailable), Some(Fault::Garbage), Some(Fault::Unauthorized)] {
        let fleet = Fleet::new();
        // The first of the two may be the monitor's record.
        (0..2).for_each(|_| fault.into_iter().for_each(|fault| fleet.store.queue(fault)));
        read(fleet.ask(0).await).await;
        fleet.settle().await;
        let events = fleet.platform.take_events();
        let is_told = events.iter().any(|event| matches!(event, Event::StoreFailed { .. }));
        assert_eq!(is_told, fault.is_some(), "{fault:?}: {events:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_alone_here_waits_for_no_count() {
    let second = async |fault: Option<Fault>| {
        let fleet = Fleet::new();
        let first = fleet.ask(0).await;
        check(&fleet, BEST, 1, "Fleet");
        fault.into_iter().for_each(|fault| fleet.store.queue(fault));
        let began = Instant::now();
        let ask = async { (fleet.ask(0).await, began.elapsed()) };
        let (_, (second, took)) = join(read(first), ask).await;
        check(&fleet, LIGHTER, 2, "Instance");
        read(second).await;
        fleet.settle().await;
        assert_eq!(fleet.leases(), 0);
        took
    };
    assert_eq!(second(Some(Fault::Hang)).await, second(None).await);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_alone_here_is_counted_everywhere_once_he_stays() {
    let fleet = Fleet::new();
    let first = fleet.ask(0).await;
    let (mut stays, mut leaves) = (Box::pin(fleet.ask(0)), Box::pin(fleet.ask(0)));
    let soon = timeout(Duration::from_millis(40), join(&mut stays, &mut leaves)).await;
    assert!(soon.is_err(), "the node has not spoken yet");
    assert_eq!(fleet.leases(), 1, "words come first");
    drop(leaves);
    let stays = stays.await;
    assert_eq!(fleet.leases(), 2);
    drop((first, stays));
    fleet.settle().await;
    assert_eq!(fleet.leases(), 0);
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_choice_nobody_waits_for_a_count() {
    let fleet = Fleet::with(&[("FALLBACK_MODEL", BEST)]);
    fleet.script("say,pace=40");
    let first = fleet.ask(0).await;
    check(&fleet, BEST, 1, "Instance");
    assert_eq!(fleet.leases(), 0);
    let stays = async {
        fleet.platform.sleep(Duration::from_millis(60)).await;
        assert_eq!(fleet.leases(), 1, "the monitor is to know of it");
    };
    let (first, ()) = join(read(first), stays).await;
    assert!(first.contains("\"done\""), "{first}");
    fleet.settle().await;
    assert_eq!(fleet.leases(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_round_that_asks_whether_anybody_is_answered_is_not_counted() {
    let fleet = Fleet::new();
    read(fleet.ask(0).await).await;
    fleet.settle().await;
    let asked = || fleet.platform.node(0).received().iter().filter(|asked| asked.path == "/api/chat").count();
    let before = asked();
    let watch = async || {
        for _ in 0..500 {
            assert_eq!(fleet.leases(), 0);
            fleet.platform.sleep(Duration::from_millis(1)).await;
        }
    };
    // Every third round asks for a word.
    for _ in 0..3 {
        fleet.platform.sleep(Duration::from_secs(300)).await;
        (0..20).for_each(|_| fleet.store.queue(Fault::Slow(Duration::from_millis(20))));
        let (round, ()) = join(health::round(&fleet.platform, &fleet.instances[0]), watch()).await;
        assert!(round.is_ok(), "{round:?}");
        fleet.store.calm();
    }
    assert_eq!(asked(), before + 1, "a word was asked for");
    read(fleet.ask(1).await).await;
    check(&fleet, BEST, 1, "Fleet");
}

#[tokio::test(start_paused = true)]
async fn the_lease_of_a_dead_instance_is_over_after_two_minutes() {
    let fleet = Fleet::new();
    fleet.orphan().await;
    read(fleet.ask(0).await).await;
    check(&fleet, LIGHTER, 2, "Fleet");
    fleet.platform.sleep(Duration::from_secs(121)).await;
    read(fleet.ask(0).await).await;
    check(&fleet, BEST, 1, "Fleet");
}

#[tokio::test(start_paused = true)]
async fn a_long_answer_is_counted_to_its_end() {
    let fleet = Fleet::new();
    let words = ["word"; 20].join("%20");
    fleet.script(&format!("say,pace=15000,text={words}"));
    let began = Instant::now();
    let long = read(fleet.ask(0).await);
    let late = async {
        for minutes in 1..5 {
            fleet.platform.sleep(Duration::from_secs(60)).await;
            assert_eq!(fleet.leases(), 1, "after {minutes} minutes");
        }
        fleet.platform.take_events();
        // The node has one place, and it is taken: the other node answers, by the same count.
        read(fleet.ask(1).await).await;
        check(&fleet, LIGHTER, 2, "Fleet");
    };
    let (text, ()) = join(long, late).await;
    assert!(text.contains("\"done\"") && began.elapsed() > Duration::from_secs(240), "{text}");
    fleet.settle().await;
    assert_eq!(fleet.leases(), 0);
}
