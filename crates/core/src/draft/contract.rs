//! What a draft must be before it may leave: all four placeholders, and nothing in it that stands for a value.

mod names;
mod words;

use super::placeholder::{Part, parts};
use super::request::Sender;
use super::{Draft, Placeholder, Refusal};

/// Characters of a subject.
pub const LONGEST_SUBJECT: usize = 150;

/// Characters of a body.
pub const LONGEST_BODY: usize = 3000;

/// Stands for a placeholder, or for what the sender gave, while the rest of a text is looked at. No letter, no bracket.
const MASK: char = '\u{1}';

/// Looks at everything that a draft could get wrong; the first that is wrong is the refusal.
pub(super) fn check(draft: &Draft, sender: &Sender) -> Result<(), Refusal> {
    if draft.subject.chars().count() > LONGEST_SUBJECT {
        return Err(Refusal::SubjectTooLong);
    }
    if draft.body.chars().count() > LONGEST_BODY {
        return Err(Refusal::BodyTooLong);
    }
    let (subject, body) = (mask(&draft.subject, sender), mask(&draft.body, sender));
    for text in [&subject, &body] {
        plain(text)?;
        words::check(text)?;
    }
    names::check(&body)?;
    let is_in =
        |one: Placeholder| [&draft.subject, &draft.body].iter().any(|text| text.contains(one.token()));
    match Placeholder::ALL.into_iter().find(|one| !is_in(*one)) {
        Some(missing) => Err(Refusal::Missing(missing)),
        None => Ok(()),
    }
}

/// The text without what may stand in it as it is.
fn mask(text: &str, sender: &Sender) -> String {
    let mask = MASK.to_string();
    let own = |words: &str| sender.texts().fold(words.to_owned(), |words, own| words.replace(own, &mask));
    parts(text)
        .map(|part| match part {
            Part::Words(words) => own(words),
            Part::Token(_) => mask.clone(),
        })
        .collect()
}

/// No markup, no other brackets, no blanks, no links, no figures.
fn plain(text: &str) -> Result<(), Refusal> {
    let markup = text.match_indices('<').any(|(at, _)| {
        text[at + 1..].starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '/' | '!'))
    });
    if markup || has_entity(text) {
        return Err(Refusal::Html);
    }
    if has_link(text) {
        return Err(Refusal::Link);
    }
    if text.contains(['{', '}', '[', ']', '<', '>', '«', '»'])
        || text.contains("___")
        || text.contains("XX")
        || has_bare_name(text)
    {
        return Err(Refusal::UnknownPlaceholder);
    }
    if text.contains(char::is_numeric) {
        return Err(Refusal::Number);
    }
    Ok(())
}

/// What no language has as a word, and nobody could mend.
fn has_bare_name(text: &str) -> bool {
    const NAMES: [&str; 6] =
        ["clientname", "client_name", "duedate", "due_date", "daysoverdue", "days_overdue"];
    let small = text.to_lowercase();
    NAMES.iter().any(|name| small.contains(name))
}

/// `&nbsp;` and the like.
fn has_entity(text: &str) -> bool {
    text.match_indices('&').any(|(at, _)| {
        let name =
            text[at + 1..].split(|c: char| !c.is_ascii_alphanumeric() && c != '#').next().unwrap_or_default();
        (2..=8).contains(&name.len()) && text[at + 1 + name.len()..].starts_with(';')
    })
}

/// An address of the web or of mail, as mail programs would make a link of it.
fn has_link(text: &str) -> bool {
    const ENDS: [&str; 24] = [
        "com", "org", "net", "io", "de", "fr", "es", "pt", "br", "uk", "eu", "app", "dev", "info", "biz",
        "ly", "link", "pay", "shop", "online", "site", "xyz", "me", "co",
    ];
    let is_host = |word: &str| {
        let word = word.split(['/', '?', ':', '#']).next().unwrap_or_default();
        let Some((name, end)) = word.rsplit_once('.') else { return false };
        !name.is_empty() && ENDS.iter().any(|known| known.eq_ignore_ascii_case(end))
    };
    let edge = |c: char| !c.is_alphanumeric();
    text.contains("://")
        || text.split(|c: char| c.is_whitespace() || "()\"'“”,;".contains(c)).any(|word| {
            let word = word.trim_matches(edge);
            word.to_ascii_lowercase().starts_with("www.")
                || word.trim_matches('.').contains('@')
                || is_host(word)
        })
}

#[cfg(test)]
mod tests;
