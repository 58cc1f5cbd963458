//! What stands in a text and is not seen: controls, and what splits words, turns them round or hides in them.

use crate::letters::has_case;

/// Whether `character` is one of these. No control is meant, for some of them are lines and tabs; and no joiner, for emoji
/// and whole scripts are made of them.
pub(crate) fn hides(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Whether it is a control, or hides. Lines and tabs are no such.
pub(crate) fn is_hidden(character: char) -> bool {
    (character.is_control() && !matches!(character, '\n' | '\t')) || hides(character)
}

/// The text without what is hidden. Between letters that have case, which no script joins, a joiner is hidden, too.
pub(crate) fn without_hidden(text: &str) -> String {
    let mut seen = String::with_capacity(text.len());
    for character in text.chars().filter(|character| !is_hidden(*character)) {
        if has_case(character) {
            let before = seen.trim_end_matches(['\u{200c}', '\u{200d}']);
            if before.ends_with(has_case) {
                seen.truncate(before.len());
            }
        }
        seen.push(character);
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let check = |text: &str, expect: &str| assert_eq!(without_hidden(text), expect, "{text:?}");
        check(
            "a\u{ad}\u{34f}\u{61c}\u{180e}\u{200b}\u{200f}\u{2061}\u{206a}\u{fffa}\u{e0041}b\u{7}\n\tc",
            "ab\n\tc",
        );
        check("п\u{200c}а\u{200d}\u{200c}й", "пай");
        check("a\u{200d}\u{200b}b\u{200d} c", "ab\u{200d} c");
        check("می\u{200c}شود क्\u{200d}ष 👩\u{200d}🔥", "می\u{200c}شود क्\u{200d}ष 👩\u{200d}🔥");
    }
}
