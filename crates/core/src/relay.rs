//! A node's chunks to a reader's events or to a text, without knowing where either comes from or goes to.

use crate::failure::Failure;
use crate::json;
use crate::lane::{self, Said};
use crate::ndjson::{Lines, TooLong};
use crate::ollama::{self, Done, Garbage, Line};
use crate::told::Told;

/// The longest line that is read from a node. Ollama's own are a few hundred bytes.
pub const LONGEST_LINE: usize = 64 * 1024;

/// The longest answer that is gathered as a text, in bytes.
const LONGEST_TEXT: usize = 64 * 1024;

/// The most white space that is kept while the first word is awaited.
const LONGEST_SILENCE: usize = 64 * 1024;

/// Reads one answer into an output: events for a reader, or the text itself.
#[derive(Debug)]
pub struct Relay<O = Told> {
    lines: Lines,
    dialect: Dialect,
    progress: Progress<O>,
}

/// What a node's lines are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// JSON, an object a line: Ollama's own.
    Ollama,
    /// A guard's frames.
    Lane,
}

/// What becomes of the pieces of an answer.
pub trait Output: Default {
    /// Takes a piece: a JSON string, quotes and escapes included.
    fn piece(&mut self, content: &str) -> Result<(), Failure>;

    /// There are no more pieces: the answer is complete.
    fn done(&mut self) {}

    /// Whether an answer without a word is one: it goes on with something that may have been complete.
    fn may_be_empty(&self) -> bool {
        false
    }

    /// Bytes gathered so far.
    fn size(&self) -> usize;
}

impl Output for String {
    fn piece(&mut self, content: &str) -> Result<(), Failure> {
        let piece: Self = json::read(content).map_err(|_| Failure::Garbage)?;
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
    /// What arrived last tells of the node: it was more than heartbeats.
    is_heard: bool,
    output: O,
}

impl<O: Output> Default for Relay<O> {
    fn default() -> Self {
        Self::into(O::default())
    }
}

impl<O: Output> Relay<O> {
    /// Into an output that may hold something already.
    pub fn into(output: O) -> Self {
        let progress = Progress { state: State::Waiting, is_heard: true, output };
        Self { lines: Lines::new(LONGEST_LINE), dialect: Dialect::Ollama, progress }
    }

    /// The same, in this dialect.
    pub fn reading(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    /// Takes what arrived. What all lines that it completes hold is then in the [`output`](Self::output), what was before
    /// a failure too.
    pub fn push(&mut self, chunk: &[u8]) -> Result<&State, Failure> {
        let (dialect, progress) = (self.dialect, &mut self.progress);
        progress.is_heard = dialect == Dialect::Ollama;
        self.lines.push(chunk, |line| progress.line(dialect, line))?;
        Ok(&self.progress.state)
    }

    /// The stream ended. A last line may stand without a line's end; without `done` the answer is cut.
    pub fn finish(&mut self) -> Result<&State, Failure> {
        let (dialect, progress) = (self.dialect, &mut self.progress);
        self.lines.finish(|line| progress.line(dialect, line))?;
        match self.progress.state {
            State::Done(_) => Ok(&self.progress.state),
            State::Waiting | State::Speaking => Err(Failure::EndedEarly),
        }
    }

    /// How far the answer is.
    pub fn state(&self) -> &State {
        &self.progress.state
    }

    /// Whether what arrived last tells of the node, and not of its guard alone.
    pub fn is_heard(&self) -> bool {
        self.progress.is_heard
    }

    /// What has gathered.
    pub fn output(&self) -> &O {
        &self.progress.output
    }

    /// The same, to be taken from.
    pub fn output_mut(&mut self) -> &mut O {
        &mut self.progress.output
    }
}

impl<O: Output> Progress<O> {
    fn line(&mut self, dialect: Dialect, line: &[u8]) -> Result<(), Failure> {
        if matches!(self.state, State::Done(_)) {
            return Ok(());
        }
        let line = match dialect {
            Dialect::Ollama => ollama::line(line)?,
            Dialect::Lane => match lane::line(line)? {
                Said::Heartbeat => return Ok(()),
                Said::Line(line) => line,
            },
        };
        self.is_heard = true;
        let (content, done) = match line {
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
            Some(_) if self.state == State::Waiting && !self.output.may_be_empty() => {
                return Err(Failure::Empty);
            }
            Some(done) => {
                self.output.done();
                self.state = State::Done(done);
            }
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
