//! Languages by their tags.

/// The language's own tag and its name in English.
const NAMES: &[(&str, &str)] = &[
    ("en", "English"),
    ("de", "German"),
    ("fr", "French"),
    ("es", "Spanish"),
    ("pt", "Portuguese"),
    ("it", "Italian"),
    ("nl", "Dutch"),
    ("pl", "Polish"),
    ("sv", "Swedish"),
    ("da", "Danish"),
    ("nb", "Norwegian"),
    ("nn", "Norwegian Nynorsk"),
    ("no", "Norwegian"),
    ("fi", "Finnish"),
    ("cs", "Czech"),
    ("hu", "Hungarian"),
    ("ro", "Romanian"),
    ("el", "Greek"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("ja", "Japanese"),
    ("zh", "Chinese"),
];

/// What the model is told: a name, or the tag where there is none.
pub(super) fn name(tag: &str) -> &str {
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(primary(tag))).map_or(tag, |(_, name)| name)
}

/// The language without region or script.
pub(super) fn primary(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}
