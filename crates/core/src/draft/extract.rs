//! A draft out of whatever a model said around it, before it, or instead of it.

mod decode;
mod lenient;
mod thinking;

use std::borrow::Cow;

use super::{Draft, Refusal};
use decode::Found;

/// The longest answer that is looked at, in bytes.
pub const LONGEST_ANSWER: usize = 1024 * 1024;

/// An answer may be a string that holds a string that holds the object.
const DEEPEST_ESCAPE: usize = 3;

/// Finds the draft in `answer`: the candidate that says most, the last of equals.
///
/// Every object of the text is a candidate, within fences and without, and each is read towards a draft: delimiters may
/// be wrong or missing, but a text that breaks off is never taken for a whole one. Time is linear in the length of the
/// answer.
pub fn extract(answer: &str) -> Result<Draft, Refusal> {
    if answer.len() > LONGEST_ANSWER {
        return Err(Refusal::NoDraft);
    }
    let mut text = thinking::strip(answer);
    let mut found = Found::default();
    for _ in 0..=DEEPEST_ESCAPE {
        for region in std::iter::once(&*text).chain(fenced(&text)) {
            lenient::objects(region).iter().for_each(|object| found.look_at(object));
        }
        let within = join(&std::mem::take(&mut found.within), text.len());
        match found.best.take() {
            Some(best) => return Ok(best.draft),
            None if !within.is_empty() => text = Cow::Owned(within),
            None if text.contains("\\\"") => text = Cow::Owned(unescape(&text)),
            None => break,
        }
    }
    Err(if found.truncated { Refusal::Truncated } else { Refusal::NoDraft })
}

/// What stands between fences of either kind; the last may be open.
fn fenced(text: &str) -> impl Iterator<Item = &str> {
    ["```", "~~~"].into_iter().flat_map(|fence| text.split(fence).skip(1).step_by(2))
}

/// Texts one below the other, as far as there is room for them.
fn join(texts: &[String], most: usize) -> String {
    let mut all = String::new();
    for text in texts {
        if all.len() + text.len() < most {
            all.push_str(text);
            all.push('\n');
        }
    }
    all
}

/// Takes one level of escapes away.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some(escaped @ ('"' | '\\' | '/')) => plain.push(escaped),
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    plain
}

#[cfg(test)]
mod tests;
