//! What the rounds do where this or that happens.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use homefire_core::health;
use homefire_core::monitor::Health;
use homefire_core::platform::Platform;
use homefire_core::service::{self, Service};
use homefire_sim::scenario::MODELS;
use homefire_sim::{InProcess, Node, Pace, Reach, Script, mail, redis};
use http::Request;
use serde_json::{Value, json};

use crate::hangs::awake;
use crate::house::{CRON_SECRET, House, STEP, Step, in_virtual_time, quiet};

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
fn a_node_that_is_no_longer_configured_is_forgotten() {
    in_virtual_time(async {
        let house = House::new();
        house.play(&quiet([true, true])).await;
        let mut record = house.record();
        record["nodes"]["old"] = record["nodes"]["cloud"].clone();
        house.store.engine().write("homefire:monitor", record.to_string());
        house.play(&quiet([true, true])).await;
        assert!(house.record()["nodes"]["old"].is_null() && house.record()["nodes"]["cloud"].is_object());
    });
}

#[test]
fn whoever_calls_for_a_round_may_leave() {
    in_virtual_time(async {
        let house = awake().await;
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
    // It is still on its way when it is sent again; or they come too fast, for a moment.
    check(vec![mail::Fault::Slow(Duration::from_secs(17))], vec![]);
    check(vec![mail::Fault::TooMany(2), mail::Fault::TooMany(1), mail::Fault::Lost], vec![]);
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
fn who_waits_behind_many_is_told_in_the_same_round() {
    in_virtual_time(async {
        let house = House::new();
        for up in [true, false] {
            house.play(&quiet([up, true])).await;
        }
        house.play(&Step { mail: vec![mail::Fault::TooMany(400)], ..quiet([false, true]) }).await;
        house.play(&quiet([true, true])).await;
        house
            .play(&Step { mail: vec![mail::Fault::Spared, mail::Fault::TooMany(1)], ..quiet([true, true]) })
            .await;
        assert_eq!((house.told().unwrap()["mini"].len(), house.untold()), (2, 0));
    });
}

#[test]
fn a_mail_service_that_never_has_time_is_not_waited_for_long() {
    in_virtual_time(async {
        let house = House::new();
        for up in [true, false] {
            house.play(&quiet([up, true])).await;
        }
        (0..1000).for_each(|_| house.mail.queue(mail::Fault::TooMany(1)));
        house.platform.take_events();
        let round = health::round(&house.platform, &house.service);
        let outcome = tokio::time::timeout(Duration::from_secs(110), round).await.expect("a round ends");
        assert_eq!((outcome.unwrap().untold, house.logged().len()), (1, 1));
    });
}

#[test]
fn a_letter_that_gives_way_is_told_in_the_log() {
    in_virtual_time(async {
        let house = House::new();
        for up in [true, false] {
            house.play(&quiet([up, true])).await;
        }
        house.play(&Step { mail: vec![mail::Fault::Failing], ..quiet([false, true]) }).await;
        let mut record = house.record();
        let untold = vec![record["untold"][0].clone(); 64];
        record["untold"] = untold.into();
        house.store.engine().write("homefire:monitor", record.to_string());
        house.play(&Step { mail: vec![mail::Fault::Failing], ..quiet([true, true]) }).await;
        house.logged();
        house.play(&Step { mail: vec![mail::Fault::Failing], ..quiet([true, true]) }).await;
        assert_eq!(house.logged(), ["mail_dropped Homefire: mini down", "mail_failed Homefire: mini down"]);
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
        let other = house.another();
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

#[test]
fn every_node_is_looked_at_however_many_there_are() {
    in_virtual_time(async {
        let names = [1, 2, 3, 4, 5, 6, 7].map(|nth| format!("node-{nth}"));
        let list = names.each_ref().map(|name| json!({"name": name, "url": format!("http://{name}")}));
        let list = Value::from(list.to_vec()).to_string();
        let read = |name: &str| match name {
            "HOMEFIRE_NODES" => Some(list.clone()),
            "GITHUB_API_URL" | "GITLAB_API_URL" => Some("http://nowhere".to_owned()),
            _ => None,
        };
        let service = Service::from_reader(read).expect("the settings are sound");
        let nodes = names.each_ref().map(|name| (name.clone(), Node::new(&MODELS, Pace::QUICK)));
        let platform = InProcess::new(nodes, service.config.deadlines.connect);
        let outcome = health::round(&platform, &service).await.expect("an instance keeps it itself");
        let seen: Vec<_> = outcome.nodes.into_iter().map(|seen| (seen.node, seen.state)).collect();
        assert_eq!(seen, names.map(|name| (name, Health::Up)));
    });
}
