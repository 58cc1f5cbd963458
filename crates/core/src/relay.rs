//! A node's chunks to a reader's events or to a text, without knowing where either comes from or goes to.

use bytes::{Bytes, BytesMut};

use crate::failure::Failure;
use crate::ndjson::{Lines, TooLong};
use crate::ollama::{self, Done, Garbage, Line};
use crate::sse;

/// The longest line that is read from a node. Ollama's own are a few hundred bytes.
pub const LONGEST_LINE: usize = 64 * 1024;

/// The longest answer that is gathered as a text, in bytes.
const LONGEST_TEXT: usize = 64 * 1024;

/// The most white space that is kept while the first word is awaited.
const LONGEST_SILENCE: usize = 64 * 1024;

/// Reads one answer into an output: events for a reader, or the text itself.
#[derive(Debug)]
pub struct Relay<O = BytesMut> {
    lines: Lines,
    progress: Progress<O>,
}

/// What becomes of the pieces of an answer.
pub trait Output: Default {
    /// Takes a piece: a JSON string, quotes and escapes included.
    fn piece(&mut self, content: &str) -> Result<(), Failure>;

    /// Bytes gathered so far.
    fn size(&self) -> usize;
}

impl Output for BytesMut {
    fn piece(&mut self, content: &str) -> Result<(), Failure> {
        sse::write_token(self, content);
        Ok(())
    }

    fn size(&self) -> usize {
        self.len()
    }
}

impl Output for String {
    fn piece(&mut self, content: &str) -> Result<(), Failure> {
        let piece: Self = serde_json::from_str(content).map_err(|_| Failure::Garbage)?;
        if self.len() + piece.len() > LONGEST_TEXT {
            return Err(Failure::AnswerTooLong);
        }
        self.push_str(&piece);
        Ok(())
    }

    fn size(&self) -> usize {
        self.len()
    }
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
struct Progress<O> {
    state: State,
    output: O,
}

impl<O: Output> Default for Relay<O> {
    fn default() -> Self {
        let progress = Progress { state: State::Waiting, output: O::default() };
        Self { lines: Lines::new(LONGEST_LINE), progress }
    }
}

impl<O: Output> Relay<O> {
    /// Takes what arrived. What all lines that it completes hold is then in the [`output`](Self::output), what was before
    /// a failure too.
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

    /// What has gathered.
    pub fn output(&self) -> &O {
        &self.progress.output
    }
}

impl Relay {
    /// The events that have gathered.
    pub fn take(&mut self) -> Bytes {
        self.progress.output.split().freeze()
    }
}

impl<O: Output> Progress<O> {
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
            self.output.piece(&content)?;
        }
        match done {
            Some(_) if self.state == State::Waiting => return Err(Failure::Empty),
            Some(done) => self.state = State::Done(done),
            None if self.state == State::Waiting && self.output.size() > LONGEST_SILENCE => {
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
