//! The owner's tokens as hashes, read again when their file changes: rotation without a restart.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::header::{AUTHORIZATION, HeaderMap};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use tokio::time::Instant;

use super::NoTokens;
use crate::config::{Tokens, split};

/// Bytes of the file with tokens, and tokens in it.
const LONGEST_FILE: u64 = 64 * 1024;
const MOST_TOKENS: usize = 16;

/// Between two looks at the file.
const LOOK: Duration = Duration::from_secs(1);

type Hash = [u8; 32];

/// The tokens that are good now.
#[derive(Debug)]
pub(super) struct TokenBook {
    file: Option<PathBuf>,
    page: Mutex<Page>,
}

struct Page {
    hashes: Vec<Hash>,
    /// Of the file when it was read.
    stamp: Option<Stamp>,
    looked: Instant,
}

type Stamp = (SystemTime, u64);

impl TokenBook {
    /// `None` if neither tokens nor a file of them is configured.
    pub(super) fn open(tokens: &Tokens, file: Option<PathBuf>) -> Result<Option<Self>, NoTokens> {
        let (hashes, stamp) = match &file {
            None if tokens.0.is_empty() => return Ok(None),
            None => (tokens.0.iter().map(|token| hash(token)).collect(), None),
            Some(path) => {
                let stamp = stamp(path);
                let hashes = read(path);
                (hashes.ok_or_else(|| NoTokens(format!("{} holds no tokens", path.display())))?, stamp)
            }
        };
        Ok(Some(Self { file, page: Mutex::new(Page { hashes, stamp, looked: Instant::now() }) }))
    }

    /// Whether `headers` bear one of the tokens. All are compared, whichever it is.
    pub(super) fn know(&self, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let token = match (given.next(), given.next()) {
            (Some(value), None) => value.to_str().ok().and_then(|value| {
                let (scheme, token) = value.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
            }),
            _ => None,
        };
        let given = hash(token.unwrap_or_default());
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &self.file {
            page.renew(file);
        }
        let known = page.hashes.iter().map(|hash| hash.ct_eq(&given));
        bool::from(known.fold(Choice::from(0), |one, next| one | next)) && token.is_some()
    }
}

impl Page {
    /// A file that has gone or is empty changes nothing: an owner locks out by changing tokens, not by losing them.
    fn renew(&mut self, file: &Path) {
        if self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = Instant::now();
        let stamp = stamp(file);
        if stamp != self.stamp
            && let Some(hashes) = read(file)
        {
            (self.hashes, self.stamp) = (hashes, stamp);
        }
    }
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} tokens", self.hashes.len())
    }
}

fn hash(token: &str) -> Hash {
    Sha256::digest(token).into()
}

fn stamp(file: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// `None` if there is no token in it. Lines that begin with `#` are the owner's notes.
fn read(file: &Path) -> Option<Vec<Hash>> {
    let mut text = String::new();
    fs::File::open(file).ok()?.take(LONGEST_FILE).read_to_string(&mut text).ok()?;
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let hashes: Vec<Hash> = lines.flat_map(split).take(MOST_TOKENS).map(|token| hash(&token)).collect();
    (!hashes.is_empty()).then_some(hashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knows(book: &TokenBook, values: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        book.know(&headers)
    }

    #[test]
    fn bearers() {
        let tokens = Tokens(vec!["one".to_owned(), "two".to_owned()]);
        let book = TokenBook::open(&tokens, None).unwrap().unwrap();
        let check = |values: &[&str], expect| assert_eq!(knows(&book, values), expect, "{values:?}");
        check(&["Bearer one"], true);
        check(&["bearer two"], true);
        check(&["Bearer three"], false);
        check(&["Bearer "], false);
        check(&["Bearer"], false);
        check(&["Basic one"], false);
        check(&["one"], false);
        check(&[], false);
        check(&["Bearer one", "Bearer wrong"], false);
        assert!(TokenBook::open(&Tokens::default(), None).unwrap().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn rotation() {
        let file = std::env::temp_dir().join(format!("homefire-node-tokens-{}", std::process::id()));
        assert!(TokenBook::open(&Tokens::default(), Some(file.clone())).is_err());
        let later = async || tokio::time::sleep(LOOK).await;
        fs::write(&file, "# the old one\nold\n").unwrap();
        let book = TokenBook::open(&Tokens::default(), Some(file.clone())).unwrap().unwrap();
        let check = |old, new| {
            assert_eq!((knows(&book, &["Bearer old"]), knows(&book, &["Bearer new"])), (old, new));
        };
        check(true, false);
        fs::write(&file, "old\nnew\n").unwrap();
        check(true, false);
        later().await;
        check(true, true);
        fs::write(&file, "new\n").unwrap();
        later().await;
        check(false, true);
        fs::write(&file, "\n").unwrap();
        later().await;
        check(false, true);
        fs::remove_file(&file).unwrap();
        later().await;
        check(false, true);
    }
}
