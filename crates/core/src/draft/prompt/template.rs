//! The owner's template, filled in.

use super::variables::variables;

/// What the model is told, and what each tone means.
pub(super) struct Template {
    instructions: &'static str,
    /// The friendliest first.
    pub(super) meanings: [&'static str; 3],
}

/// As it was read when this library was built.
pub(super) static TEMPLATE: Template = include!(concat!(env!("OUT_DIR"), "/template.rs"));

impl Template {
    /// The instructions with their variables. What is filled in is not looked at again; a paragraph that is left empty
    /// is left out.
    pub(super) fn fill(&self, value: impl Fn(&str) -> String) -> String {
        let mut filled = String::new();
        let mut rest = self.instructions;
        while let Some((name, at)) = variables(rest).next() {
            filled.push_str(&rest[..at]);
            let value = value(name);
            rest = &rest[at + name.len() + 4..];
            if value.is_empty() {
                rest = rest.trim_start_matches('\n');
            }
            filled.push_str(&value);
        }
        filled + rest
    }
}
