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
    ("ar", "Arabic"),
    ("he", "Hebrew"),
    ("ko", "Korean"),
    ("ru", "Russian"),
];

/// What the model is told: a name, with the tag where that says more, or the tag where there is no name.
pub(super) fn name(tag: &str) -> String {
    let own = primary(tag);
    match NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(own)) {
        Some((_, name)) if own == tag => (*name).to_owned(),
        Some((_, name)) => format!("{name} ({tag})"),
        None => tag.to_owned(),
    }
}

/// The language without region or script.
pub(super) fn primary(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}
