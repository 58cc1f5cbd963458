//! How long Vercel lets a function live: what takes longer is ended without a word, whatever its own deadline is.

use std::time::Duration;

use homefire_core::config::Deadlines;
use serde_json::Value;

/// What the platform is told. It is built from the same folder.
const TOLD: &str = include_str!("../../../vercel.json");

/// For the last words of an answer to leave.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What is wrong with deadlines that come behind the end, a sentence each.
pub(crate) fn faults(deadlines: &Deadlines) -> Vec<String> {
    let told: Value = serde_json::from_str(TOLD).unwrap_or_default();
    let check = |file: &str, name: &str, whole: Duration| {
        let life = told["functions"][file]["maxDuration"].as_u64().map(Duration::from_secs)?;
        (whole + LAST_WORDS > life).then(|| {
            format!("{name}: ends less than 5 s before {file} does, by its maxDuration in vercel.json")
        })
    };
    let faults = [
        check("api/terminal.rs", "ANSWER_MS", deadlines.answer),
        check("api/draft.rs", "DRAFT_BUDGET_MS", deadlines.draft),
    ];
    faults.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use homefire_core::config::Config;

    use super::*;

    #[test]
    fn what_would_be_ended_without_a_word() {
        let check = |name: &str, millis: &str, expect: &str| {
            let node = ("OLLAMA_PRIMARY_URL", "http://127.0.0.1:1");
            let variables = [node, (name, millis)];
            let read = |asked: &str| {
                variables.iter().find(|(known, _)| *known == asked).map(|(_, value)| (*value).to_owned())
            };
            let told = faults(&Config::from_reader(read).expect("a configuration").deadlines).join("");
            assert_eq!(told.split(':').next(), Some(expect), "{name}={millis}");
        };
        check("ANSWER_MS", "295000", "");
        check("ANSWER_MS", "295001", "ANSWER_MS");
        check("DRAFT_BUDGET_MS", "295000", "");
        check("DRAFT_BUDGET_MS", "295001", "DRAFT_BUDGET_MS");
    }
}
