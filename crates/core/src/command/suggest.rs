//! What is nearly a command: answered with what was perhaps meant.

use strsim::osa_distance;

use super::data::Data;
use super::{Answer, TABLE, is_hole, text};
use crate::site::{Entry, Site};

/// The most candidates that are worth reading.
const MOST: usize = 8;

/// Longer texts are free language, and their distances are not worth computing.
const LONGEST: usize = 64;

/// `None` is free language.
pub(super) fn answer<'a>(words: &[&str], site: &Site) -> Option<Answer<'a>> {
    if words.is_empty() || words.len() > 3 || words.iter().any(|word| word.len() > LONGEST) {
        return None;
    }
    let candidates = candidates(words, site);
    if candidates.is_empty() {
        return None;
    }
    let query = words.join(" ");
    let lines: Vec<String> = candidates.iter().map(|command| format!("  {command}")).collect();
    let text = format!(
        "{}\n{}",
        text::wrap(&format!("No such command: {query}. Did you mean"), 0),
        lines.join("\n")
    );
    Some(Answer::new("did you mean", text, Data::Meant { query, candidates }))
}

fn candidates(words: &[&str], site: &Site) -> Vec<String> {
    let mut found: Vec<String> = fixed(words).map(str::to_owned).collect();
    let (verb, rest) = (words[0], &words[1..]);
    for known in ["show", "explain"].into_iter().filter(|known| near(verb, known)) {
        match *rest {
            [] => found.extend(site.entries().map(|entry| format!("{known} {}", entry.slug))),
            [slug] => found.extend(slugs(slug, verb == known, site).map(|slug| format!("{known} {slug}"))),
            [slug, field] if known == "show" => found.extend(fields(slug, field, verb == known, site)),
            [..] => {}
        }
    }
    let mut nearest: Vec<(usize, String)> = Vec::new();
    for command in found {
        let distance = osa_distance(&words.join(" "), &command);
        let at = nearest.partition_point(|(nearer, _)| *nearer <= distance);
        nearest.insert(at, (distance, command));
    }
    nearest.dedup();
    nearest.truncate(MOST);
    nearest.into_iter().map(|(_, command)| command).collect()
}

/// Commands without holes that are near to all of what was typed, or begin with its only word.
fn fixed<'a>(words: &'a [&str]) -> impl Iterator<Item = &'static str> + 'a {
    TABLE.iter().map(|command| command.form).filter(|form| !form.split(' ').any(is_hole)).filter(
        move |form| {
            let known: Vec<&str> = form.split(' ').collect();
            let alike =
                known.len() == words.len() && known.iter().zip(words).all(|(known, word)| near(word, known));
            alike || (words.len() == 1 && known.len() > 1 && near(words[0], known[0]))
        },
    )
}

/// The slugs near to `typed`; all of them where the verb is beyond doubt and the slug is unknown.
fn slugs<'a>(typed: &'a str, verb_is_sure: bool, site: &'a Site) -> impl Iterator<Item = &'a str> {
    let all = site.entries().map(|entry| entry.slug);
    let any = all.clone().any(|slug| near(typed, slug));
    all.filter(move |slug| if any { near(typed, slug) } else { verb_is_sure })
}

/// The fields near to `typed` of a slug that is known or near to one; all of them where the verb is beyond doubt.
fn fields(slug: &str, typed: &str, verb_is_sure: bool, site: &Site) -> Vec<String> {
    let nearest = site.entry(slug).or_else(|| site.entries().find(|entry| near(slug, entry.slug)));
    let Some(entry) = nearest else { return Vec::new() };
    let names: Vec<String> = super::fields(entry).into_iter().map(|(name, _)| name).collect();
    let any = names.iter().any(|name| near(typed, name));
    let is_meant = |name: &&String| if any { near(typed, name) } else { verb_is_sure };
    names.iter().filter(is_meant).map(|name| show(entry, name)).collect()
}

fn show(entry: &Entry, field: &str) -> String {
    format!("show {} {field}", entry.slug)
}

/// Whether a slip of the finger is between the two: one in a short word, two in a longer one.
fn near(typed: &str, known: &str) -> bool {
    let slips = if known.chars().count() <= 5 { 1 } else { 2 };
    osa_distance(typed, known) <= slips
}
