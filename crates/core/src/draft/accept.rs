//! From a model's answer to a draft that may leave, or to the reason why not.

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
    let draft = Draft { subject: subject.text, body: body.text };
    contract::check(&draft, sender)?;
    let mut mended = subject.mended;
    for found in body.mended {
        if !mended.contains(&found) {
            mended.push(found);
        }
    }
    Ok(Accepted { draft, mended })
}
