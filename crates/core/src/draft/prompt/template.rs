//! The owner's template: sections under headings, variables in double brackets. Read when it is built, too.

/// Each must be there once.
const VARIABLES: [&str; 6] = ["language", "tone", "meaning", "sender", "previous", "notes"];

/// What the instructions must say, so that the model can keep the contract.
const PLACEHOLDERS: [&str; 4] = ["{clientName}", "{dueDate}", "{amount}", "{daysOverdue}"];

/// A template that has been read.
#[derive(Debug)]
pub(crate) struct Template {
    instructions: String,
    meanings: [String; 3],
}

impl Template {
    /// Reads a template; everything that is wrong with it is told at once.
    pub(crate) fn parse(text: &str) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let sections = sections(text);
        let mut section = |name: &str| {
            let found: Vec<&String> =
                sections.iter().filter(|(known, _)| known == name).map(|(_, text)| text).collect();
            match found.as_slice() {
                [text] if !text.is_empty() => (*text).clone(),
                [] | [_] => {
                    faults.push(format!("the section \"# {name}\" is missing or empty"));
                    String::new()
                }
                _ => {
                    faults.push(format!("the section \"# {name}\" is there twice"));
                    String::new()
                }
            }
        };
        let instructions = section("Instructions");
        let meanings = ["Friendly", "Firm", "Urgent"].map(&mut section);
        let known = ["Instructions", "Friendly", "Firm", "Urgent"];
        for (name, _) in sections.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            faults.push(format!("the section \"# {name}\" is not known"));
        }
        for name in VARIABLES {
            if instructions.matches(&format!("[[{name}]]")).count() != 1 {
                faults.push(format!("the instructions hold [[{name}]] not exactly once"));
            }
        }
        for (name, _) in variables(&instructions).filter(|(name, _)| !VARIABLES.contains(name)) {
            faults.push(format!("[[{name}]] is not known; there are {}", VARIABLES.join(", ")));
        }
        for token in PLACEHOLDERS.iter().filter(|token| !instructions.contains(**token)) {
            faults.push(format!("the instructions do not name {token}"));
        }
        if !instructions.contains("JSON") {
            faults.push("the instructions do not ask for JSON".to_owned());
        }
        if faults.is_empty() { Ok(Self { instructions, meanings }) } else { Err(faults) }
    }

    /// What each tone means, the friendliest first.
    pub(crate) fn meanings(&self) -> &[String; 3] {
        &self.meanings
    }

    /// The instructions with their variables. What is filled in is not looked at again; a paragraph that is left empty
    /// is left out.
    pub(crate) fn fill(&self, value: impl Fn(&str) -> String) -> String {
        let mut filled = String::new();
        let mut rest = &*self.instructions;
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

/// Headings of the first level, and the text below each. Comments are left out.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("<!--") {
        plain.push_str(before);
        rest = comment.split_once("-->").map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in plain.lines() {
        match (line.strip_prefix("# "), sections.last_mut()) {
            (Some(name), _) => sections.push((name.trim().to_owned(), String::new())),
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    sections.into_iter().map(|(name, text)| (name, text.trim().to_owned())).collect()
}

/// The names in double brackets, and where each begins.
fn variables(text: &str) -> impl Iterator<Item = (&str, usize)> {
    text.match_indices("[[").filter_map(|(at, _)| {
        let name = text[at + 2..].split_once("]]")?.0;
        (!name.contains(['\n', '['])).then_some((name, at))
    })
}
