//! Other programs, and who runs them.

use std::fmt;
use std::io;
use std::process::Stdio;

/// A program with its arguments: no shell reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Looked for in `PATH` unless it is a path.
    pub program: String,
    /// One by one, as the program gets them.
    pub arguments: Vec<String>,
    /// Whether the plan goes on when it fails.
    pub may_fail: bool,
    /// What its failure means, where its own words do not say it.
    pub otherwise: Option<String>,
}

impl Command {
    /// A command that must succeed.
    pub fn new<'a>(program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        Self { program: program.to_owned(), arguments, may_fail: false, otherwise: None }
    }

    /// The same, whose failure means `words`.
    #[must_use]
    pub fn or_say(mut self, words: String) -> Self {
        self.otherwise = Some(words);
        self
    }

    /// The same, whose failure stops nothing.
    #[must_use]
    pub fn or_not(mut self) -> Self {
        self.may_fail = true;
        self
    }
}

impl fmt::Display for Command {
    /// As it could be typed into a shell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quoted(&self.program))?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", quoted(argument)))
    }
}

fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b':' | b'=' | b',')
    };
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// How a program ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it said.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

/// Runs programs to their end. Programs read nothing from standard input.
pub trait Runner {
    /// An error means that the program could not be started, not that it failed.
    fn run(&mut self, command: &Command) -> io::Result<Output>;
}

/// This machine.
#[derive(Debug, Clone, Copy)]
pub struct Machine;

impl Runner for Machine {
    fn run(&mut self, command: &Command) -> io::Result<Output> {
        let mut program = std::process::Command::new(&command.program);
        let output = program.args(&command.arguments).stdin(Stdio::null()).output()?;
        Ok(Output {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_as_it_could_be_typed() {
        let check = |argument, expect: &str| {
            assert_eq!(Command::new("p", [argument]).to_string(), format!("p {expect}"));
        };
        check("-a=b:/c", "-a=b:/c");
        check("", "''");
        check("a b", "'a b'");
        check("it's", r"'it'\''s'");
        check("$(x)", "'$(x)'");
    }

    #[test]
    fn how_it_ended_is_told() {
        let ended = Machine.run(&Command::new("sh", ["-c", "echo a; echo b >&2; exit 3"])).unwrap();
        assert_eq!(ended, Output { code: Some(3), stdout: "a\n".into(), stderr: "b\n".into() });
        assert!(Machine.run(&Command::new("/no/such/program", [])).is_err());
    }
}
