//! A node that failed several times in a row is asked last, until one request has tried it. In virtual time.

use std::time::Duration;

use futures_util::future::join_all;
use homefire_core::health;
use homefire_core::platform::Platform;
use homefire_sim::Reach;
use homefire_sim::house::{self, House};

/// Asks, reads the answer to its end, and says who was asked.
async fn asked(house: &House) -> String {
    let reply = house.ask().await;
    let asked = house::asked(reply.headers());
    house::read(reply).await;
    asked
}

async fn check(house: &House, expect: &str, what: &str) {
    assert_eq!(asked(house).await, expect, "{what}");
}

async fn wait(house: &House, seconds: u64) {
    house.platform.sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn it_opens_and_closes() {
    let house = House::new(&[]);
    house.platform.set(0, Reach::Down);
    for nth in 1..=3 {
        check(&house, "mini cloud", &format!("failure {nth}")).await;
    }
    check(&house, "cloud", "it is left alone").await;
    wait(&house, 11).await;
    check(&house, "mini cloud", "one request tries it").await;
    check(&house, "cloud", "and failed").await;
    wait(&house, 11).await;
    check(&house, "cloud", "the rest is twice as long").await;
    wait(&house, 11).await;
    house.platform.set(0, Reach::Up);
    check(&house, "mini", "it is tried, and well").await;
    check(&house, "mini", "and stays the first").await;
}

#[tokio::test(start_paused = true)]
async fn who_always_breaks_off_is_left_alone() {
    let house = House::new(&[]);
    for nth in 1..=3 {
        house.script(0, "reset@6");
        check(&house, "mini", &format!("cut {nth}")).await;
    }
    check(&house, "cloud", "it is left alone").await;
}

#[tokio::test(start_paused = true)]
async fn one_request_at_a_time_tries_it() {
    let house = House::new(&[]);
    house.platform.set(0, Reach::Silent);
    for _ in 0..3 {
        asked(&house).await;
    }
    wait(&house, 11).await;
    let mut asked = join_all((0..5).map(|_| asked(&house))).await;
    asked.sort();
    assert_eq!(asked, ["cloud", "cloud", "cloud", "cloud", "mini cloud"]);
}

#[tokio::test(start_paused = true)]
async fn who_is_busy_is_not_broken() {
    let house = House::new(&[]);
    for _ in 0..6 {
        house.script(0, "429");
        check(&house, "mini cloud", "busy").await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_monitors_look_shortens_the_rest() {
    let house = House::new(&[]);
    health::round(&house.platform, &house.service).await.expect("memory does not fail");
    wait(&house, 300).await;
    // Down for so short a time that the monitor never saw it.
    house.platform.set(0, Reach::Down);
    for _ in 0..3 {
        asked(&house).await;
    }
    house.platform.set(0, Reach::Up);
    check(&house, "cloud", "it is left alone").await;
    wait(&house, 1).await;
    health::round(&house.platform, &house.service).await.expect("memory does not fail");
    check(&house, "mini", "it was seen well").await;
}
