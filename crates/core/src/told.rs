//! What a reader is told of an answer: events to be sent, and the text so far, in case another node must go on.

use bytes::{Bytes, BytesMut};

use crate::failure::Failure;
use crate::json;
use crate::relay::Output;
use crate::seam::{self, Joint, Seam};
use crate::sse::{self, Frame};

/// The longest text that another node is asked to go on with, in bytes as JSON.
const LONGEST_SHOWN: usize = 32 * 1024;

/// Events that wait to be sent, and what the reader was shown.
#[derive(Debug, Default)]
pub struct Told {
    events: BytesMut,
    /// As the nodes wrote it, with JSON's escapes and without the quotes: a piece costs a copy and nothing else.
    shown: String,
    is_too_long: bool,
    /// Behind it another node's words are joined, as long as it is not clear how.
    seam: Option<Seam>,
}

impl Told {
    /// Goes on behind what another node has said.
    pub fn behind(seam: Seam) -> Self {
        let mut told = Self::default();
        told.keep(&quoted(seam.shown()));
        told.seam = Some(seam);
        told
    }

    /// Clears what was shown before.
    pub fn anew() -> Self {
        let mut told = Self::default();
        told.events.extend_from_slice(&Frame::Restart.to_bytes());
        told
    }

    /// The events that have gathered.
    pub fn take(&mut self) -> Bytes {
        self.events.split().freeze()
    }

    /// What the reader was shown; none if it was too much to keep.
    pub fn shown(&self) -> Option<String> {
        if self.is_too_long {
            return None;
        }
        json::read(&format!("\"{}\"", self.shown)).ok()
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.events.capacity() + self.shown.capacity()
    }

    fn keep(&mut self, content: &str) {
        let text = &content[1..content.len() - 1];
        self.is_too_long |= self.shown.len() + text.len() > LONGEST_SHOWN;
        if !self.is_too_long {
            self.shown.push_str(text);
        }
    }

    fn join(&mut self, joint: Joint) {
        self.seam = None;
        let text = match joint {
            Joint::GoesOn(text) => text,
            Joint::StartsOver(text) => {
                self.events.extend_from_slice(&Frame::Restart.to_bytes());
                self.shown.clear();
                text
            }
        };
        if !text.is_empty() {
            let content = quoted(&text);
            sse::write_token(&mut self.events, &content);
            self.keep(&content);
        }
    }
}

impl Output for Told {
    fn piece(&mut self, content: &str) -> Result<(), Failure> {
        let Some(seam) = &mut self.seam else {
            sse::write_token(&mut self.events, content);
            self.keep(content);
            return Ok(());
        };
        let text: String = json::read(content).map_err(|_| Failure::Garbage)?;
        if let Some(joint) = seam.hear(&text) {
            self.join(joint);
        }
        Ok(())
    }

    fn done(&mut self) {
        if let Some(seam) = &mut self.seam {
            let joint = seam.end();
            self.join(joint);
        }
    }

    fn may_be_empty(&self) -> bool {
        self.seam.as_ref().is_some_and(|seam| seam::may_be_all(seam.shown()))
    }

    fn size(&self) -> usize {
        self.events.len() + self.seam.as_ref().map_or(0, Seam::held)
    }
}

fn quoted(text: &str) -> String {
    json::text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(told: &mut Told) -> String {
        String::from_utf8(told.take().to_vec()).expect("events are UTF-8")
    }

    #[test]
    fn what_was_shown_is_what_was_said() {
        let mut first = Told::default();
        for piece in [r#""I build \u003cb\u003e ""#, r#""small \"tools\" 😀 ""#] {
            first.piece(piece).unwrap();
        }
        let shown = first.shown().unwrap();
        assert_eq!(shown, "I build <b> small \"tools\" 😀 ");
        let mut next = Told::behind(Seam::new(shown, false));
        next.piece("\" for\"").unwrap();
        next.piece("\" people\"").unwrap();
        let events = told(&mut next);
        assert!(
            events.contains(r#""content":"for""#) && events.contains(r#""content":" people""#),
            "{events}"
        );
        assert_eq!(next.shown().unwrap(), "I build <b> small \"tools\" 😀 for people");
    }

    #[test]
    fn who_starts_over_clears() {
        let mut next = Told::behind(Seam::new("I build small tools".to_owned(), false));
        next.piece("\"I build small houses\"").unwrap();
        let events = told(&mut next);
        let expect = "data: {\"type\":\"restart\"}\n\n\
                      data: {\"type\":\"token\",\"content\":\"I build small houses\"}\n\n";
        assert_eq!((&*events, &*next.shown().unwrap()), (expect, "I build small houses"));
        let mut anew = Told::anew();
        anew.piece("\"x\"").unwrap();
        assert!(told(&mut anew).starts_with("data: {\"type\":\"restart\"}"));
    }

    #[test]
    fn too_much_is_not_kept() {
        let mut long = Told::default();
        let piece = format!("\"{}\"", "x".repeat(1024));
        for _ in 0..LONGEST_SHOWN / 1024 {
            long.piece(&piece).unwrap();
        }
        assert!(long.shown().is_some());
        long.piece(&piece).unwrap();
        assert_eq!((long.shown(), long.shown.len()), (None, LONGEST_SHOWN));
    }
}
