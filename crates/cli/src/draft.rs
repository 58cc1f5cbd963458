//! `homefire draft`: asks for a reminder and prints it as a person would read it.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use crossterm::{ExecutableCommand, cursor, terminal};
use futures_util::TryStreamExt;
use reqwest::{Response, Url};
use serde_json::{Map, Value, json};

use crate::Refused;
use crate::dev::variables::{self, DEV_DRAFT_KEY};
use crate::frames::events;

#[derive(Args)]
pub(crate) struct Options {
    /// Days since the invoice was due, 0 to 3650.
    #[arg(long)]
    days: u64,
    /// A JSON file with the real values: clientName, amount, dueDate, daysOverdue. No model sees them.
    #[arg(long, value_name = "FILE")]
    values: Option<PathBuf>,
    /// Instead of the tone that the days decide.
    #[arg(long, value_enum)]
    tone: Option<Tone>,
    /// A language tag such as `de` or `pt-BR`.
    #[arg(long)]
    language: Option<String>,
    /// How many reminders were sent before.
    #[arg(long)]
    previous: Option<u64>,
    /// What the model may know about the case.
    #[arg(long)]
    notes: Option<String>,
    /// The sender's business.
    #[arg(long)]
    business: Option<String>,
    /// The sender's name.
    #[arg(long)]
    name: Option<String>,
    /// Where Homefire answers; `cargo homefire dev` by default.
    #[arg(long, default_value = "http://127.0.0.1:8787")]
    url: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Tone {
    Friendly,
    Firm,
    Urgent,
}

/// Longer than any budget.
const PATIENCE: Duration = Duration::from_secs(600);

/// Bytes of an error; what is longer is none of Homefire's.
const LONGEST_ERROR: usize = 64 << 10;

pub(crate) async fn run(options: Options) -> Result<()> {
    let key = key(&address(&options.url)?)?;
    let url = format!("{}/api/draft", options.url.trim_end_matches('/'));
    let reply = homefire_native::client()
        .timeout(PATIENCE)
        .build()?
        .post(&url)
        .header("content-type", "application/json")
        .header("accept", "text/event-stream")
        .bearer_auth(key)
        .body(ask(options)?.to_string())
        .send()
        .await
        .with_context(|| format!("nobody answers at {url}; `cargo homefire dev` would"))?;
    let status = reply.status();
    if !status.is_success() {
        let error: Value = serde_json::from_slice(&short(reply).await?).unwrap_or_default();
        let told = error["error"]["message"].as_str().unwrap_or("something else answers there than Homefire");
        let told = format!("{} {told}", status.as_u16());
        return Err(if status.is_client_error() { Refused(told).into() } else { anyhow::anyhow!(told) });
    }
    let mut page = Page::default();
    let mut events = events(reply);
    while let Some(event) = events.try_next().await? {
        match event["type"].as_str() {
            Some("token") => page.show(event["content"].as_str().unwrap_or_default())?,
            Some("restart") => page.clear()?,
            Some("draft") => {
                page.clear()?;
                return print(&event);
            }
            Some("error") => bail!("{}", event["message"].as_str().unwrap_or_default()),
            _ => {}
        }
    }
    bail!("the reply ended without a draft")
}

/// An error's body, as far as one of Homefire's could go.
async fn short(mut reply: Response) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while body.len() < LONGEST_ERROR
        && let Some(chunk) = reply.chunk().await?
    {
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn address(given: &str) -> Result<Url> {
    let url =
        Url::parse(given).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    let refused = || Refused(format!("--url {given} is no address: it begins with http:// or https://"));
    url.ok_or_else(|| refused().into())
}

/// The key of the environment or of `.env`; towards this machine, else, the one that `dev` uses.
fn key(url: &Url) -> Result<String> {
    let known = variables::read()?.into_iter().find(|(name, _)| name == "DRAFT_KEY");
    let known = known.map(|(_, key)| key.trim().to_owned()).filter(|key| !key.is_empty());
    match known {
        Some(key) => Ok(key),
        None if is_here(url) => Ok(DEV_DRAFT_KEY.to_owned()),
        None => Err(Refused("DRAFT_KEY is not set, in the environment or in .env".to_owned()).into()),
    }
}

fn is_here(url: &Url) -> bool {
    url.host_str().is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].contains(&host))
}

fn ask(options: Options) -> Result<Value> {
    let mut ask = Map::new();
    let mut set = |name: &str, value: Option<Value>| ask.extend(value.map(|value| (name.to_owned(), value)));
    set("daysOverdue", Some(options.days.into()));
    set("tone", options.tone.and_then(|tone| Some(tone.to_possible_value()?.get_name().into())));
    set("language", options.language.map(Value::from));
    set("previous", options.previous.map(Value::from));
    set("notes", options.notes.map(Value::from));
    set("sender", Some(json!({"business": options.business, "name": options.name})));
    if let Some(path) = options.values {
        let refused = |error: &dyn Display| Refused(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(&path).map_err(|error| refused(&error))?;
        set("values", Some(serde_json::from_str(&text).map_err(|error| refused(&error))?));
    }
    Ok(Value::Object(ask))
}

fn print(draft: &Value) -> Result<()> {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let read = if draft["filled"].is_object() { &draft["filled"] } else { draft };
    let mut out = std::io::stdout();
    writeln!(out, "Subject: {}\n\n{}", text(read, "subject"), text(read, "body"))?;
    // Beside the letter: how it came about.
    let by =
        draft["node"].as_str().map_or(String::new(), |node| format!(" by {node}, {}", text(draft, "model")));
    let mut beside = std::io::stderr();
    let _ = writeln!(
        beside,
        "\n-- {}, {}{by}, id {}",
        text(draft, "source"),
        text(draft, "tone"),
        text(draft, "id")
    );
    for attempt in draft["attempts"].as_array().into_iter().flatten() {
        let _ = writeln!(
            beside,
            "   {}: {} after {} ms",
            text(attempt, "node"),
            text(attempt, "outcome"),
            attempt["ms"]
        );
    }
    for (name, what) in [("mended", "mended"), ("unfilled", "without a value")] {
        let list: Vec<&str> =
            draft[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !list.is_empty() {
            let _ = writeln!(beside, "   {what}: {}", list.join(", "));
        }
    }
    Ok(())
}

/// What a person watches growing, on a terminal: it is cleared when the letter is there.
#[derive(Default)]
struct Page {
    shown: String,
}

impl Page {
    fn show(&mut self, piece: &str) -> Result<()> {
        let mut out = std::io::stdout();
        if out.is_terminal() {
            self.shown.push_str(piece);
            write!(out, "{piece}")?;
            out.flush()?;
        }
        Ok(())
    }

    fn clear(&mut self) -> Result<()> {
        if self.shown.is_empty() {
            return Ok(());
        }
        let mut out = std::io::stdout();
        let (width, height) = terminal::size().unwrap_or((80, 24));
        let below = lines_below_the_first(&self.shown, width.into()).min(height.saturating_sub(1).into());
        out.execute(cursor::MoveToColumn(0))?;
        if let Ok(below @ 1..) = u16::try_from(below) {
            out.execute(cursor::MoveUp(below))?;
        }
        out.execute(terminal::Clear(terminal::ClearType::FromCursorDown))?;
        self.shown.clear();
        Ok(())
    }
}

/// Lines that a text takes on a terminal, without the first.
fn lines_below_the_first(text: &str, width: usize) -> usize {
    let rows = |line: &str| line.chars().count().saturating_sub(1) / width.max(1) + 1;
    text.split('\n').map(rows).sum::<usize>() - 1
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use reqwest::Body;

    use super::*;

    #[tokio::test]
    async fn an_error_that_never_ends_is_not_kept() {
        let chunks = stream::repeat_with(|| Ok::<_, std::io::Error>([b' '; 4096].to_vec()));
        let reply = http::Response::new(Body::wrap_stream(chunks));
        assert_eq!(short(reply.into()).await.unwrap().len(), LONGEST_ERROR);
    }

    #[test]
    fn addresses() {
        let check = |given: &str, expect: Option<bool>| match address(given) {
            Ok(url) => assert_eq!(Some(is_here(&url)), expect, "{given}"),
            Err(error) => assert!(expect.is_none() && error.is::<Refused>(), "{given}: {error}"),
        };
        check("http://127.0.0.1:8787", Some(true));
        check("http://localhost/", Some(true));
        check("http://[::1]:8787", Some(true));
        check("https://example.com", Some(false));
        check("http://127.0.0.1.example.com", Some(false));
        check("http://localhost.example.com", Some(false));
        check("localhost:8787", None);
        check("127.0.0.1:8787", None);
        check("example.com", None);
        check("ftp://example.com", None);
        check("http://", None);
        check("", None);
    }

    #[test]
    fn lines() {
        let check = |text: &str, expect| assert_eq!(lines_below_the_first(text, 4), expect, "{text:?}");
        check("", 0);
        check("1234", 0);
        check("12345", 1);
        check("1\n\n2345\n", 3);
    }
}
