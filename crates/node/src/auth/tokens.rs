//! The owner's tokens as hashes, read again when their file changes: rotation without a restart.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use homefire_install::tokens::{LONGEST_FILE, tokens};
use http::header::{AUTHORIZATION, HeaderMap};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use tokio::time::Instant;

use super::NoTokens;
use crate::config::Tokens;

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
                let hashes = read(path).map_err(|why| NoTokens(format!("{}: {why}", path.display())))?;
                (hashes, stamp)
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
    /// A file that has gone, is empty or holds what is no token changes nothing: an owner locks out by changing tokens, not
    /// by losing them.
    fn renew(&mut self, file: &Path) {
        if self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = Instant::now();
        let stamp = stamp(file);
        if stamp != self.stamp
            && let Ok(hashes) = read(file)
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

fn read(file: &Path) -> Result<Vec<Hash>, String> {
    let mut text = Vec::new();
    let opened = fs::File::open(file).and_then(|file| file.take(LONGEST_FILE as u64).read_to_end(&mut text));
    opened.map_err(|error| error.to_string())?;
    Ok(tokens(&text)?.into_iter().map(hash).collect())
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
        let (old, new) = ("the-old-token-of-16", "the-new#token-of-16");
        fs::write(&file, format!("# the old one\n{old} # for the edge\n")).unwrap();
        let book = TokenBook::open(&Tokens::default(), Some(file.clone())).unwrap().unwrap();
        let is_known = |token: &str| knows(&book, &[&format!("Bearer {token}")]);
        let check = |expect| assert_eq!((is_known(old), is_known(new)), expect);
        check((true, false));
        assert!(!["#", "for", "the", "edge"].into_iter().any(is_known), "a note is no token");
        fs::write(&file, format!("{old}\n{new}\n")).unwrap();
        check((true, false));
        later().await;
        check((true, true));
        fs::write(&file, format!("\t{new}\t# this one\n")).unwrap();
        later().await;
        check((false, true));
        for wrong in ["\n", "short\n", &format!("{old} for the edge\n"), &format!("{old}\n").repeat(17)] {
            fs::write(&file, wrong).unwrap();
            later().await;
            check((false, true));
            assert!(TokenBook::open(&Tokens::default(), Some(file.clone())).is_err(), "{wrong:?}");
        }
        fs::remove_file(&file).unwrap();
        later().await;
        check((false, true));
    }
}
