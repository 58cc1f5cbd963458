//! An answer as it arrives: how late each of its words is, and every byte of it.

use anyhow::{Context, Result, bail, ensure};

use super::wire::{Piece, Wire};

/// A whole answer. Times are in nanoseconds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) id: u64,
    /// From the question to the first word, which the node says at once.
    pub(crate) first: u64,
    /// From the node's saying it to its arrival, for each word.
    pub(crate) late: Vec<u64>,
    pub(crate) bytes: Vec<u8>,
}

/// Listens to one answer.
#[derive(Debug)]
pub(crate) struct Listener {
    wire: Wire,
    asked: u64,
    first: Option<u64>,
    heard: Heard,
    /// Where the line begins that is not complete yet.
    line: usize,
    is_done: bool,
}

impl Listener {
    pub(crate) fn new(wire: Wire, id: u64, asked: u64) -> Self {
        let heard = Heard { id, first: 0, late: Vec::new(), bytes: Vec::new() };
        Self { wire, asked, first: None, heard, line: 0, is_done: false }
    }

    pub(crate) fn hear(&mut self, bytes: &[u8], now: u64) -> Result<()> {
        self.heard.bytes.extend_from_slice(bytes);
        while let Some(end) = self.heard.bytes[self.line..].iter().position(|byte| *byte == b'\n') {
            let line = &self.heard.bytes[self.line..self.line + end];
            self.line += end + 1;
            match self.wire.piece(line)? {
                Piece::Nothing => {}
                _ if self.is_done => bail!("an answer goes on behind its end"),
                Piece::Done(_) => self.is_done = true,
                Piece::Word(word) => {
                    let said: u64 = word.trim().parse().context("a word of an answer tells no time")?;
                    self.first.get_or_insert(now.saturating_sub(self.asked));
                    self.heard.late.push(now.saturating_sub(said));
                }
            }
        }
        Ok(())
    }

    pub(crate) fn end(self) -> Result<Heard> {
        ensure!(self.is_done && self.line == self.heard.bytes.len(), "an answer ended before it was done");
        let first = self.first.context("an answer without a word")?;
        Ok(Heard { first, ..self.heard })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(said: u64) -> String {
        format!("{{\"message\":{{\"content\":\" {said}\"}},\"done\":false}}\n")
    }

    const DONE: &str = "{\"message\":{\"content\":\"\"},\"done\":true}\n";

    #[test]
    fn each_word_is_timed_when_its_line_is_complete() {
        let mut listener = Listener::new(Wire::Lines, 7, 1000);
        let both = word(1030) + &word(1040);
        let (left, right) = both.split_at(both.len() - 3);
        listener.hear(left.as_bytes(), 1050).unwrap();
        listener.hear(right.as_bytes(), 1070).unwrap();
        listener.hear(DONE.as_bytes(), 1080).unwrap();
        let bytes = (both.clone() + DONE).into_bytes();
        assert_eq!(listener.end().unwrap(), Heard { id: 7, first: 50, late: vec![20, 30], bytes });
    }

    #[test]
    fn events_are_heard_as_lines_are() {
        let mut listener = Listener::new(Wire::Events, 7, 1000);
        let text = ":\n\ndata: {\"type\":\"token\",\"content\":\" 1030\"}\n\ndata: {\"type\":\"done\"}\n\n";
        listener.hear(text.as_bytes(), 1050).unwrap();
        assert_eq!(listener.end().unwrap().late, [20]);
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let check = |text: &str| {
            let mut listener = Listener::new(Wire::Lines, 7, 0);
            listener.hear(text.as_bytes(), 1).and_then(|()| listener.end()).unwrap_err().to_string()
        };
        assert_eq!(check(&word(1)), "an answer ended before it was done");
        assert_eq!(check(DONE.trim()), "an answer ended before it was done");
        assert_eq!(check(DONE), "an answer without a word");
        assert_eq!(check(&(word(1) + DONE + DONE)), "an answer goes on behind its end");
        assert_eq!(check("{\"message\":{\"content\":\"x\"}}\n"), "a word of an answer tells no time");
        assert_eq!(check("no\n"), "a line of an answer is not JSON");
    }
}
