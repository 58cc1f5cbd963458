//! How a word looks, whichever way it is written: small, with its accents or without them.

use super::super::word::is_accent;
use crate::letters::small;

/// The plain letters of Latin ones with an accent, from these codes on; 0 where a letter is no other's.
#[rustfmt::skip]
const PLAIN: &[(u16, u8)] = &[
    (0xe0, b'a'), (0xe7, b'c'), (0xe8, b'e'), (0xec, b'i'), (0xf0, b'd'), (0xf1, b'n'), (0xf2, b'o'),
    (0xf9, b'u'), (0xfd, b'y'), (0xfe, b't'), (0xff, b'y'), (0x100, b'a'), (0x106, b'c'), (0x10e, b'd'),
    (0x112, b'e'), (0x11c, b'g'), (0x124, b'h'), (0x128, b'i'), (0x134, b'j'), (0x136, b'k'), (0x139, b'l'),
    (0x143, b'n'), (0x14c, b'o'), (0x154, b'r'), (0x15a, b's'), (0x162, b't'), (0x168, b'u'), (0x174, b'w'),
    (0x176, b'y'), (0x179, b'z'), (0x17f, b's'), (0x180, 0), (0x1a0, b'o'), (0x1a2, 0), (0x1af, b'u'),
    (0x1b1, 0), (0x218, b's'), (0x21a, b't'), (0x21c, 0), (0x1e00, b'a'), (0x1e02, b'b'), (0x1e08, b'c'),
    (0x1e0a, b'd'), (0x1e14, b'e'), (0x1e1e, b'f'), (0x1e20, b'g'), (0x1e22, b'h'), (0x1e2c, b'i'),
    (0x1e30, b'k'), (0x1e36, b'l'), (0x1e3e, b'm'), (0x1e44, b'n'), (0x1e4c, b'o'), (0x1e54, b'p'),
    (0x1e58, b'r'), (0x1e60, b's'), (0x1e6a, b't'), (0x1e72, b'u'), (0x1e7c, b'v'), (0x1e80, b'w'),
    (0x1e8a, b'x'), (0x1e8e, b'y'), (0x1e90, b'z'), (0x1e96, 0), (0x1ea0, b'a'), (0x1eb8, b'e'), (0x1ec8, b'i'),
    (0x1ecc, b'o'), (0x1ee4, b'u'), (0x1ef2, b'y'), (0x1f00, 0),
];

/// The same for all ways to write a word, but for its accents: a letter that has one stands as a sign of its own, a Greek one
/// has lost it, as in capitals.
pub(super) fn shape(word: &str) -> String {
    let mut shape = String::with_capacity(word.len());
    for character in small(word).chars() {
        match character {
            'ß' => shape.push_str("ss"),
            // Turkish has an i with its dot and one without, in capitals too.
            'ı' => shape.push('i'),
            '\u{307}' if shape.ends_with('i') => {}
            // In full width.
            'ａ'..='ｚ' => shape.push(char::from((character as u32 - 0xfee0) as u8)),
            'ά'..='ώ' => shape.push(without_tonos(character)),
            accent if is_accent(accent) => {
                if shape.ends_with(|last: char| last.is_ascii_lowercase()) {
                    let last = shape.pop().unwrap_or_default();
                    shape.push(accented(last as u8));
                }
            }
            other => shape.push(plain(other).map_or(other, accented)),
        }
    }
    shape
}

/// Stands in a shape for this letter with an accent.
fn accented(plain: u8) -> char {
    char::from(plain & 0x1f)
}

/// What `accented` was made of.
fn base(sign: u8) -> Option<u8> {
    (sign < 0x20).then_some(sign | 0x60)
}

fn plain(letter: char) -> Option<u8> {
    let code = u16::try_from(letter as u32).ok()?;
    let behind = PLAIN.partition_point(|(from, _)| *from <= code);
    let (_, plain) = PLAIN.get(behind.checked_sub(1)?)?;
    (*plain != 0).then_some(*plain)
}

/// Whether a shape begins with a known one, with no more than `ending` letters behind it, or before a digit. A
/// letter with an accent is also written as the plain one, or as two: "Jose", "Mueller".
pub(super) fn is_begun(mut shape: &[u8], mut known: &[u8], ending: usize) -> bool {
    while let [other, rest @ ..] = known {
        let [one, ends @ ..] = shape else { return false };
        (shape, known) = (ends, rest);
        match (*one, *other) {
            (one, other) if one == other => {}
            (one, other) if base(one) == Some(other) => known = without_second(other, known, shape),
            (one, other) if base(other) == Some(one) => shape = without_second(one, shape, known),
            _ => return false,
        }
    }
    let begins_letter = |byte: &&u8| **byte & 0xc0 != 0x80;
    let ends = shape.iter().take_while(|byte| !byte.is_ascii_digit());
    ends.filter(begins_letter).count() <= ending
}

/// What is `behind` the first of two letters that stand for one, "ue" for "ü" or "aa" for "å", without the second.
fn without_second<'a>(first: u8, behind: &'a [u8], accented: &[u8]) -> &'a [u8] {
    match (first, behind) {
        (b'a', [second @ (b'a' | b'e'), rest @ ..]) | (b'o' | b'u', [second @ b'e', rest @ ..])
            if accented.first().is_none_or(|next| next != second && base(*next) != Some(*second)) =>
        {
            rest
        }
        _ => behind,
    }
}

fn without_tonos(letter: char) -> char {
    match letter {
        'ά' => 'α',
        'έ' => 'ε',
        'ή' => 'η',
        'ί' | 'ϊ' => 'ι',
        'ό' => 'ο',
        'ύ' | 'ϋ' => 'υ',
        'ώ' => 'ω',
        'ς' => 'σ',
        other => other,
    }
}
