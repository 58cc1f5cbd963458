//! The monitor's stories over real sockets: a node falls and rises, and its owner is told of each once.

mod counted;
mod drained;

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::StreamExt;
use homefire_sim::accounts::{Account, Forge};
use homefire_sim::mail::Mailroom;
use homefire_sim::redis::{Redis, Upstash};
use homefire_sim::scenario::World;
use homefire_sim::{Reach, Server};
use http::Request;
use serde_json::Value;
use tokio::time::sleep;

use super::socket::SocketWorld;
use super::{STORIES, is_guarded, start};

/// From one round to the next: one that comes sooner is no second look.
const APART: Duration = Duration::from_millis(1500);

/// The user of the example content.
const USER: &str = "ada-example";

const SECRET: &str = "a-cron-secret-of-tests";
const KEY: &str = "re_tests";
const TOKEN: &str = "a-store-token-of-tests";

/// What stands beside the service, for as long as this lives.
struct Outside {
    mail: Server<Mailroom>,
    github: Server<Account>,
    store: Option<Server<Upstash<Redis>>>,
}

impl Outside {
    async fn open(store: &str) -> Result<Self, String> {
        let mail = Server::open(Mailroom::new(KEY, 10), 0, false).await.map_err(|error| error.to_string())?;
        let account = Account::new(Forge::GitHub, USER, None);
        account.publish(vec![Forge::GitHub.push(7)].into());
        let github = Server::open(account, 0, false).await.map_err(|error| error.to_string())?;
        let store = match store {
            "upstash" => {
                let redis = Redis::start().await.map_err(|error| error.to_string())?;
                let upstash = Upstash::new(redis, TOKEN);
                Some(Server::open(upstash, 0, false).await.map_err(|error| error.to_string())?)
            }
            _ => None,
        };
        Ok(Self { mail, github, store })
    }

    fn variables(&self, store: &str) -> Vec<(String, String)> {
        let mut variables = vec![
            ("CRON_SECRET", SECRET.to_owned()),
            ("PROBE_MS", "1000".to_owned()),
            ("MONITOR_MS", (2 * APART.as_millis()).to_string()),
            ("RESEND_API_KEY", KEY.to_owned()),
            ("RESEND_BASE_URL", self.mail.url()),
            ("MAIL_FROM", "Homefire <homefire@example.com>".to_owned()),
            ("MAIL_TO", "owner@example.com".to_owned()),
            ("HOMEFIRE_STORE", store.to_owned()),
            ("GITHUB_API_URL", self.github.url()),
        ];
        if let Some(store) = &self.store {
            variables.push(("UPSTASH_REDIS_REST_URL", store.url()));
            variables.push(("UPSTASH_REDIS_REST_TOKEN", TOKEN.to_owned()));
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn subjects(&self) -> Vec<String> {
        self.mail.service().mails().into_iter().map(|mail| mail.subject).collect()
    }
}

/// Plays one of [`STORIES`].
pub(crate) async fn play((world, store): (&str, &str)) -> Result<(), String> {
    debug_assert!(STORIES.contains(&(world, store)));
    let outside = Outside::open(store).await?;
    let mut story = Story { world: start(world, outside.variables(store)).await?, outside };
    if is_guarded(world) {
        counted::play(&mut story, "guard").await?;
        return drained::play(&mut story).await;
    }
    counted::play(&mut story, if store == "memory" { "instance" } else { "fleet" }).await?;
    falls_and_rises(&mut story).await?;
    if world == "workerd" { story.scheduled().await } else { Ok(()) }
}

async fn falls_and_rises(story: &mut Story) -> Result<(), String> {
    same("without the secret", story.get("/api/cron/health", None).await?.0, 401)?;
    story.rounds(1).await?;
    story.told(&[])?;
    story.state("mini", "up").await?;

    story.set(0, Reach::Down).await?;
    story.rounds(1).await?;
    story.told(&[])?;
    story.rounds(1).await?;
    story.told(&["Homefire: mini down"])?;
    story.state("mini", "down").await?;
    story.state("cloud", "up").await?;
    // Twice at once, and once more.
    let (one, other) = tokio::join!(story.round(), story.round());
    one.and(other)?;
    story.rounds(1).await?;
    story.told(&["Homefire: mini down"])?;

    story.set(0, Reach::Up).await?;
    story.rounds(3).await?;
    story.told(&["Homefire: mini down", "Homefire: mini up again"])?;
    story.state("mini", "up").await?;
    story.activity().await
}

struct Story {
    world: SocketWorld,
    outside: Outside,
}

impl Story {
    async fn set(&mut self, nth: usize, reach: Reach) -> Result<(), String> {
        self.world.set(nth, reach).await
    }

    async fn get(&self, path: &str, secret: Option<&str>) -> Result<(u16, Value), String> {
        let mut request = Request::get(path);
        if let Some(secret) = secret {
            request = request.header("authorization", format!("Bearer {secret}"));
        }
        let request = request.body(Bytes::new()).expect("the request is well formed");
        let (head, mut body) = self.world.send(path, request).await?.into_parts();
        let mut text = Vec::new();
        while let Some(chunk) = body.next().await {
            text.extend(chunk?);
        }
        Ok((head.status.as_u16(), serde_json::from_slice(&text).unwrap_or_default()))
    }

    async fn round(&self) -> Result<(), String> {
        let (status, told) = self.get("/api/cron/health", Some(SECRET)).await?;
        same(&format!("a round: {told}"), status, 200)
    }

    async fn rounds(&self, count: usize) -> Result<(), String> {
        for _ in 0..count {
            sleep(APART).await;
            self.round().await?;
        }
        Ok(())
    }

    fn told(&self, expect: &[&str]) -> Result<(), String> {
        match self.outside.subjects() == expect {
            true => Ok(()),
            false => Err(format!("told: expected {expect:?}, saw {:?}", self.outside.subjects())),
        }
    }

    async fn state(&self, node: &str, expect: &str) -> Result<(), String> {
        // A function that plays no rounds reads the record every 15 s, and too old a look is not believed.
        let mut status = Value::Null;
        for _ in 0..20 {
            status = self.get("/api/status", None).await?.1;
            let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
            if nodes.iter().any(|known| known["name"] == node && known["state"] == expect) {
                return Ok(());
            }
            self.rounds(1).await?;
        }
        Err(format!("{node}: expected {expect}, saw {status}"))
    }

    /// What was heard of the owner's account behind the first round.
    async fn activity(&self) -> Result<(), String> {
        let request = Request::post("/api/terminal").header("content-type", "application/json");
        let request = request.body(Bytes::from(r#"{"query":"show activity"}"#)).expect("a request");
        let mut body = self.world.send("/api/terminal", request).await?.into_body();
        let mut text = Vec::new();
        while let Some(chunk) = body.next().await {
            text.extend(chunk?);
        }
        let told: Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        match told["data"]["github"]["recent"][0]["date"] == "2026-01-07" {
            true => Ok(()),
            false => Err(format!("the activity: {told}")),
        }
    }

    /// The trigger that is no route plays a round, too.
    async fn scheduled(&mut self) -> Result<(), String> {
        self.world.take_log();
        let (status, _) = self.get("/__scheduled?cron=*/5+*+*+*+*", None).await?;
        same("the trigger", status, 200)?;
        for _ in 0..50 {
            if self.world.take_log().contains(r#""event":"round""#) {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        Err("the trigger played no round".to_owned())
    }
}

fn same(what: &str, seen: u16, expected: u16) -> Result<(), String> {
    if seen == expected { Ok(()) } else { Err(format!("{what}: expected {expected}, saw {seen}")) }
}
