//! The local commands: one table parses them and is what `help` lists.

mod answers;
mod data;
mod suggest;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::activity::snapshot::Report as Doings;
use crate::letters::small;
use crate::monitor::report::Report;
use crate::site::{Entry, Site};
use data::Data;

/// A reply that needs no model.
#[derive(Debug, Serialize)]
pub struct Answer<'a> {
    r#type: &'static str,
    source: &'static str,
    /// The command as it was understood.
    pub command: String,
    /// For a monospace terminal, at most 78 columns wide where words allow.
    pub text: String,
    /// For programs.
    data: Data<'a>,
}

/// What `status` tells.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Status {
    /// The nodes, as the monitor knows them.
    #[serde(flatten)]
    pub report: Report,
    /// Questions in flight.
    pub in_flight: usize,
}

/// What the answers tell that the owner has not written.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// For `status`.
    pub status: Status,
    /// For `show activity`; none is what the owner wrote.
    pub activity: Option<Doings>,
}

/// One command.
struct Command {
    /// Words as they are typed; `<slug>` and `<field>` stand for the reader's.
    form: &'static str,
    summary: &'static str,
    answer: Answering,
}

/// What a command says to what stands in its holes; `None` where one of them is not filled with anything that exists.
type Answering = for<'a> fn(&[&str], &'a Site, &'a Live) -> Option<Answer<'a>>;

const TABLE: &[Command] = &[
    Command { form: "help", summary: "this list", answer: |_, site, _| Some(answers::help(site)) },
    Command {
        form: "list all",
        summary: "products and systems",
        answer: |_, site, _| Some(answers::list("list all", Some(site.products), Some(site.systems))),
    },
    Command {
        form: "list products",
        summary: "what was made",
        answer: |_, site, _| Some(answers::list("list products", Some(site.products), None)),
    },
    Command {
        form: "list systems",
        summary: "what it runs on",
        answer: |_, site, _| Some(answers::list("list systems", None, Some(site.systems))),
    },
    Command {
        form: "show activity",
        summary: "the latest on GitHub and GitLab",
        answer: |_, site, live| {
            Some(answers::activity(match &live.activity {
                Some(activity) => Cow::Borrowed(activity),
                None => Cow::Owned(Doings::written(&site.activity)),
            }))
        },
    },
    Command {
        form: "show <slug>",
        summary: "a product or system in short",
        answer: |holes, site, _| Some(answers::show(site.entry(holes[0])?)),
    },
    Command {
        form: "show <slug> <field>",
        summary: "one thing of it, such as its stack",
        answer: |holes, site, _| answers::field(site.entry(holes[0])?, holes[1]),
    },
    Command {
        form: "explain <slug>",
        summary: "a product or system at length",
        answer: |holes, site, _| Some(answers::explain(site.entry(holes[0])?)),
    },
    Command {
        form: "status",
        summary: "which models answer, and how busy they are",
        answer: |_, _, live| Some(answers::status(&live.status)),
    },
];

/// Whether the answer will need the [`Status`].
pub fn asks_status(query: &str) -> bool {
    query.trim().eq_ignore_ascii_case("status")
}

/// Whether the answer will need [`Live::activity`].
pub fn asks_activity(query: &str) -> bool {
    query.split_whitespace().map(str::to_ascii_lowercase).eq(["show", "activity"])
}

/// The answer to a command, or to what is nearly one; `None` is free language, for a model to answer.
pub fn answer<'a>(query: &str, site: &'a Site, live: &'a Live) -> Option<Answer<'a>> {
    // What is not ASCII needs tables, and code to be compiled before the first answer.
    let query = if query.is_ascii() { query.to_ascii_lowercase() } else { small(query) };
    let words: Vec<&str> = query.split_whitespace().collect();
    TABLE
        .iter()
        .find_map(|command| {
            let holes = matches(command.form, &words)?;
            (command.answer)(&holes, site, live)
        })
        .or_else(|| suggest::answer(&words, site))
}

/// What stands in the holes of `form`, if the words have its shape.
fn matches<'a>(form: &str, words: &[&'a str]) -> Option<Vec<&'a str>> {
    let form: Vec<&str> = form.split(' ').collect();
    let fits = form.len() == words.len()
        && form.iter().zip(words).all(|(expected, word)| is_hole(expected) || expected == word);
    fits.then(|| {
        form.iter().zip(words).filter(|(expected, _)| is_hole(expected)).map(|(_, word)| *word).collect()
    })
}

fn is_hole(word: &str) -> bool {
    word.starts_with('<')
}

impl<'a> Answer<'a> {
    fn new(command: impl Into<String>, text: String, data: Data<'a>) -> Self {
        Self { r#type: "answer", source: "local", command: command.into(), text, data }
    }
}

/// What can be asked for after `show <slug>`, with its value.
fn fields(entry: &Entry) -> Vec<(String, Value)> {
    let shown = entry.fields().into_iter().filter(|(name, _)| name != "slug");
    shown.map(|(name, value)| (small(&name), value)).collect()
}
