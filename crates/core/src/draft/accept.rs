//! From a model's answer to a draft that may leave, or to the reason why not.

use super::contract::is_among;
use super::request::Sender;
use super::{Draft, Refusal, contract, extract, mend};

/// A draft that keeps the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The draft.
    pub draft: Draft,
    /// What was found in the place of a placeholder, and mended; each once.
    pub mended: Vec<String>,
}

/// The draft in a model's answer, mended and held against the contract.
pub fn accept(answer: &str, sender: &Sender) -> Result<Accepted, Refusal> {
    let found = extract::extract(answer)?;
    let subject = found.subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let subject = mend::mend(&subject, sender);
    let body = mend::mend(&found.body, sender);
    let draft = Draft { subject: behind_label(&subject.text), body: behind_header(&body.text) };
    contract::check(&draft, sender)?;
    let mut mended = subject.mended;
    for found in body.mended {
        if !mended.contains(&found) {
            mended.push(found);
        }
    }
    Ok(Accepted { draft, mended })
}

/// A subject without what says that it is one.
fn behind_label(line: &str) -> String {
    let is_label = |label: &str| is_among(label.trim_end(), "Subject Betreff Objet Asunto Assunto Oggetto");
    let behind = line.split_once(':').filter(|(label, behind)| is_label(label) && !behind.trim().is_empty());
    behind.map_or(line, |(_, behind)| behind.trim_start()).to_owned()
}

/// A body without a subject of its own.
fn behind_header(body: &str) -> String {
    let header =
        body.split_once("\n\n").filter(|(line, _)| !line.contains('\n') && behind_label(line) != *line);
    header.map_or(body, |(_, behind)| behind.trim_start()).to_owned()
}
