//! Reads the owner's template when the library is built: sections under headings, variables in double brackets.

use super::variables::variables;

/// Each must be there once.
const VARIABLES: [&str; 6] = ["language", "tone", "meaning", "sender", "previous", "notes"];

/// What the instructions must say, so that the model can keep the contract.
const PLACEHOLDERS: [&str; 4] = ["{clientName}", "{dueDate}", "{amount}", "{daysOverdue}"];

/// The template as a constant of the library; or everything that is wrong with it, told at once.
pub(super) fn parse(text: &str) -> Result<String, Vec<String>> {
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
    for (name, _) in meanings.iter().flat_map(|meaning| variables(meaning)) {
        faults.push(format!("[[{name}]] stands in a tone; only the instructions are filled in"));
    }
    let source = format!("Template {{ instructions: {instructions:?}, meanings: {meanings:?} }}");
    if faults.is_empty() { Ok(source) } else { Err(faults) }
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

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../../../../content/draft.md");

    #[test]
    fn faults_are_told() {
        let check = |from: &str, to: &str, expect: &str| {
            assert!(TEMPLATE.contains(from), "{from} is not in the template");
            let told = parse(&TEMPLATE.replacen(from, to, 1)).unwrap_err().join("\n");
            assert!(told.contains(expect), "{to}\n  expected {expect}\n  told {told}");
        };
        assert!(parse(TEMPLATE).unwrap().starts_with("Template { instructions: \"You write"));
        check("# Firm", "# Stern", "the section \"# Firm\" is missing or empty");
        check("# Firm", "# Urgent", "the section \"# Urgent\" is there twice");
        check("# Firm", "# More\n\n# Firm", "the section \"# More\" is not known");
        check("[[tone]]", "", "the instructions hold [[tone]] not exactly once");
        check("Tone: ", "[[language]]", "the instructions hold [[language]] not exactly once");
        check("Tone: ", "[[mood]]", "[[mood]] is not known");
        check("Be polite", "Write in [[language]]", "[[language]] stands in a tone");
        check("JSON", "text", "the instructions do not ask for JSON");
    }
}
