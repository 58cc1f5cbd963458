//! `show activity` tells what was heard last, whatever the places say next. In virtual time.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use homefire_core::health;
use homefire_core::platform::Platform;
use homefire_core::reply::Body;
use homefire_core::service::{self, Service};
use homefire_sim::accounts::{Account, Fault, Forge};
use homefire_sim::scenario::{MODELS, SETTINGS, nodes_variable};
use homefire_sim::{InProcess, Node, Pace};
use http::Request;
use serde_json::{Value, json};

/// The user of the example content.
const USER: &str = "ada-example";

const HOUR: Duration = Duration::from_secs(3600);

struct House {
    platform: InProcess,
    service: Service,
    accounts: [Account; 2],
}

impl House {
    fn new() -> Self {
        let nodes = nodes_variable("http://mini", "http://cloud");
        let read = |name: &str| match name {
            "HOMEFIRE_NODES" => Some(nodes.clone()),
            "GITHUB_API_URL" => Some("http://github".to_owned()),
            "GITLAB_API_URL" => Some("http://gitlab/api/v4".to_owned()),
            _ => SETTINGS.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        };
        let service = Service::from_reader(read).expect("the settings are sound");
        let nodes = ["mini", "cloud"].map(|host| (host.to_owned(), Node::new(&MODELS, Pace::QUICK)));
        let platform = InProcess::new(nodes, service.config.deadlines.connect);
        let accounts = [Forge::GitHub, Forge::GitLab].map(|forge| Account::new(forge, USER, None));
        platform.add("github", accounts[0].clone());
        platform.add("gitlab", accounts[1].clone());
        Self { platform, service, accounts }
    }

    /// One round, and what it began behind it; then so much time.
    async fn round(&self, then: Duration) {
        health::round(&self.platform, &self.service).await.expect("memory does not fail");
        self.platform.sleep(then).await;
    }

    async fn told(&self) -> Value {
        let body = stream::iter([Ok::<_, String>(Bytes::from(r#"{"query":"show activity"}"#))]);
        let request = Request::post("/api/terminal").header("content-type", "application/json");
        let request = request.body(Box::pin(body)).expect("the request is well formed");
        match service::handle(&self.platform, &self.service, request).await.into_body() {
            Body::Whole(bytes) => serde_json::from_slice(&bytes).expect("JSON"),
            Body::Events(_) => panic!("a command was left to a model"),
        }
    }

    fn asked(&self) -> [usize; 2] {
        self.accounts.each_ref().map(Account::asked)
    }
}

fn in_virtual_time(task: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(task);
}

#[test]
fn asked_once_an_hour_and_told_with_its_age() {
    in_virtual_time(async {
        let house = House::new();
        let before = house.told().await;
        for (account, forge) in house.accounts.iter().zip([Forge::GitHub, Forge::GitLab]) {
            account.publish(json!([forge.push(7), forge.push(6)]));
        }
        for _ in 0..3 {
            house.round(Duration::from_secs(300)).await;
        }
        assert_eq!(house.asked(), [1, 1], "three rounds in a quarter of an hour");
        let told = house.told().await;
        assert_ne!(told["text"], before["text"]);
        assert_eq!(told["data"]["github"]["recent"][0]["date"], "2026-01-07", "{told}");
        assert_eq!(told["data"]["gitlab"]["recent"][0]["date"], "2026-01-07", "{told}");
        assert!(told["data"]["github"]["age"].as_u64().is_some_and(|age| age >= 900), "{told}");
        house.platform.sleep(HOUR).await;
        house.round(HOUR).await;
        assert_eq!(house.asked(), [2, 2]);
    });
}

#[test]
fn what_goes_wrong_changes_nothing() {
    let faults = [
        Fault::WrongTypes,
        Fault::Large,
        Fault::Html,
        Fault::Limited,
        Fault::Failing,
        Fault::Slow(Duration::from_secs(20)),
        Fault::Hang,
    ];
    for fault in faults {
        in_virtual_time(async move {
            let house = House::new();
            for (account, forge) in house.accounts.iter().zip([Forge::GitHub, Forge::GitLab]) {
                account.publish(json!([forge.push(7)]));
            }
            house.round(2 * HOUR).await;
            let before = house.told().await;
            for (account, forge) in house.accounts.iter().zip([Forge::GitHub, Forge::GitLab]) {
                account.publish(json!([forge.push(9)]));
                account.queue(fault);
            }
            house.round(Duration::from_secs(60)).await;
            let after = house.told().await;
            for place in ["github", "gitlab"] {
                let recent = |told: &Value| told["data"][place]["recent"].clone();
                assert_eq!(recent(&after), recent(&before), "{fault:?}");
                assert_eq!(after["data"][place]["as_of"], before["data"][place]["as_of"], "{fault:?}");
            }
            house.round(2 * HOUR).await;
            house.round(Duration::from_secs(60)).await;
            let told = house.told().await;
            assert_eq!(told["data"]["github"]["recent"][0]["date"], "2026-01-09", "after {fault:?}: {told}");
        });
    }
}
