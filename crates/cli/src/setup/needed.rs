//! What the machine itself brings: it is asked for before anything that takes its time.

use std::process::Command;

use anyhow::{Result, ensure};

use super::{debian, may_install};

/// A program of the machine's.
#[derive(Clone, Copy)]
pub(super) struct Needed {
    program: &'static str,
    /// It succeeds where all is there.
    question: &'static [&'static str],
    /// Whether what it answers is new enough.
    suits: fn(&str) -> bool,
    /// What to do where it is not there.
    advice: &'static str,
    /// Debian's, if it may be installed unasked.
    package: Option<&'static str>,
}

pub(super) const RUSTUP: Needed = Needed::new("rustup", "rustup is needed: https://rustup.rs");

/// What was installed with it once may outlive it, or go back to an older one.
pub(super) const NODE: Needed = Needed { suits: is_new_enough, ..Needed::new("node", NODE_ADVICE) };

pub(super) const NPM: Needed = Needed::new("npm", NODE_ADVICE);

pub(super) const COMPILER: Needed =
    Needed::new("c++", "A C++ compiler is needed: `apt-get install g++` or `xcode-select --install`");

pub(super) const GIT: Needed = Needed::new("git", "git is needed: https://git-scm.com");

/// Debian's comes without venv.
pub(super) const PYTHON: Needed = Needed {
    question: &["-c", "import ensurepip, venv"],
    ..Needed::new("python3", "Python 3.8 or newer with venv is needed: https://python.org")
};

/// The store behind the tests. It is started by them, on a socket of their own, and ended by them.
pub(super) const REDIS: Needed =
    Needed { package: Some("redis-server"), ..Needed::new("redis-server", REDIS_ADVICE) };

/// What reads the units of `homefire-node install`. Where there is no systemd there are none.
pub(super) const SYSTEMD: Needed = Needed {
    package: Some("systemd"),
    ..Needed::new("systemd-analyze", "The tests need systemd-analyze: `apt-get install systemd`")
};

const NODE_ADVICE: &str = "Node.js 20 or newer with npm is needed: https://nodejs.org";
const REDIS_ADVICE: &str =
    "The tests need redis-server: `brew install redis` or `apt-get install redis-server`";

/// Tells at once all that is missing and is not to be had here; then installs what is.
pub(super) fn have(needed: impl IntoIterator<Item = Needed>) -> Result<()> {
    let missing: Vec<_> = needed.into_iter().filter_map(|one| Some((one.fault()?, one))).collect();
    let is_had = |(_, one): &(String, Needed)| one.package.is_some() && may_install();
    let (had, gone): (Vec<_>, Vec<_>) = missing.into_iter().partition(is_had);
    let mut faults: Vec<_> = gone.into_iter().map(|(fault, _)| fault).collect();
    faults.dedup();
    ensure!(faults.is_empty(), faults.join("\n"));
    had.iter().try_for_each(|(_, one)| one.install())
}

impl Needed {
    const fn new(program: &'static str, advice: &'static str) -> Self {
        Self { program, question: &["--version"], suits: |_| true, advice, package: None }
    }

    /// What is wrong with it here.
    fn fault(&self) -> Option<String> {
        let answer = Command::new(self.program).args(self.question).output();
        let Some(answer) = answer.ok().filter(|answer| answer.status.success()) else {
            return Some(self.advice.to_owned());
        };
        let answer = String::from_utf8_lossy(&answer.stdout);
        let is_old = !(self.suits)(&answer);
        is_old.then(|| format!("{}; here is {:?}", self.advice, answer.trim()))
    }

    fn install(&self) -> Result<()> {
        debian(self.package.unwrap_or(self.program), self.advice)?;
        ensure!(self.fault().is_none(), self.advice);
        Ok(())
    }
}

fn is_new_enough(node: &str) -> bool {
    let major = node.trim().strip_prefix('v').and_then(|version| version.split('.').next());
    major.and_then(|major| major.parse().ok()).is_some_and(|major: u32| major >= 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let check = |needed: &[Needed], expect: &str| {
            let told = have(needed.iter().copied()).err().map(|error| error.to_string());
            assert_eq!(told.unwrap_or_default(), expect);
        };
        let there = Needed::new("cargo", "Rust is needed");
        let one = Needed::new("homefire-nowhere", "One is needed");
        let other = Needed { program: "homefire-nowhere-else", ..one };
        let third = Needed { advice: "A third is needed", ..one };
        let old = Needed { question: &["help"], suits: |_| false, ..there };
        check(&[], "");
        check(&[there], "");
        check(&[one, there, third], "One is needed\nA third is needed");
        check(&[one, other], "One is needed");
        let told = have([one, old]).unwrap_err().to_string();
        assert!(told.starts_with("One is needed\nRust is needed; here is \""), "{told}");
    }

    #[test]
    fn versions_of_node() {
        let check = |version: &str, expect| assert_eq!(is_new_enough(version), expect, "{version:?}");
        check("v20.0.0\n", true);
        check("v24.1.2\n", true);
        check("v100.0.0", true);
        check("v18.20.4\n", false);
        check("v9.0.0", false);
        check("", false);
        check("20", false);
    }
}
