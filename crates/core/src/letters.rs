//! Letters, whatever their script.

/// `text` in small letters, one by one. `str::to_lowercase` would look at what stands around a Greek sigma, which makes
/// the Worker 2 KB larger, and two names that are the same unequal.
pub(crate) fn small(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Whether a letter is one of a script with small letters and capitals.
pub(crate) fn has_case(letter: char) -> bool {
    letter.is_lowercase() || letter.is_uppercase()
}
