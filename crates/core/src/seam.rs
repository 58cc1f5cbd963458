//! Where an answer that broke off is joined to what another node goes on to say.
//!
//! The node is sent what the reader was shown, without the white space at its end: some servers cut it off themselves, so
//! nobody's model sees it. What comes back may begin with that white space again or not, may repeat the last few words,
//! or may be the answer from its beginning. Text is held back for as long as it may still be any of these.

mod overlap;

use overlap::Overlap;

/// So much must have been shown, in characters, for an answer to be worth going on with. What is shorter begins anew.
pub const SHORTEST: usize = 16;

/// So much of the answer's beginning must come back, in characters, to be no coincidence.
const TELLTALE: usize = 12;

/// The same behind white space, where a list or a refrain may go on.
const TELLTALE_SPACED: usize = 32;

/// Bytes that are held back beyond what was shown. What nothing follows but white space is then taken as it is.
const MOST_HELD: usize = 4 * 1024;

/// An answer that broke off, and what may follow it.
#[derive(Clone, Debug)]
pub struct Seam {
    shown: String,
    held: String,
    is_trusted: bool,
}

/// How the two halves fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Joint {
    /// This goes on where the reader is.
    GoesOn(String),
    /// This is the answer from its beginning: what was shown is to be cleared.
    StartsOver(String),
}

/// What is sent of a text that was shown; none if there is too little of it.
pub fn partial(shown: &str) -> Option<&str> {
    let partial = shown.trim_end();
    (partial.chars().count() >= SHORTEST).then_some(partial)
}

impl Seam {
    /// Behind what the reader was shown. A node that is trusted to go on is not suspected of starting over.
    pub fn new(shown: String, is_trusted: bool) -> Self {
        Self { shown, held: String::new(), is_trusted }
    }

    /// What the reader was shown.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Bytes that are held back.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Takes a piece; says how the halves fit as soon as that is certain.
    pub fn hear(&mut self, piece: &str) -> Option<Joint> {
        self.held.push_str(piece);
        self.decide(self.held.len() > self.shown.len() + MOST_HELD)
    }

    /// Nothing more comes.
    pub fn end(&mut self) -> Joint {
        self.decide(true).unwrap_or_else(|| Joint::GoesOn(std::mem::take(&mut self.held)))
    }

    /// `is_end`: nothing more is waited for.
    fn decide(&mut self, is_end: bool) -> Option<Joint> {
        let (partial, text) = (self.shown.trim_end(), self.held.trim_start());
        if text.is_empty() && !is_end {
            return None;
        }
        let is_fresh = text.len() == self.held.len();
        if !self.is_trusted {
            match again(self.shown.trim_start(), text, is_fresh, is_end) {
                Again::Perhaps => return None,
                Again::Yes => return Some(Joint::StartsOver(std::mem::take(&mut self.held))),
                Again::AndOn(rest) => return Some(Joint::GoesOn(rest.to_owned())),
                Again::No => {}
            }
        }
        let rest = match overlap::of(partial, text, is_fresh, is_end) {
            Overlap::Perhaps => return None,
            Overlap::Bytes(count) => &text[count..],
            Overlap::None => &*self.held,
        };
        let text = rest.trim_start();
        if text.is_empty() && !is_end {
            return None;
        }
        let lead = missing(&self.shown[partial.len()..], &rest[..rest.len() - text.len()]);
        Some(Joint::GoesOn(format!("{lead}{text}")))
    }
}

enum Again<'a> {
    No,
    /// So far.
    Perhaps,
    Yes,
    /// All that was shown, and then this.
    AndOn(&'a str),
}

/// Whether a text that was shown may be all of an answer, by its last character.
pub fn may_be_all(shown: &str) -> bool {
    const OPEN: &str = ",;-–—([{“„«،、";
    let last = shown.trim_end().chars().next_back();
    last.is_some_and(|last| !last.is_alphanumeric() && !OPEN.contains(last))
}

/// Whether `text` says again what was shown, from its beginning. `is_fresh`: no white space stands before it.
fn again<'a>(shown: &str, text: &'a str, is_fresh: bool, is_end: bool) -> Again<'a> {
    let telltale = if is_fresh { TELLTALE } else { TELLTALE_SPACED };
    if let Some(rest) = text.strip_prefix(shown) {
        return Again::AndOn(rest);
    }
    if !is_end && shown.starts_with(text) {
        return Again::Perhaps;
    }
    let same = shown.chars().zip(text.chars()).take_while(|(one, other)| one == other).count();
    if same >= telltale { Again::Yes } else { Again::No }
}

/// Of the white space before the second half, what was not shown behind the first.
fn missing<'a>(shown: &str, lead: &'a str) -> &'a str {
    match lead.strip_prefix(shown) {
        Some(rest) => rest,
        None if lead.contains('\n') && !shown.contains('\n') => lead,
        None => "",
    }
}

#[cfg(test)]
mod tests;
