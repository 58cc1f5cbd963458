//! A few words that are said twice: at the end of the first half, and again at the beginning of the second.

/// The longest repetition that is looked for, in characters.
const LONGEST: usize = 120;

/// The shortest, in letters and digits. Rulers and brackets repeat by themselves.
const SHORTEST: usize = 4;

/// And the shortest behind white space: there a word may well be meant twice.
const SHORTEST_SPACED: usize = 12;
const FEWEST_WORDS_SPACED: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overlap {
    None,
    /// So far.
    Perhaps,
    /// So many of the second half are there already.
    Bytes(usize),
}

/// How much of `text` the end of `shown` has said already. `is_fresh`: no white space stands before `text`.
pub(super) fn of(shown: &str, text: &str, is_fresh: bool, is_end: bool) -> Overlap {
    let mut longest = Overlap::None;
    for tail in tails(shown) {
        // What stands there twice already may well stand there three times.
        if shown[..shown.len() - tail.len()].ends_with(tail) {
            continue;
        }
        if tail.len() > text.len() || (tail.len() == text.len() && !is_end) {
            if !is_end && tail.starts_with(text) && is_telling(tail, is_fresh) {
                return Overlap::Perhaps;
            }
        } else if longest == Overlap::None && is_telling(tail, is_fresh) {
            let ends_well = text.strip_prefix(tail).is_some_and(|rest| {
                let (last, next) = (tail.chars().next_back(), rest.chars().next());
                // Without white space before it the last word may have been half of one.
                is_fresh || last.zip(next).is_none_or(|(last, next)| !is_one_word(last, next))
            });
            if ends_well {
                longest = Overlap::Bytes(tail.len());
            }
        }
    }
    longest
}

/// The ends of `shown` that begin with a word, the longest first.
fn tails(shown: &str) -> impl Iterator<Item = &str> {
    let from = shown.char_indices().rev().take(LONGEST).last().map_or(0, |(at, _)| at);
    let mut before = shown[..from].chars().next_back();
    shown[from..].char_indices().filter_map(move |(at, char)| {
        let is_inside = before.is_some_and(|before| is_one_word(before, char));
        before = Some(char);
        (!is_inside && !char.is_whitespace()).then(|| &shown[from + at..])
    })
}

fn is_telling(tail: &str, is_fresh: bool) -> bool {
    let letters = tail.chars().filter(|char| char.is_alphanumeric()).count();
    match is_fresh {
        true => letters >= SHORTEST,
        false => letters >= SHORTEST_SPACED && tail.split_whitespace().count() >= FEWEST_WORDS_SPACED,
    }
}

/// Whether two characters beside one another belong to one word.
fn is_one_word(one: char, other: char) -> bool {
    let belongs = |char: char| char.is_alphanumeric() && !stands_alone(char);
    belongs(one) && belongs(other)
}

/// Whether it belongs to a script that puts no space between words.
fn stands_alone(char: char) -> bool {
    matches!(u32::from(char), 0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3400..=0x9FFF
        | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}
