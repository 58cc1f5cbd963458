//! What a draft must be before it may leave: all four placeholders, and nothing in it that stands for a value.

mod names;
mod words;

use super::placeholder::{Part, parts};
use super::request::Sender;
use super::{Draft, Placeholder, Refusal};
pub(super) use words::is_currency;

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
    // Nobody greets himself.
    names::check(&mask(&draft.body, &Sender::default()), &body)?;
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
    let own =
        |words: &str| sender.texts().fold(words.to_owned(), |words, own| replace_words(&words, own, &mask));
    parts(text)
        .map(|part| match part {
            Part::Words(words) => own(words),
            Part::Token(_) => mask.clone(),
        })
        .collect()
}

/// As `str::replace`, but no part of a word.
fn replace_words(text: &str, words: &str, instead: &str) -> String {
    let (mut replaced, mut from) = (String::with_capacity(text.len()), 0);
    for (at, _) in text.match_indices(words) {
        let end = at + words.len();
        let within =
            text[..at].ends_with(char::is_alphanumeric) || text[end..].starts_with(char::is_alphanumeric);
        if !within {
            replaced.push_str(&text[from..at]);
            replaced.push_str(instead);
            from = end;
        }
    }
    replaced + &text[from..]
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
    if text.contains(['{', '}', '[', ']', '<', '>'])
        || has_quoted_word(text)
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

/// A word in guillemets is a placeholder of somebody's, and so are several of which one says what belongs there; others are
/// prose.
fn has_quoted_word(text: &str) -> bool {
    const LABELS: &str = "name nom nombre nome firma entreprise empresa azienda company numéro número numero number \
                          date datum fecha data montant importe importo betrag amount facture factura fattura fatura \
                          rechnung invoice client cliente kunde kunden address adresse";
    let is_label = |word: &str| is_among(&word.to_lowercase(), LABELS);
    let mut quoted = text.split(['«', '»']).skip(1).step_by(2);
    quoted.any(|words| {
        words.split_whitespace().count() <= 1 || words.split(|c: char| !c.is_alphabetic()).any(is_label)
    })
}

/// Whether `word` is one of a long list, which is one text: on wasm a slice costs as much again for where each word stands.
fn is_among(word: &str, known: &str) -> bool {
    known.split(' ').any(|one| one == word)
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

/// An address of the web or of mail, as mail programs would make a link of it. Quotation marks may stand before an `@`,
/// but bound what looks like a host.
fn has_link(text: &str) -> bool {
    let edge = |c: char| !c.is_alphanumeric();
    text.contains("://")
        || text.split_whitespace().any(|word| word.trim_matches(edge).contains('@'))
        || text
            .split(|c: char| c.is_whitespace() || "()\"'“”,;".contains(c))
            .any(|word| is_host(word.trim_matches(edge)))
}

/// `pay.example`, with whatever follows it: a name, and an ending of two letters or more. There are too many endings to
/// know them, and a full stop without its space costs no more than another ask.
fn is_host(word: &str) -> bool {
    // What stands before it without a space is no part of it: "here:pay.example".
    let pieces = || word.split(['/', '?', ':', '#']);
    if pieces().all(|piece| piece.ends_with('.') || is_abbreviation(piece)) {
        return false;
    }
    pieces().filter_map(|host| host.rsplit_once('.')).any(|(name, ending)| {
        let name = name.rsplit('.').next().unwrap_or_default();
        name.chars().count() >= 2
            && name.ends_with(char::is_alphanumeric)
            && ending.chars().count() >= 2
            && ending.chars().all(char::is_alphabetic)
    })
}

/// How letters in Italian and Portuguese address somebody.
fn is_abbreviation(word: &str) -> bool {
    const ADDRESSES: &[&str] = &[
        "spett.le", "sig.ra", "sig.na", "sig.ri", "gent.mo", "gent.ma", "gent.mi", "gent.me", "gent.le",
        "egr.sig", "preg.mo", "preg.ma", "ill.mo", "ill.ma", "dott.ssa", "prof.ssa", "ex.mo", "ex.ma",
        "ex.mos", "ex.mas",
    ];
    ADDRESSES.iter().any(|known| known.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests;
