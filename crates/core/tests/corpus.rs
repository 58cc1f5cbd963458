//! What models answer when they are asked for a draft, and what is made of it. One trial a case, named after its kind;
//! at the end the score per kind, beside that of the few lines that most programs have in this place.

#![expect(clippy::print_stdout, reason = "the score is what a person reads")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use homefire_core::draft::{Accepted, Draft, Sender, accept};
use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;

/// The cases that there must be at least: a corpus that was not found proves nothing.
const FEWEST: usize = 120;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    case: Vec<Case>,
}

/// An answer, and the draft or the refusal that it comes to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    input: String,
    #[serde(default)]
    sender: Sender,
    #[serde(default)]
    draft: Option<Draft>,
    #[serde(default)]
    mended: Vec<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Default)]
struct Score {
    cases: usize,
    right: usize,
    naive: usize,
}

fn main() {
    let arguments = Arguments::from_args();
    let scores = Arc::new(Mutex::new(BTreeMap::<String, Score>::new()));
    let mut trials = Vec::new();
    for (kind, case) in cases() {
        let scores = Arc::clone(&scores);
        trials.push(Trial::test(format!("{kind}/{}", case.name), move || {
            let result = case.check();
            let mut scores = scores.lock().unwrap_or_else(PoisonError::into_inner);
            let score = scores.entry(kind).or_default();
            score.cases += 1;
            score.right += usize::from(result.is_ok());
            score.naive += usize::from(case.naive_is_right());
            result.map_err(Failed::from)
        }));
    }
    assert!(trials.len() >= FEWEST, "{} cases are fewer than {FEWEST}", trials.len());
    let conclusion = libtest_mimic::run(&arguments, trials);
    print(&scores.lock().unwrap_or_else(PoisonError::into_inner));
    conclusion.exit();
}

/// Every case with its kind, which is its file's name.
fn cases() -> Vec<(String, Case)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("the corpus can be read").path();
        let text = fs::read_to_string(&path).expect("the corpus is UTF-8");
        let kind: Kind = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        cases.extend(kind.case.into_iter().map(|case| (name.clone(), case)));
    }
    cases
}

impl Case {
    fn check(&self) -> Result<(), String> {
        let expect = match (&self.draft, &self.refusal) {
            (Some(draft), None) => Ok(Accepted { draft: draft.clone(), mended: self.mended.clone() }),
            (None, Some(refusal)) if self.mended.is_empty() => Err(refusal.clone()),
            _ => return Err("the case expects not one thing: a draft, or a refusal".to_owned()),
        };
        let seen = accept(&self.input, &self.sender).map_err(|refusal| refusal.to_string());
        if seen == expect {
            return Ok(());
        }
        Err(format!("{}\nexpected {expect:#?}\nsaw {seen:#?}", self.input))
    }

    /// From the first brace to the last, and taken as it is.
    fn naive_is_right(&self) -> bool {
        let between = self.input.find('{').zip(self.input.rfind('}'));
        let text = between.and_then(|(first, last)| self.input.get(first..=last)).unwrap_or_default();
        let found = serde_json::from_str::<Draft>(text);
        match &self.draft {
            Some(draft) => found.is_ok_and(|found| found == *draft),
            None => found.is_err(),
        }
    }
}

fn print(scores: &BTreeMap<String, Score>) {
    println!("{:<24}{:>8}{:>8}{:>8}", "kind", "cases", "right", "naive");
    let mut all = Score::default();
    for (kind, Score { cases, right, naive }) in scores {
        println!("{kind:<24}{cases:>8}{right:>8}{naive:>8}");
        all = Score { cases: all.cases + cases, right: all.right + right, naive: all.naive + naive };
    }
    println!("{:<24}{:>8}{:>8}{:>8}\n", "all", all.cases, all.right, all.naive);
}
