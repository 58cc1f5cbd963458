//! A stand-in for Redis in virtual time: a few commands, and three scripts by their meaning.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{Command, ENTER, Engine, Reply, SWAP, VISIT};

/// What is written, until it is wiped or its time is over. It knows PING, GET, SET with EX and NX, DEL, TYPE, HSET, ZADD,
/// ZREM, ZCARD, [`SWAP`], [`ENTER`] and [`VISIT`].
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
    Sorted(HashMap<Bytes, i64>),
}

impl Slate {
    /// The text under `key`, if there is one.
    pub fn text(&self, key: &str) -> Option<Bytes> {
        self.page().text(key.as_bytes()).ok().flatten()
    }

    /// How many members the sorted set under `key` has.
    pub fn members(&self, key: &str) -> usize {
        self.page().sorted(key.as_bytes()).map_or(0, |(set, _)| set.len())
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

const KNOWN: [&str; 10] = ["PING", "GET", "SET", "DEL", "TYPE", "HSET", "ZADD", "ZREM", "ZCARD", "EVAL"];

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
            ("EVAL", [script, count, key, now, until, lease, lasts]) if script == ENTER && count == "1" => {
                self.enter(key, integer(now)?, integer(until)?, lease, integer(lasts)?)
            }
            ("EVAL", [script, count, key, now, window, most, visit]) if script == VISIT && count == "1" => {
                self.visit(key, integer(now)?, integer(window)?, integer(most)?, visit)
            }
            ("EVAL", _) => Err("ERR the stand-in knows three scripts, each with one key".to_owned()),
            ("ZADD", [key, score, member]) => {
                let (mut set, until) = self.sorted(key)?;
                let is_new = set.insert(member.clone(), integer(score)?).is_none();
                self.put(key.clone(), Content::Sorted(set), until);
                Ok(Reply::Integer(is_new.into()))
            }
            ("ZREM", [key, member]) => {
                let (mut set, until) = self.sorted(key)?;
                let was_there = set.remove(member).is_some();
                self.put_sorted(key, set, until);
                Ok(Reply::Integer(was_there.into()))
            }
            ("ZCARD", [key]) => Ok(Reply::Integer(length(&self.sorted(key)?.0))),
            (name, _) if KNOWN.contains(&name) => {
                let name = name.to_ascii_lowercase();
                Err(format!("ERR wrong number of arguments for '{name}' command"))
            }
            _ => Err(unknown(command)),
        }
    }

    /// [`ENTER`], by its meaning.
    fn enter(
        &mut self,
        key: &Bytes,
        now: i64,
        until: i64,
        lease: &Bytes,
        lasts: i64,
    ) -> Result<Reply, String> {
        let (mut set, mut over) = self.sorted(key)?;
        set.retain(|_, until| *until > now);
        if !lease.is_empty() {
            set.insert(lease.clone(), until);
            let lasts = u64::try_from(lasts).map_err(|_| "ERR invalid expire time".to_owned())?;
            over = Instant::now().checked_add(Duration::from_millis(lasts));
        }
        let count = length(&set);
        self.put_sorted(key, set, over);
        Ok(Reply::Integer(count))
    }

    /// [`VISIT`], by its meaning.
    fn visit(
        &mut self,
        key: &Bytes,
        now: i64,
        window: i64,
        most: i64,
        visit: &Bytes,
    ) -> Result<Reply, String> {
        let (mut set, until) = self.sorted(key)?;
        set.retain(|_, came| *came > now - window);
        if let Ok(over) = usize::try_from(length(&set) - most) {
            let mut moments: Vec<i64> = set.values().copied().collect();
            moments.sort_unstable();
            self.put_sorted(key, set, until);
            return Ok(Reply::Integer(moments[over] + window - now));
        }
        set.insert(visit.clone(), now);
        let lasts = u64::try_from(window).map_err(|_| "ERR invalid expire time".to_owned())?;
        self.put_sorted(key, set, Instant::now().checked_add(Duration::from_millis(lasts)));
        Ok(Reply::Integer(0))
    }

    fn sorted(&self, key: &[u8]) -> Result<(HashMap<Bytes, i64>, Option<Instant>), String> {
        match self.0.get(key).filter(|entry| entry.lasts()) {
            None => Ok((HashMap::new(), None)),
            Some(Entry { content: Content::Sorted(set), until }) => Ok((set.clone(), *until)),
            Some(_) => Err(WRONG_TYPE.to_owned()),
        }
    }

    /// Redis keeps no empty set.
    fn put_sorted(&mut self, key: &Bytes, set: HashMap<Bytes, i64>, until: Option<Instant>) {
        if set.is_empty() {
            self.take(key);
        } else {
            self.put(key.clone(), Content::Sorted(set), until);
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
                let seconds = u64::try_from(integer(seconds)?).ok().filter(|seconds| *seconds > 0);
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
            Some(_) => return Err(WRONG_TYPE.to_owned()),
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
            Some(Content::Hash(_) | Content::Sorted(_)) => Err(WRONG_TYPE.to_owned()),
        }
    }

    fn kind(&self, key: &[u8]) -> &'static str {
        match self.content(key) {
            None => "none",
            Some(Content::Text(_)) => "string",
            Some(Content::Hash(_)) => "hash",
            Some(Content::Sorted(_)) => "zset",
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

fn integer(text: &Bytes) -> Result<i64, String> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| "ERR value is not an integer or out of range".to_owned())
}

fn length(set: &HashMap<Bytes, i64>) -> i64 {
    set.len().try_into().expect("what fits into memory")
}

fn unknown(command: &[Bytes]) -> String {
    let quoted = |word: &Bytes| format!("'{}' ", String::from_utf8_lossy(word));
    let arguments: String = command[1..].iter().map(quoted).collect();
    let name = String::from_utf8_lossy(&command[0]);
    format!("ERR unknown command '{name}', with args beginning with: {arguments}")
}
