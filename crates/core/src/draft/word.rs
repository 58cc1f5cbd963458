//! What words are made of, in scripts whose letters carry marks, too.

/// A letter, a digit, or a mark of the letter before it.
pub(super) fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || is_accent(character) || is_mark(character)
}

/// What Rust counts to no letter in scripts that need it in many words: the marks of Thai, of Lao and of kana, and the
/// joiners, dots and silent signs of India, which stand in one place of each of its blocks.
fn is_mark(character: char) -> bool {
    matches!(character, '\u{e47}'..='\u{e4e}' | '\u{ec8}'..='\u{ece}' | '\u{3099}' | '\u{309a}' | '\u{200c}' | '\u{200d}')
        || (matches!(character, '\u{900}'..='\u{d7f}') && matches!(character as u32 & 0x7f, 0x3c | 0x4d))
}

pub(super) fn is_accent(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}
