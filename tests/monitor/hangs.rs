//! A node lists its models and says no word: it hangs, or it is speaking to somebody else.

use std::time::Duration;

use futures_util::future::join;
use homefire_core::health;
use homefire_core::platform::Platform;
use homefire_core::service::Service;
use homefire_sim::{End, Script};

use crate::house::{House, STEP, in_virtual_time, quiet};

/// Two rounds have passed, and `mini` has a model in memory: in the next it is asked for a word.
pub(crate) async fn awake() -> House {
    let house = House::new();
    for _ in 0..2 {
        house.play(&quiet([true, true])).await;
    }
    assert_eq!(house.ask().await, "mini");
    // Until its reader is counted out.
    house.platform.sleep(Duration::from_secs(1)).await;
    house
}

#[test]
fn a_node_that_hangs_falls() {
    in_virtual_time(async {
        // From now on no word comes of it.
        let house = awake().await;
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

/// A word that is asked for and not waited for would leave the node at work.
#[test]
fn the_monitors_word_is_heard_to_its_end() {
    in_virtual_time(async {
        let house = awake().await;
        house.play(&quiet([true, true])).await;
        let received = house.platform.node(0).received();
        let chats: Vec<_> = received
            .iter()
            .filter(|request| request.path == "/api/chat")
            .map(|request| request.end)
            .collect();
        assert_eq!(chats, [Some(End::Finished); 2], "the reader's and the monitor's");
    });
}

#[test]
fn a_node_that_answers_somebody_else_does_not_hang() {
    in_virtual_time(async {
        let house = awake().await;
        let answers = house.another();
        for _ in 0..12 {
            // A round comes, and the one slot is taken for longer than it waits for a word.
            let words = ["word"; 20].join("%20");
            let long = format!("say,pace=5000,text={words}").parse().expect("a script");
            house.platform.node(0).queue(long);
            let round = async {
                house.platform.sleep(Duration::from_secs(1)).await;
                house.play(&quiet([true, true])).await;
            };
            let (asked, ()) = join(answers.ask(), round).await;
            assert_eq!((&*asked, house.untold()), ("mini", 0));
        }
        assert_eq!(house.told().unwrap().len(), 0);
    });
}

#[test]
fn a_lost_slot_is_found_between_two_answers() {
    in_virtual_time(async {
        let house = awake().await;
        house.platform.node(0).queue(Script::Wedge);
        // What a round tells: somebody is being answered by a node, or nobody.
        let check = async |is_busy: bool, why: &str, told: &[&str]| {
            if is_busy {
                house.occupy(STEP / 2).await;
            }
            house.play(&quiet([true, true])).await;
            assert_eq!(house.told().unwrap().get("mini").map_or(&[][..], |told| told), told, "{why}");
            assert_eq!(house.record()["nodes"]["mini"]["why"], why);
        };
        check(false, "hangs", &[]).await;
        check(true, "hangs", &[]).await;
        check(true, "hangs", &[]).await;
        check(false, "hangs", &["fell 1"]).await;
        check(true, "hangs", &["fell 1"]).await;
        check(true, "hangs", &["fell 1"]).await;
        house.platform.node(0).reset();
        // A word that comes is one, whoever else is being answered.
        for _ in 0..2 {
            house.occupy(STEP / 2).await;
            house.play(&quiet([true, true])).await;
        }
        assert_eq!(house.told().unwrap()["mini"], ["fell 1", "rose 2"]);
    });
}

#[test]
fn a_lost_slot_is_told_however_many_are_being_answered() {
    in_virtual_time(async {
        let house = awake().await;
        house.platform.node(0).queue(Script::Wedge);
        for _ in 2..24 {
            assert!(house.told().unwrap().is_empty());
            house.occupy(STEP / 2).await;
            house.play(&quiet([true, true])).await;
        }
        assert_eq!(house.told().unwrap()["mini"], ["fell 1"]);
    });
}

#[test]
fn a_node_that_hangs_is_looked_at_every_minute() {
    in_virtual_time(async {
        let mut house = awake().await;
        let mut config = (*house.service.config).clone();
        config.monitor.period = Duration::from_secs(60);
        house.service = Service::new(config);
        house.platform.node(0).queue(Script::Wedge);
        for round in 3..5 {
            let minute = house.platform.sleep(Duration::from_secs(60));
            let (outcome, ()) = join(health::round(&house.platform, &house.service), minute).await;
            assert_eq!(outcome.unwrap().round, round);
        }
        assert_eq!(house.told().unwrap()["mini"], ["fell 1"]);
    });
}
