//! A reply has one end: whoever was told it is told no other, and the log says nothing else of him. In virtual time.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use homefire_core::platform::{Event, Platform};
use homefire_core::reply::{Body, Events};
use homefire_core::service;
use homefire_sim::house::House;
use http::Request;

const KEY: &str = "the-key-of-the-drafts";

/// The answer to a question, or to a request for a draft, up to the event that is its end, and what holds the rest of it.
async fn up_to_the_end(house: &House, path: &str, end: &str) -> Events {
    let body =
        if path == "/api/draft" { r#"{"daysOverdue":9}"# } else { r#"{"query":"What do you build?"}"# };
    let body = Box::pin(stream::iter([Ok::<_, String>(Bytes::from(body))]));
    let request = Request::post(path).header("content-type", "application/json");
    let request =
        request.header("accept", "text/event-stream").header("authorization", format!("Bearer {KEY}"));
    let request = request.body(body).expect("the request is well formed");
    let reply = service::handle(&house.platform, &house.service, request).await;
    let Body::Events(mut events) = reply.into_body() else { panic!("{path} streams") };
    loop {
        let event = events.next().await.unwrap_or_else(|| panic!("{end} comes"));
        if event.starts_with(format!(r#"data: {{"type":"{end}""#).as_bytes()) {
            return events;
        }
    }
}

/// Each end of a stream, what leads to it, and what the log says of it last.
async fn each_end(check: impl AsyncFn(&House, Events, fn(&Event) -> bool)) {
    let play = async |path: &str, script: &str, end: &str, is_logged: fn(&Event) -> bool| {
        let house = House::new(&[("DRAFT_KEY", KEY), ("CONTINUE_HOPS", "0"), ("HEDGE_BUDGET", "0")]);
        [0, 1].into_iter().for_each(|node| house.script(node, script));
        let events = up_to_the_end(&house, path, end).await;
        check(&house, events, is_logged).await;
    };
    play("/api/terminal", "say", "done", |event| matches!(event, Event::Answered { .. })).await;
    play("/api/terminal", "reset@3", "error", |event| matches!(event, Event::Cut { .. })).await;
    play("/api/terminal", "hang", "error", |event| matches!(event, Event::NoNode { .. })).await;
    play("/api/draft", "say", "draft", |event| matches!(event, Event::Drafted { .. })).await;
}

#[tokio::test(start_paused = true)]
async fn who_leaves_with_the_end_has_not_left_before_it() {
    each_end(async |house, events, is_logged| {
        drop(events);
        let events = house.platform.take_events();
        assert!(events.last().is_some_and(is_logged), "{events:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_reads_no_further_than_the_end_is_told_no_other() {
    each_end(async |house, events, _| {
        house.platform.sleep(Duration::from_secs(600)).await;
        assert_eq!(events.collect::<Vec<_>>().await, [""; 0]);
    })
    .await;
}
