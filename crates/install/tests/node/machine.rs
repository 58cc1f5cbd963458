//! A machine that a plan is carried out on: a folder, and programs that only take notes.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use homefire_install::{Command, Halfway, Output, Plan, Runner, Site, System, apply, uninstall};

/// Takes notes, and fails at a command that holds a word.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) ran: Vec<String>,
    pub(crate) fails_at: Option<String>,
}

impl Runner for Notes {
    fn run(&mut self, command: &Command) -> io::Result<Output> {
        self.ran.push(command.to_string());
        let fails = self.fails_at.as_ref().is_some_and(|word| command.to_string().contains(word));
        Ok(Output { code: Some(i32::from(fails)), stdout: String::new(), stderr: "it is broken\n".into() })
    }
}

pub(crate) struct Node {
    pub(crate) root: tempfile::TempDir,
    pub(crate) runner: Notes,
    pub(crate) said: String,
}

impl Node {
    pub(crate) fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), runner: Notes::default(), said: String::new() }
    }

    pub(crate) fn with(path: &str, content: &str) -> Self {
        let this = Self::new();
        this.put(path, content);
        this
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    pub(crate) fn put(&self, path: &str, content: &str) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), content).unwrap();
    }

    /// A program that is a shell's `script`.
    pub(crate) fn program(&self, path: &str, script: &str) {
        self.put(path, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.at(path)).ok()
    }

    pub(crate) fn mode(&self, path: &str) -> u32 {
        fs::metadata(self.at(path)).unwrap().permissions().mode() & 0o7777
    }

    pub(crate) fn work(
        &mut self,
        work: impl FnOnce(&mut Site<'_>) -> Result<(), Halfway>,
    ) -> Result<(), Halfway> {
        let mut out = Vec::new();
        let token = &mut || Ok("the-secret-of-the-machine".to_owned());
        let ended =
            work(&mut Site { root: self.root.path(), runner: &mut self.runner, token, out: &mut out });
        self.said = String::from_utf8(out).unwrap();
        ended
    }

    pub(crate) fn apply(&mut self, plan: &Plan) -> Result<(), Halfway> {
        self.work(|site| apply(plan, false, site))
    }

    pub(crate) fn uninstall(&mut self) -> Result<(), Halfway> {
        self.work(|site| uninstall(&Plan::empty(System::Linux), false, site))
    }

    /// Every file there is.
    pub(crate) fn files(&self) -> Vec<String> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { walk(&path, found) } else { found.push(path) }
            }
        }
        let mut found = Vec::new();
        walk(self.root.path(), &mut found);
        let name = |path: PathBuf| path.strip_prefix(self.root.path()).unwrap().display().to_string();
        let mut names: Vec<String> = found.into_iter().map(name).collect();
        names.sort();
        names
    }
}
