//! A stand-in for Redis in virtual time: a few commands, and one script by its meaning.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{Command, Engine, Reply, SWAP};

/// What is written, until it is wiped or its time is over. It knows PING, GET, SET with EX and NX, DEL, TYPE, HSET and
/// [`SWAP`].
#[derive(Debug, Default)]
pub struct Slate {
    entries: Mutex<HashMap<Bytes, Entry>>,
}

#[derive(Clone, Debug)]
struct Entry {
    content: Content,
    until: Option<Instant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Text(Bytes),
    Hash(HashMap<Bytes, Bytes>),
}

impl Slate {
    /// The text under `key`, if there is one.
    pub fn text(&self, key: &str) -> Option<Bytes> {
        self.page().text(key.as_bytes()).ok().flatten()
    }

    /// Writes a text past the front: what an owner, or an older version, left there.
    pub fn write(&self, key: &str, text: impl Into<Bytes>) {
        self.page().put(key.to_owned().into(), Content::Text(text.into()), None);
    }

    /// Wipes everything.
    pub fn wipe(&self) {
        self.entries().clear();
    }

    fn page(&self) -> Page<'_> {
        Page(self.entries())
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Bytes, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for Slate {
    async fn run(&self, commands: &[Command]) -> io::Result<Vec<Reply>> {
        Ok(commands.iter().map(|command| self.page().obey(command)).collect())
    }

    async fn transact(&self, commands: &[Command]) -> io::Result<Reply> {
        if commands.iter().any(|command| !is_known(command)) {
            let text = "EXECABORT Transaction discarded because of previous errors.";
            return Ok(Reply::Error(text.to_owned()));
        }
        let mut page = self.page();
        Ok(Reply::Array(commands.iter().map(|command| page.obey(command)).collect()))
    }
}

const KNOWN: [&str; 7] = ["PING", "GET", "SET", "DEL", "TYPE", "HSET", "EVAL"];

const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";

fn is_known(command: &Command) -> bool {
    command.first().is_some_and(|name| KNOWN.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes())))
}

/// The slate while nobody else can touch it.
struct Page<'a>(MutexGuard<'a, HashMap<Bytes, Entry>>);

impl Page<'_> {
    fn obey(&mut self, command: &Command) -> Reply {
        self.answer(command).unwrap_or_else(Reply::Error)
    }

    fn answer(&mut self, command: &[Bytes]) -> Result<Reply, String> {
        let Some((name, arguments)) = command.split_first() else {
            return Err("ERR empty command".to_owned());
        };
        let name = String::from_utf8_lossy(name).to_ascii_uppercase();
        match (&*name, arguments) {
            ("PING", []) => Ok(Reply::Simple("PONG".to_owned())),
            ("GET", [key]) => Ok(self.text(key)?.map_or(Reply::Nil, Reply::Bulk)),
            ("SET", [key, text, options @ ..]) => self.set(key, text, options),
            ("DEL", [_, ..]) => {
                let there = arguments.iter().filter(|key| self.take(key)).count();
                Ok(Reply::Integer(i64::try_from(there).expect("a command is short")))
            }
            ("TYPE", [key]) => Ok(Reply::Simple(self.kind(key).to_owned())),
            ("HSET", [key, fields @ ..]) if !fields.is_empty() && fields.len().is_multiple_of(2) => {
                self.set_fields(key, fields)
            }
            ("EVAL", [script, count, key, old, new]) if script == SWAP && count == "1" => {
                Ok(Reply::Integer(self.swap(key, old, new)))
            }
            ("EVAL", _) => {
                Err("ERR the stand-in knows one script, with one key and two arguments".to_owned())
            }
            (name, _) if KNOWN.contains(&name) => {
                let name = name.to_ascii_lowercase();
                Err(format!("ERR wrong number of arguments for '{name}' command"))
            }
            _ => Err(unknown(command)),
        }
    }

    fn set(&mut self, key: &Bytes, text: &Bytes, options: &[Bytes]) -> Result<Reply, String> {
        let (mut only_new, mut until) = (false, None);
        let mut options = options.iter();
        while let Some(option) = options.next() {
            if option.eq_ignore_ascii_case(b"NX") {
                only_new = true;
            } else if option.eq_ignore_ascii_case(b"EX") {
                let seconds = options.next().ok_or("ERR syntax error")?;
                let seconds: i64 = std::str::from_utf8(seconds)
                    .ok()
                    .and_then(|seconds| seconds.parse().ok())
                    .ok_or("ERR value is not an integer or out of range")?;
                let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
                let seconds = seconds.ok_or("ERR invalid expire time in 'set' command")?;
                until = Instant::now().checked_add(Duration::from_secs(seconds));
            } else {
                return Err("ERR syntax error".to_owned());
            }
        }
        if only_new && self.content(key).is_some() {
            return Ok(Reply::Nil);
        }
        self.put(key.clone(), Content::Text(text.clone()), until);
        Ok(Reply::Simple("OK".to_owned()))
    }

    fn set_fields(&mut self, key: &Bytes, fields: &[Bytes]) -> Result<Reply, String> {
        let (mut hash, until) = match self.0.get(key).filter(|entry| entry.lasts()) {
            None => (HashMap::new(), None),
            Some(Entry { content: Content::Hash(hash), until }) => (hash.clone(), *until),
            Some(Entry { content: Content::Text(_), .. }) => return Err(WRONG_TYPE.to_owned()),
        };
        let before = hash.len();
        hash.extend(fields.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())));
        let added = i64::try_from(hash.len() - before).expect("a command is short");
        self.put(key.clone(), Content::Hash(hash), until);
        Ok(Reply::Integer(added))
    }

    fn swap(&mut self, key: &Bytes, old: &Bytes, new: &Bytes) -> i64 {
        let found = self.text(key).ok().flatten().unwrap_or_default();
        if found != old {
            return 0;
        }
        self.put(key.clone(), Content::Text(new.clone()), None);
        1
    }

    fn text(&self, key: &[u8]) -> Result<Option<Bytes>, String> {
        match self.content(key) {
            None => Ok(None),
            Some(Content::Text(text)) => Ok(Some(text.clone())),
            Some(Content::Hash(_)) => Err(WRONG_TYPE.to_owned()),
        }
    }

    fn kind(&self, key: &[u8]) -> &'static str {
        match self.content(key) {
            None => "none",
            Some(Content::Text(_)) => "string",
            Some(Content::Hash(_)) => "hash",
        }
    }

    fn content(&self, key: &[u8]) -> Option<&Content> {
        self.0.get(key).filter(|entry| entry.lasts()).map(|entry| &entry.content)
    }

    fn put(&mut self, key: Bytes, content: Content, until: Option<Instant>) {
        self.0.insert(key, Entry { content, until });
    }

    fn take(&mut self, key: &[u8]) -> bool {
        self.0.remove(key).is_some_and(|entry| entry.lasts())
    }
}

impl Entry {
    fn lasts(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until)
    }
}

fn unknown(command: &[Bytes]) -> String {
    let quoted = |word: &Bytes| format!("'{}' ", String::from_utf8_lossy(word));
    let arguments: String = command[1..].iter().map(quoted).collect();
    let name = String::from_utf8_lossy(&command[0]);
    format!("ERR unknown command '{name}', with args beginning with: {arguments}")
}
