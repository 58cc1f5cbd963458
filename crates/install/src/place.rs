//! Files below a root: written whole or not at all, never through a symbolic link.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The machine's files, seen from `root`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a>(pub(crate) &'a Path);

impl Place<'_> {
    fn at(self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    /// What a file holds; none if there is no file. An error if it is none that could be put back.
    pub(crate) fn read(self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let at = self.at(path);
        match fs::symlink_metadata(&at) {
            Ok(metadata) if metadata.is_file() => fs::read(at).map(Some),
            Ok(_) => Err(io::Error::other("it is a symbolic link or no file; move it away first")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether there is anything at all.
    pub(crate) fn has(self, path: &str) -> bool {
        fs::symlink_metadata(self.at(path)).is_ok()
    }

    /// Its permissions.
    pub(crate) fn mode(self, path: &str) -> io::Result<u32> {
        Ok(fs::symlink_metadata(self.at(path))?.permissions().mode() & 0o7777)
    }

    /// Sets its permissions.
    pub(crate) fn set_mode(self, path: &str, mode: u32) -> io::Result<()> {
        fs::set_permissions(self.at(path), Permissions::from_mode(mode))
    }

    /// Whoever reads `path`, and whenever the machine stops, finds the old content or the new.
    pub(crate) fn write(self, path: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        let at = self.at(path);
        let folder = at.parent().ok_or_else(|| io::Error::other("a file lies in a folder"))?;
        make(folder)?;
        let name = at.file_name().unwrap_or_default().to_string_lossy();
        let beside = folder.join(format!(".{name}.{}", std::process::id()));
        // What is there already is somebody else's, and stays.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        let written = fill(&mut file, mode, content).and_then(|()| fs::rename(&beside, &at));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written?;
        fs::File::open(folder)?.sync_all()
    }

    /// Gives a file a second name, so that it stays as it is, its owner and all, when the first is written anew.
    pub(crate) fn name_again(self, path: &str, again: &str) -> io::Result<()> {
        match fs::hard_link(self.at(path), self.at(again)) {
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists
                    && self.read(path)? == self.read(again)? =>
            {
                Ok(())
            }
            other => other,
        }
    }

    /// Moves a file over another, or to where none is.
    pub(crate) fn rename(self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    /// Removes a file.
    pub(crate) fn remove(self, path: &str) -> io::Result<()> {
        fs::remove_file(self.at(path))
    }
}

/// Makes whatever is missing of a folder's path, for every account to pass: the guard has one of its own, and the process's
/// umask may shut it out.
fn make(folder: &Path) -> io::Result<()> {
    let is_missing = |at: &&Path| !at.as_os_str().is_empty() && !at.is_dir();
    let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
    missing.into_iter().rev().try_for_each(|at| {
        fs::create_dir(at)?;
        fs::set_permissions(at, Permissions::from_mode(0o755))
    })
}

fn fill(file: &mut fs::File, mode: u32, content: &[u8]) -> io::Result<()> {
    // The mode that it was opened with is cut by the process's umask.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(content)?;
    file.sync_all()
}

/// The fingerprint of a content.
pub(crate) fn digest(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

/// A token that nobody can guess: 32 bytes of the machine's chance, in hexadecimal.
pub(crate) fn new_token() -> io::Result<String> {
    random::<32>().map(|bytes| hex(&bytes))
}

/// Bytes of the machine's chance.
pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
