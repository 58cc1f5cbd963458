//! How long Vercel lets a function live: what takes longer is ended without a word, whatever its own deadline is.

use std::time::Duration;

use homefire_core::config::Config;
use homefire_core::health;
use homefire_core::service::READ_BODY;
use serde_json::Value;

/// What the platform is told. It is built from the same folder.
const TOLD: &str = include_str!("../../../vercel.json");

/// For the last words of an answer to leave.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// For the store to be asked in a round.
const STORE: Duration = Duration::from_secs(10);

/// What is wrong with deadlines that come behind the end, a sentence each. A question's time begins when its body is there,
/// and that of a reader who does not read with the reply's head.
pub(crate) fn faults(config: &Config) -> Vec<String> {
    against(TOLD, config)
}

fn against(told: &str, config: &Config) -> Vec<String> {
    let told: Value = serde_json::from_str(told).unwrap_or_default();
    let check = |file: &str, name: &str, whole: Duration| {
        let life = told["functions"][file]["maxDuration"].as_u64().map(Duration::from_secs);
        let Some(life) = life else {
            return Some(format!("{name}: vercel.json has no maxDuration for {file} to hold it against"));
        };
        (whole + LAST_WORDS > life).then(|| {
            let whole = whole.as_secs_f64();
            format!(
                "{name}: with what comes before and behind it {file} may take {whole} s, and 5 s for its last words; \
                 its maxDuration in vercel.json is less"
            )
        })
    };
    let deadlines = &config.deadlines;
    let is_open = config.monitor.cron_secret.is_some();
    let faults = [
        check("api/terminal.rs", "ANSWER_MS", READ_BODY + deadlines.early_head + deadlines.answer),
        check("api/draft.rs", "DRAFT_BUDGET_MS", READ_BODY + deadlines.draft),
        check("api/cron/health.rs", "PROBE_MS", health::longest_looks(config) + STORE).filter(|_| is_open),
    ];
    faults.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Config {
        let node = ("OLLAMA_PRIMARY_URL", "http://127.0.0.1:1");
        let variables = [&[node], variables].concat();
        let read = |asked: &str| {
            variables.iter().rfind(|(known, _)| *known == asked).map(|(_, value)| (*value).to_owned())
        };
        Config::from_reader(read).expect("a configuration")
    }

    #[test]
    fn a_life_that_is_not_told_is_a_fault() {
        let faults = against(r#"{"functions":{"api/draft.rs":{"maxDuration":300}}}"#, &config(&[]));
        let [fault] = &*faults else { panic!("{faults:?}") };
        assert!(fault.starts_with("ANSWER_MS: ") && fault.contains("api/terminal.rs"), "{fault}");
    }

    #[test]
    fn what_would_be_ended_without_a_word() {
        let check = |variables: &[(&str, &str)], expect: &str| {
            let told = faults(&config(variables)).join("");
            assert_eq!(told.split(':').next(), Some(expect), "{variables:?}");
        };
        check(&[("ANSWER_MS", "275000")], "");
        check(&[("ANSWER_MS", "275001")], "ANSWER_MS");
        check(&[("ANSWER_MS", "280000"), ("EARLY_HEAD_MS", "5000")], "");
        check(&[("ANSWER_MS", "280000"), ("EARLY_HEAD_MS", "5001")], "ANSWER_MS");
        check(&[("DRAFT_BUDGET_MS", "285000")], "");
        check(&[("DRAFT_BUDGET_MS", "285001")], "DRAFT_BUDGET_MS");
        let open = ("CRON_SECRET", "0123456789abcdef");
        check(&[("PROBE_MS", "600000")], "");
        check(&[("PROBE_MS", "32500"), open], "");
        check(&[("PROBE_MS", "32501"), open], "PROBE_MS");
        check(&[("PROBE_MS", "42500"), ("LAST_FIRST_WORD_MS", "20000"), open], "");
        let nodes = (b'a'..=b'h').map(|name| {
            let name = char::from(name);
            format!(r#"{{"name":"{name}","url":"http://{name}"}}"#)
        });
        let nodes = format!("[{}]", nodes.collect::<Vec<_>>().join(","));
        let many =
            |probe| [("OLLAMA_PRIMARY_URL", ""), ("HOMEFIRE_NODES", &*nodes), ("PROBE_MS", probe), open];
        check(&many("6250"), "");
        check(&many("6251"), "PROBE_MS");
    }
}
