//! The placeholder contract as a reader of drafts may rely on it, stated apart from the code that keeps it.

use std::collections::HashSet;

/// Stands for a real value each.
const PLACEHOLDERS: [&str; 4] = ["{clientName}", "{dueDate}", "{amount}", "{daysOverdue}"];

/// What stands for a value and is no placeholder, or would become a link or markup in somebody's mail program.
const FOREIGN: &[&str] = &[
    "{", "}", "[", "]", "<", ">", "€", "$", "£", "¥", "://", "www.", " EUR ", " USD ", "euro", "dollar",
    "monday", "january", "montag", "dienstag", "lundi", "lunes", "dezembro",
];

/// The same, where no letter stands beside it.
const FOREIGN_WORDS: &[&str] = &["friday", "nine days"];

/// Whether a draft keeps the contract; `sender` is what the sender said of himself, which may stand in it as it is.
pub fn keeps_contract(subject: &str, body: &str, sender: &[&str]) -> Result<(), String> {
    let fault = |what: &str| Err(format!("{what}:\n{subject}\n{body}"));
    if subject.trim().is_empty() || body.trim().is_empty() {
        return fault("a text is empty");
    }
    if subject.contains(['\n', '\r']) || subject.chars().count() > 150 {
        return fault("the subject is not one short line");
    }
    if body.chars().count() > 3000 {
        return fault("the body is too long");
    }
    let mut rest = format!("{subject}\n{body}");
    let words = words_of(&rest);
    if let Some(word) = FOREIGN_WORDS.iter().find(|word| words.contains(&format!(" {word} "))) {
        return fault(&format!("{word:?} stands in it"));
    }
    if words_of(body).starts_with(" dear john ") {
        return fault("somebody is greeted");
    }
    let held: HashSet<&str> = PLACEHOLDERS.into_iter().filter(|token| rest.contains(token)).collect();
    if let Some(missing) = PLACEHOLDERS.iter().find(|token| !held.contains(**token)) {
        return fault(&format!("{missing} is missing"));
    }
    for own in PLACEHOLDERS.iter().chain(sender) {
        rest = rest.replace(own, " ");
    }
    if let Some(figure) = rest.chars().find(|character| character.is_numeric()) {
        return fault(&format!("{figure:?} is a figure"));
    }
    let is_address =
        |word: &str| word.split_once('@').is_some_and(|(who, place)| !who.is_empty() && !place.is_empty());
    if rest.split_whitespace().any(|word| is_address(word.trim_matches(|c: char| !c.is_alphanumeric()))) {
        return fault("an address stands in it");
    }
    let small = rest.to_lowercase();
    match FOREIGN.iter().find(|word| small.contains(&word.to_lowercase())) {
        Some(word) => fault(&format!("{word:?} stands in it")),
        None => Ok(()),
    }
}

/// In small letters, a space in the place of everything between them, and one at both ends.
fn words_of(text: &str) -> String {
    format!(" {text} ").to_lowercase().replace(|character: char| !character.is_alphanumeric(), " ")
}
