//! A node's chunks to a reader's events, without knowing where either comes from or goes to.

use bytes::{Bytes, BytesMut};

use crate::failure::Failure;
use crate::ndjson::{Lines, TooLong};
use crate::ollama::{self, Done, Garbage, Line};
use crate::sse;

/// The longest line that is read from a node. Ollama's own are a few hundred bytes.
pub const LONGEST_LINE: usize = 64 * 1024;

/// The most white space that is kept while the first word is awaited.
const LONGEST_SILENCE: usize = 64 * 1024;

/// Turns one answer into events.
#[derive(Debug)]
pub struct Relay {
    lines: Lines,
    progress: Progress,
}

/// How far an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// No word yet.
    Waiting,
    /// At least one word was said.
    Speaking,
    /// The node said that it is done. Nothing else is success.
    Done(Done),
}

#[derive(Debug)]
struct Progress {
    state: State,
    events: BytesMut,
}

impl Default for Relay {
    fn default() -> Self {
        let progress = Progress { state: State::Waiting, events: BytesMut::new() };
        Self { lines: Lines::new(LONGEST_LINE), progress }
    }
}

impl Relay {
    /// Takes what arrived. The events of all lines that it completes wait in [`take`](Self::take), those before a
    /// failure too.
    pub fn push(&mut self, chunk: &[u8]) -> Result<&State, Failure> {
        let progress = &mut self.progress;
        self.lines.push(chunk, |line| progress.line(line))?;
        Ok(&self.progress.state)
    }

    /// The stream ended. A last line may stand without a line's end; without `done` the answer is cut.
    pub fn finish(&mut self) -> Result<&State, Failure> {
        let progress = &mut self.progress;
        self.lines.finish(|line| progress.line(line))?;
        match self.progress.state {
            State::Done(_) => Ok(&self.progress.state),
            State::Waiting | State::Speaking => Err(Failure::EndedEarly),
        }
    }

    /// How far the answer is.
    pub fn state(&self) -> &State {
        &self.progress.state
    }

    /// The events that have gathered.
    pub fn take(&mut self) -> Bytes {
        self.progress.events.split().freeze()
    }
}

impl Progress {
    fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
        if matches!(self.state, State::Done(_)) {
            return Ok(());
        }
        let (content, done) = match ollama::line(line)? {
            Line::Piece { content, done } => (content, done),
            Line::Error => return Err(Failure::ErrorLine),
        };
        if let Some(content) = content.filter(|content| content != "\"\"") {
            if self.state == State::Waiting && ollama::has_word(&content) {
                self.state = State::Speaking;
            }
            sse::write_token(&mut self.events, &content);
        }
        match done {
            Some(_) if self.state == State::Waiting => return Err(Failure::Empty),
            Some(done) => self.state = State::Done(done),
            None if self.state == State::Waiting && self.events.len() > LONGEST_SILENCE => {
                return Err(Failure::Empty);
            }
            None => {}
        }
        Ok(())
    }
}

impl From<TooLong> for Failure {
    fn from(_: TooLong) -> Self {
        Self::LineTooLong
    }
}

impl From<Garbage> for Failure {
    fn from(_: Garbage) -> Self {
        Self::Garbage
    }
}

#[cfg(test)]
mod tests;
