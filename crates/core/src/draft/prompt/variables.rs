//! The variables of the owner's template, when it is built and when it is filled in.

/// The names in double brackets, and where each begins.
pub(super) fn variables(text: &str) -> impl Iterator<Item = (&str, usize)> {
    text.match_indices("[[").filter_map(|(at, _)| {
        let name = text[at + 2..].split_once("]]")?.0;
        (!name.contains(['\n', '['])).then_some((name, at))
    })
}
