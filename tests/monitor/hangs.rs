//! A node lists its models and says no word: it hangs, or it is speaking to somebody else.

use std::time::Duration;

use futures_util::future::join;
use homefire_core::health;
use homefire_core::platform::Platform;
use homefire_core::service::Service;
use homefire_sim::Script;

use crate::house::{House, in_virtual_time, quiet};

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
