//! What each command says.

use std::borrow::Cow;

use super::data::{Brief, Data, Form};
use super::{Answer, Command, Status, TABLE, fields, text};
use crate::activity::snapshot::{Report, Told};
use crate::calendar::date;
use crate::monitor::Health;
use crate::monitor::report::NodeReport;
use crate::site::{Entry, Site};

pub(super) fn help(site: &Site) -> Answer<'_> {
    let rows = TABLE.iter().map(|command| (command.form, command.summary.to_owned()));
    let slugs: Vec<&str> = site.entries().map(|entry| entry.slug).collect();
    let text = format!(
        "{}\n\n{}\n\n{}",
        text::table(rows),
        text::wrap(&format!("Slugs: {}.", slugs.join(", ")), 0),
        text::wrap("Anything else is a question, and a model answers it.", 0)
    );
    let form = |command: &Command| Form { form: command.form, summary: command.summary };
    Answer::new("help", text, Data::Help { commands: TABLE.iter().map(form).collect(), slugs })
}

pub(super) fn list<'a>(
    command: &str,
    products: Option<&'a [Entry]>,
    systems: Option<&'a [Entry]>,
) -> Answer<'a> {
    let section = |(title, entries): (&str, &[Entry])| {
        let rows = entries.iter().map(|entry| (entry.slug, entry.line.to_owned()));
        format!("{title}\n{}", text::table(rows))
    };
    let sections =
        [products.map(|products| ("Products", products)), systems.map(|systems| ("Systems", systems))];
    let text = sections.into_iter().flatten().map(section).collect::<Vec<_>>().join("\n\n");
    let brief = |entries: &'a [Entry]| entries.iter().map(Brief::of).collect();
    Answer::new(command, text, Data::List { products: products.map(brief), systems: systems.map(brief) })
}

pub(super) fn show(entry: &Entry) -> Answer<'_> {
    let fields = fields(entry);
    let more = fields.iter().filter(|(name, _)| !["name", "line", "text", "links"].contains(&name.as_str()));
    let facts = more.map(|(name, value)| (name.as_str(), text::value(value)));
    let links = entry.links.iter().map(|(name, url)| (*name, (*url).to_owned()));
    let text =
        format!("{}\n{}\n\n{}", entry.name, text::wrap(entry.line, 0), text::table(facts.chain(links)));
    Answer::new(format!("show {}", entry.slug), text, Data::Entry(entry.fields()))
}

pub(super) fn field<'a>(entry: &'a Entry, name: &str) -> Option<Answer<'a>> {
    let (name, value) = fields(entry).into_iter().find(|(known, _)| known == name)?;
    let text = match value.as_object() {
        Some(fields) => text::table(fields.iter().map(|(name, item)| (name.as_str(), text::value(item)))),
        None => text::wrap(&text::value(&value), 0),
    };
    let text = if text.is_empty() { format!("{} has no {name}.", entry.name) } else { text };
    let data = Data::Field { slug: entry.slug, field: name.clone(), value };
    Some(Answer::new(format!("show {} {name}", entry.slug), text, data))
}

pub(super) fn explain(entry: &Entry) -> Answer<'_> {
    let text = format!("{}\n\n{}", entry.name, text::wrap(entry.text, 0));
    Answer::new(format!("explain {}", entry.slug), text, Data::Entry(entry.fields()))
}

pub(super) fn activity(report: Cow<'_, Report>) -> Answer<'_> {
    let section = |(place, told): (&str, &Told)| {
        let rows = told.recent.iter().map(|act| (act.date.as_str(), format!("{}: {}", act.repo, act.line)));
        format!("{place}, {}\n{}", told.url, text::table(rows))
    };
    let places = [("GitHub", &report.github), ("GitLab", &report.gitlab)].map(section);
    let (github, gitlab) = (report.github.when(), report.gitlab.when());
    let when = match github == gitlab {
        true => format!("As of {github}."),
        false => format!("GitHub as of {github}; GitLab as of {gitlab}."),
    };
    let text = format!("{}\n\n{}", places.join("\n\n"), text::wrap(&when, 0));
    Answer::new("show activity", text, Data::Activity(report))
}

pub(super) fn status(status: &Status) -> Answer<'_> {
    let rows = status.report.nodes.iter().map(|node| (node.name.as_str(), node_line(node)));
    let busy = match status.in_flight {
        0 => "No question is in flight.".to_owned(),
        1 => "One question is in flight.".to_owned(),
        many => format!("{many} questions are in flight."),
    };
    let text = format!("Asked in this order:\n{}\n\n{busy}", text::table(rows));
    Answer::new("status", text, Data::Status(status))
}

fn node_line(node: &NodeReport) -> String {
    let state = match node.state {
        Health::Unknown => "unknown",
        Health::Up => "up",
        Health::Down => "down",
        Health::Drained => "drained",
    };
    let since = node.since.map_or(String::new(), |since| format!(" since {}", date(since)));
    let why = node.why.map_or(String::new(), |why| format!(" ({why})"));
    let month = node.availability.month;
    let well = month.map_or(String::new(), |share| format!("; well {} % of 30 days", percent(share)));
    format!("{}; {state}{since}{why}{well}", node.models.join(", then "))
}

/// A share in hundredths, to the tenth of one. The formatting of floats would be 9 KB of the Worker, for this line alone.
fn percent(share: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is from 0 to 1")]
    let tenths = (share * 100.0 * 10.0).round_ties_even() as u32;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents() {
        for looks in 1..=400_u32 {
            for good in 0..=looks {
                let share = f64::from(good) / f64::from(looks);
                // What lies just between two tenths may go either way.
                let is_between = (share * 100.0 * 10.0).fract() == 0.5;
                assert!(is_between || percent(share) == format!("{:.1}", share * 100.0), "{good} of {looks}");
            }
        }
    }
}
