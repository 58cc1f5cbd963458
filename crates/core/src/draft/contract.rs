//! What a draft must be before it may leave: all four placeholders, and nothing in it that stands for a value.

mod names;
mod words;

use super::placeholder::{Part, parts};
use super::request::Sender;
use super::word::is_of_word;
use super::{Draft, Placeholder, Refusal};
use crate::letters::small;
pub(super) use words::{CODES, is_currency};

/// Characters of a subject.
pub const LONGEST_SUBJECT: usize = 150;

/// Characters of a body.
pub const LONGEST_BODY: usize = 3000;

/// Stands for a placeholder, or for what the sender gave, while the rest of a text is looked at. No letter, no bracket.
const MASK: char = '\u{1}';

/// The mask of {clientName}, and that of {daysOverdue}.
const CLIENT: &str = "\u{1}\u{2}";
const DAYS: &str = "\u{1}\u{3}";

/// None may be left, in no width.
const BRACKETS: [char; 12] = ['{', '}', '[', ']', '<', '>', '｛', '｝', '［', '］', '＜', '＞'];

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
            Part::Token(Placeholder::ClientName) => CLIENT.to_owned(),
            Part::Token(Placeholder::DaysOverdue) => DAYS.to_owned(),
            Part::Token(_) => mask.clone(),
        })
        .collect()
}

/// As `str::replace`, but no part of a word; and however the model writes an apostrophe and a capital.
fn replace_words(text: &str, words: &str, instead: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let (mut rest, mut is_within) = (text, false);
    while let Some(first) = rest.chars().next() {
        let behind = (!is_within).then(|| behind_words(rest, words)).flatten();
        rest = if let Some(behind) = behind {
            replaced.push_str(instead);
            behind
        } else {
            replaced.push(first);
            &rest[first.len_utf8()..]
        };
        is_within = first.is_alphanumeric() && behind.is_none();
    }
    replaced
}

/// What follows `words` at the beginning of `text`, if they end there. A name in small letters is a word like others:
/// "within seven days" is nobody's.
fn behind_words<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let plain = |character: char| if character == '’' { '\'' } else { character };
    let is_same = |one: char, other: char| plain(one).to_lowercase().eq(plain(other).to_lowercase());
    let is_name = |text: &str| text.starts_with(char::is_uppercase);
    let mut rest = text.chars();
    let is_same = words.chars().all(|own| rest.next().is_some_and(|other| is_same(own, other)))
        && (is_name(text) || !is_name(words));
    (is_same && !words.is_empty() && !rest.as_str().starts_with(char::is_alphanumeric))
        .then_some(rest.as_str())
}

/// No markup, no other brackets, no blanks, as the notes have them too ("our invoice … for"), no links, no figures.
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
    if text.contains(BRACKETS)
        || has_quoted_word(text)
        || has_blank_head(text)
        || text.contains("___")
        || text.contains("XX")
        || has_bare_name(text)
        || text.split(" … ").skip(1).any(|behind| behind.starts_with(char::is_alphabetic))
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
    let is_label = |word: &str| is_among(&small(word), LABELS);
    let mut quoted = text.split(['«', '»']).skip(1).step_by(2);
    quoted.any(|words| {
        words.split_whitespace().count() <= 1 || words.split(|c: char| !c.is_alphabetic()).any(is_label)
    })
}

/// What stands in East Asian brackets is a head, "【重要】", unless it says what belongs there: "【会社名】".
fn has_blank_head(text: &str) -> bool {
    const LABELS: &str = "名 会社 公司 番号 号码 號碼 電話 电话 日付 日期 金額 金额";
    let mut heads = text.split(['【', '〔']).skip(1).filter_map(|rest| rest.split(['】', '〕']).next());
    heads.any(|head| head.trim().is_empty() || LABELS.split(' ').any(|label| head.contains(label)))
}

/// Whether `word` is one of a long list, which is one text: on wasm a slice costs as much again for where each word stands.
pub(super) fn is_among(word: &str, known: &str) -> bool {
    known.split(' ').any(|one| one == word)
}

/// What no language has as a word, and nobody could mend.
fn has_bare_name(text: &str) -> bool {
    const NAMES: [&str; 6] =
        ["clientname", "client_name", "duedate", "due_date", "daysoverdue", "days_overdue"];
    let small = small(text);
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
/// but bound what looks like a host, as everything does that no address is made of.
pub(super) fn has_link(text: &str) -> bool {
    let edge = |c: char| !c.is_alphanumeric();
    text.contains("://")
        || text.split_whitespace().any(|word| word.trim_matches(edge).contains('@'))
        || with_plain_dots(text)
            .split(|c: char| !is_of_word(c) && !".-@/:?#".contains(c))
            .any(|word| is_host(word.trim_matches(edge)))
}

/// Browsers take the full stops of the East for dots. Between letters of the West they end no sentence.
fn with_plain_dots(text: &str) -> String {
    let is_latin =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, 'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '\u{c0}'..='\u{24f}');
    let mut plain = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let is_dot = matches!(c, '．' | '。' | '｡')
            && plain.ends_with(is_latin)
            && text[at + c.len_utf8()..].starts_with(is_latin);
        plain.push(if is_dot { '.' } else { c });
    }
    plain
}

/// `pay.example`, with whatever stands around it: a name, and an ending of two letters or more. There are too many endings
/// to know them, and a full stop without its space costs no more than another ask. Of one letter are abbreviations, and
/// names with a path behind them.
fn is_host(word: &str) -> bool {
    // What stands before it without a space is no part of it: "here:pay.example".
    let mut pieces = word.split(['/', '?', ':', '#']);
    if pieces.all(|piece| piece.ends_with('.') || is_abbreviation(piece)) {
        return false;
    }
    word.match_indices('.').any(|(at, _)| {
        let name = word[..at].rsplit(['.', '@', '/', '?', ':', '#']).next().unwrap_or_default();
        let ending = &word[at + 1..];
        let letters = ending.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
        let fewest = if ending[letters.len()..].starts_with('/') { 1 } else { 2 };
        name.ends_with(is_of_word) && name.chars().count() >= fewest && letters.chars().count() >= 2
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
