//! A forgiving reader of JSON. It tells what was written from what is missing, and cannot run away: every step costs
//! fuel, and there is a fixed amount of it for each byte.

mod string;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(Text),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
    /// A number, a word: nothing that a draft is made of.
    Other,
}

/// A string.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    /// It has an end of its own; otherwise the answer broke off in it.
    pub(super) whole: bool,
}

/// Objects in objects.
const DEEPEST: usize = 12;

/// Characters of a key.
const LONGEST_KEY: usize = 64;

/// Bytes of white space and comments between a string's end and what follows.
const LONGEST_GAP: usize = 512;

/// Steps for each byte of a text, and a few to begin with.
const FUEL: usize = 16;

/// Every object in `text` that is not part of another.
pub(super) fn objects(text: &str) -> Vec<Value> {
    let mut fuel = text.len() * FUEL + 4096;
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(brace) = memchr::memchr(b'{', &text.as_bytes()[from..]) {
        let start = from + brace;
        let mut reader = Reader { text, at: start, fuel, bare_keys: false, grouped: false };
        let object = reader.object(0, false);
        fuel = reader.fuel;
        // Whatever runs to the end may have swallowed the next one.
        let swallowed = reader.at == text.len() && text[start + 1..].contains('{');
        from = if object.is_some() && !swallowed { reader.at } else { start + 1 };
        found.extend(object);
        if fuel == 0 {
            break;
        }
    }
    found
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    fuel: usize,
    /// This object's keys stand without quotes.
    bare_keys: bool,
    /// Within parentheses.
    grouped: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    /// The next character, for one step.
    fn next(&mut self) -> Option<char> {
        self.fuel = self.fuel.checked_sub(1)?;
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn eat(&mut self, expected: &str) -> bool {
        let is_there = self.text[self.at..].starts_with(expected);
        if is_there {
            self.at += expected.len();
        }
        is_there
    }

    fn skip(&mut self) {
        let gap = gap(&self.text[self.at..], self.fuel);
        self.fuel = self.fuel.saturating_sub(gap + 1);
        self.at += gap;
    }

    /// `None` where this is no object. A missing brace at its end is forgiven.
    fn object(&mut self, depth: usize, in_list: bool) -> Option<Value> {
        let mut members = Vec::new();
        self.next()?;
        loop {
            self.skip();
            if self.eat(",") {
                continue;
            }
            match self.peek() {
                Some('}') => {
                    self.next()?;
                    break;
                }
                Some(']') if in_list => break,
                _ => {}
            }
            let before = self.at;
            let Some(member) = self.member(depth, in_list) else {
                // Something else begins here: the brace is missing, or this never was an object.
                self.at = if members.is_empty() { self.at } else { before };
                break;
            };
            members.push(member);
        }
        (!members.is_empty()).then_some(Value::Object(members))
    }

    fn member(&mut self, depth: usize, in_list: bool) -> Option<(String, Value)> {
        let key = self.key()?;
        self.skip();
        if !self.eat(":") {
            return None;
        }
        self.skip();
        let value = self.value(depth, in_list, false)?;
        Some((key, value))
    }

    fn key(&mut self) -> Option<String> {
        let (key, length) = key(&self.text[self.at..])?;
        self.fuel = self.fuel.checked_sub(length)?;
        self.bare_keys |= !self.peek().is_some_and(is_quote);
        self.at += length;
        Some(key.to_owned())
    }

    fn value(&mut self, depth: usize, in_list: bool, is_item: bool) -> Option<Value> {
        match self.peek()? {
            '{' | '[' if depth == DEEPEST => None,
            '{' => self.object(depth + 1, in_list),
            '[' => self.list(depth + 1),
            '(' if !self.grouped => self.group(in_list, is_item),
            _ if opens(&self.text[self.at..]) => self.string(in_list, is_item).map(Value::Text),
            _ => self.word(),
        }
    }

    /// Strings in parentheses, as Python has them: one after the other they are one.
    fn group(&mut self, in_list: bool, is_item: bool) -> Option<Value> {
        self.next()?;
        self.skip();
        self.grouped = true;
        let value = self.value(DEEPEST, in_list, is_item);
        self.grouped = false;
        self.skip();
        self.eat(")");
        value
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        self.next()?;
        loop {
            self.skip();
            match self.peek() {
                Some(',') => drop(self.next()?),
                Some(']') => {
                    self.next()?;
                    break;
                }
                Some('}') => break,
                None => {
                    // More was to come.
                    items.push(Value::Text(Text { text: String::new(), whole: false }));
                    break;
                }
                Some(_) => items.push(self.value(depth, true, true)?),
            }
        }
        Some(Value::List(items))
    }

    /// A number, `true`, `None`: up to whatever ends it.
    fn word(&mut self) -> Option<Value> {
        let start = self.at;
        while self.peek().is_some_and(|character| !",}]\n\r".contains(character) && !is_quote(character)) {
            self.next()?;
        }
        (self.at > start).then_some(Value::Other)
    }
}

fn is_quote(character: char) -> bool {
    matches!(character, '"' | '\'' | '`' | '“' | '”' | '„' | '‘' | '’' | '«' | '»')
}

/// Whether a string begins `text`; Python has a letter before some.
fn opens(text: &str) -> bool {
    text.strip_prefix(['f', 'F', 'r', 'R', 'u', 'b']).unwrap_or(text).starts_with(is_quote)
}

/// Whether a string can end where `next` follows its quote.
fn ends(next: &str, bare_keys: bool, in_list: bool, is_item: bool) -> bool {
    let is_key = |text: &str| {
        let quoted = text.starts_with(is_quote);
        (quoted || bare_keys)
            && key(text).is_some_and(|(_, length)| {
                let after = &text[length..];
                after[gap(after, LONGEST_GAP)..].starts_with(':')
            })
    };
    if let Some(more) = next.strip_prefix(',') {
        let more = &more[gap(more, LONGEST_GAP)..];
        let is_next_item = is_item && more.starts_with(|c| is_quote(c) || c == '{');
        return more.is_empty()
            || more.starts_with(['}', ','])
            || (in_list && more.starts_with(']'))
            || is_next_item
            || is_key(more);
    }
    next.is_empty()
        || next.starts_with('}')
        || next.starts_with("```")
        || (in_list && next.starts_with(']'))
        || is_key(next)
}

/// A key at the beginning of `text`, and how many bytes it takes, quotes included.
fn key(text: &str) -> Option<(&str, usize)> {
    let first = text.chars().next()?;
    if is_quote(first) {
        let inside = &text[first.len_utf8()..];
        let (at, closer) = inside
            .char_indices()
            .take(LONGEST_KEY)
            .take_while(|(_, character)| *character != '\n')
            .find(|(_, character)| is_quote(*character))?;
        return Some((&inside[..at], first.len_utf8() + at + closer.len_utf8()));
    }
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let end = text
        .char_indices()
        .take(LONGEST_KEY)
        .find(|(_, character)| !is_word(*character))
        .map(|(at, _)| at)?;
    (end > 0 && !first.is_numeric()).then(|| (&text[..end], end))
}

/// Bytes of white space and comments at the beginning of `text`, as far as `limit`.
fn gap(text: &str, limit: usize) -> usize {
    let mut at = 0;
    while at < text.len() && at < limit {
        let rest = &text[at..];
        // No further than that, or a text of nothing but their beginnings would be read once for each of them.
        let near = &rest[..rest.floor_char_boundary(LONGEST_GAP)];
        let comment_end = match () {
            () if near.starts_with("//") || near.starts_with("# ") => near.find('\n'),
            () if near.starts_with("/*") => near.find("*/").map(|end| end + 2),
            () => None,
        };
        let step =
            comment_end.or_else(|| rest.chars().next().filter(|c| c.is_whitespace()).map(char::len_utf8));
        match step {
            Some(step) => at += step,
            None => break,
        }
    }
    at
}
