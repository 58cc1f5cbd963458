//! The story of an outage, told by a reader: the fast node dies in mid-answer, the slow one goes on with the sentence and
//! takes over, the fast one comes back.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures_util::TryStreamExt;
use homefire_sim::Reach;
use serde_json::{Value, json};

use crate::dev::Home;
use crate::frames::events;
use crate::screen;

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// What happens, and what must come of it.
struct Act {
    title: &'static str,
    /// The monitor must have noticed first that the fast node is so.
    noticed: Option<&'static str>,
    revive_first: bool,
    kill_after: Option<usize>,
    /// Who speaks the first word.
    node: &'static str,
    /// Who says the last one: the other node, where the first has died meanwhile.
    ended_by: &'static str,
}

const STORY: [Act; 5] = [
    Act {
        title: "All is well",
        noticed: None,
        revive_first: false,
        kill_after: None,
        node: "mini",
        ended_by: "mini",
    },
    Act {
        title: "The fast node dies in mid-answer",
        noticed: None,
        revive_first: false,
        kill_after: Some(10),
        node: "mini",
        ended_by: "cloud",
    },
    Act {
        title: "It stays dead",
        noticed: None,
        revive_first: false,
        kill_after: None,
        node: "cloud",
        ended_by: "cloud",
    },
    Act {
        title: "The monitor has noticed",
        noticed: Some("down"),
        revive_first: false,
        kill_after: None,
        node: "cloud",
        ended_by: "cloud",
    },
    Act {
        title: "It comes back",
        noticed: Some("up"),
        revive_first: true,
        kill_after: None,
        node: "mini",
        ended_by: "mini",
    },
];

/// What a reader got.
#[derive(Default)]
struct Seen {
    head: String,
    node: String,
    first_word: Duration,
    whole: Duration,
    pieces: usize,
    /// What a reader has before his eyes at the end.
    text: String,
    /// How often another node went on, and how often what was shown was cleared.
    failovers: usize,
    restarts: usize,
    last: Value,
}

impl Seen {
    /// Who says that it is done, or why nobody does.
    fn end(&self) -> &str {
        self.last["code"].as_str().or(self.last["node"].as_str()).unwrap_or_default()
    }
}

/// Plays it against the service at `url`; an error says where it went otherwise. Without a monitor nobody notices.
pub(crate) async fn play(url: &str, home: &mut Home, is_monitored: bool) -> Result<()> {
    let mut rows = Vec::new();
    for act in STORY.into_iter().filter(|act| is_monitored || act.noticed != Some("down")) {
        tell!("\n{}.", act.title);
        if act.revive_first {
            home.mini().context("the nodes are simulated")?.set(Reach::Up).await?;
        }
        if let Some(state) = act.noticed.filter(|_| is_monitored) {
            notice(url, state).await.context(act.title)?;
            home.new_mails().iter().for_each(|mail| screen::say(&format!("✉ {}", mail.subject)));
        }
        let seen = ask(url, act.kill_after, home).await.context(act.title)?;
        screen::say(&format!("head: {}", seen.head));
        screen::say(&format!("last event: {}", seen.last));
        rows.push((act, seen));
        let (act, seen) = rows.last().expect("pushed just now");
        judge(act, seen, &rows[0].1.text).context(act.title)?;
    }
    tell!("\n{:<34}{:<8}{:>12}{:>12}{:>8}  last word", "", "node", "first word", "whole", "pieces");
    for (act, seen) in rows {
        let (first, whole) = (seen.first_word.as_millis(), seen.whole.as_millis());
        let (title, node, pieces, end) = (act.title, &seen.node, seen.pieces, seen.end());
        tell!("{title:<34}{node:<8}{first:>9} ms{whole:>9} ms{pieces:>8}  {end}");
    }
    Ok(())
}

/// Whether it went as it should. The nodes say the same to the same question, so that nothing of it may be missing or come
/// twice where one went on for the other.
fn judge(act: &Act, seen: &Seen, whole: &str) -> Result<()> {
    ensure!(seen.node == act.node, "{} should have answered, not {:?}", act.node, seen.node);
    let (last, end) = (act.ended_by, seen.end());
    ensure!(end == last, "{last} should have said the last word, not {end:?}");
    let failovers = usize::from(act.kill_after.is_some());
    ensure!(
        seen.failovers == failovers,
        "another node should have gone on {failovers} times, and did {}",
        seen.failovers
    );
    ensure!(seen.restarts == 0, "what was shown was cleared, and said anew");
    ensure!(seen.text == whole, "what was said is not the whole answer: {:?}", seen.text);
    Ok(())
}

/// Waits until the monitor knows that the fast node is in this state.
async fn notice(url: &str, state: &str) -> Result<()> {
    let client = homefire_native::client().timeout(PATIENCE).build()?;
    let noticed = async {
        loop {
            let text = client.get(format!("{url}/api/status")).send().await?.text().await?;
            let status: Value = serde_json::from_str(&text)?;
            if status["nodes"][0]["state"] == state {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, noticed).await.context("the monitor does not notice")?
}

async fn ask(url: &str, kill_after: Option<usize>, home: &mut Home) -> Result<Seen> {
    #[expect(clippy::disallowed_methods, reason = "this tool never runs on wasm")]
    let asked = Instant::now();
    let client = homefire_native::client().timeout(PATIENCE).build()?;
    let body = json!({"query": "What happens when the power goes out at home?"}).to_string();
    let request =
        client.post(format!("{url}/api/terminal")).header("content-type", "application/json").body(body);
    let reply = request.send().await?;
    let header = |name: &str| {
        reply.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("–").to_owned()
    };
    let [node, model, timing] = ["x-homefire-node", "x-homefire-model", "server-timing"].map(header);
    let head = format!("{}, node {node}, model {model}, {timing}", reply.status().as_u16());
    ensure!(reply.status().is_success(), "the question was refused: {head}");
    let mut seen = Seen { head, node, ..Seen::default() };
    let mut events = events(reply);
    while let Some(event) = events.try_next().await? {
        match event["type"].as_str() {
            Some("token") => {}
            kind => {
                seen.failovers += usize::from(kind == Some("failover"));
                if kind == Some("restart") {
                    seen.restarts += 1;
                    seen.text.clear();
                }
                seen.last = event;
                continue;
            }
        }
        if seen.pieces == 0 {
            seen.first_word = asked.elapsed();
        }
        seen.pieces += 1;
        let piece = event["content"].as_str().unwrap_or_default();
        seen.text.push_str(piece);
        screen::piece(piece);
        if kill_after == Some(seen.pieces) {
            screen::piece(" ⚡");
            home.mini().context("the nodes are simulated")?.set(Reach::Silent).await?;
        }
    }
    seen.whole = asked.elapsed();
    if seen.last.is_null() {
        bail!("the answer ended silently, after {} pieces; the head was {}", seen.pieces, seen.head);
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_death_is_seen_and_nothing_of_the_answer_is_lost() {
        let check = |text: &str, failovers, restarts, expect: &str| {
            let (node, text) = ("mini".to_owned(), text.to_owned());
            let last = json!({"type": "done", "node": "cloud"});
            let seen = Seen { node, text, failovers, restarts, last, ..Seen::default() };
            let told = judge(&STORY[1], &seen, "One, two.")
                .map_or_else(|error| error.to_string(), |()| String::new());
            assert!(
                told.contains(expect) && told.is_empty() == expect.is_empty(),
                "{told:?}, not {expect:?}"
            );
        };
        check("One, two.", 1, 0, "");
        check("One, two.", 0, 0, "should have gone on 1 times");
        check("One, two.", 1, 1, "cleared");
        check("One, one, two.", 1, 0, "not the whole answer");
        check("two.", 1, 0, "not the whole answer");
    }
}
