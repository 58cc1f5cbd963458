//! How a node is asked where the reader holds the beginning of an answer: to go on behind it, or for all of it.

use std::borrow::Cow;

use crate::config::Node;
use crate::failure::Failure;
use crate::ollama::{Message, Prompt, Role};
use crate::seam::{self, Seam};
use crate::told::Told;

/// How a node is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner<'a> {
    /// The reader holds nothing.
    First,
    /// To go on behind what the reader holds.
    GoOn {
        /// What the reader holds.
        held: &'a str,
        /// It is known that the node does go on.
        is_trusted: bool,
    },
    /// As it was asked at first; what the reader holds is cleared.
    Anew,
}

impl<'a> Manner<'a> {
    /// `model` is what would be chosen here. A guard may choose the other one: it is trusted only if both go on.
    pub(super) fn behind(held: &'a str, node: &Node, model: &str) -> Self {
        if node.continues.of(model) == Some(false) || seam::partial(held).is_none() {
            return Self::Anew;
        }
        let both = [&node.models.primary, &node.models.fallback];
        let is_trusted = both.iter().all(|model| node.continues.of(model) == Some(true));
        Self::GoOn { held, is_trusted }
    }

    /// What is left to try with a node that failed for this reason. Some models take no conversation that ends with their
    /// own words, and some have nothing to say to it.
    pub(super) fn after(self, why: Failure) -> Option<Self> {
        let is_refusal = matches!(
            why,
            Failure::Rejected | Failure::Status(400 | 500) | Failure::ErrorLine | Failure::Empty
        );
        (matches!(self, Self::GoOn { .. }) && is_refusal).then_some(Self::Anew)
    }

    /// What the node is sent.
    pub(super) fn prompt(self, question: &Prompt) -> Cow<'_, Prompt> {
        match self {
            Self::GoOn { held, .. } if let Some(partial) = seam::partial(held) => {
                let mut prompt = question.clone();
                prompt.messages.push(Message { role: Role::Assistant, content: partial.to_owned() });
                Cow::Owned(prompt)
            }
            Self::First | Self::GoOn { .. } | Self::Anew => Cow::Borrowed(question),
        }
    }

    /// Where its words go.
    pub(super) fn told(self) -> Told {
        match self {
            Self::First => Told::default(),
            Self::GoOn { held, is_trusted } => Told::behind(Seam::new(held.to_owned(), is_trusted)),
            Self::Anew => Told::anew(),
        }
    }
}
