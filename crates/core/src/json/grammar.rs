//! JSON's grammar, as a reader steps through it, and where it refused to go on.

use std::borrow::Cow;

use super::Fault;
use super::number::{Digits, Number};

/// So deep may lists and objects be in one another; what is skipped may be deeper.
const DEEPEST: usize = 127;

pub(super) struct Reader<'a> {
    json: &'a [u8],
    at: usize,
    depth: usize,
    /// Where something was refused first.
    refused: Option<usize>,
}

/// It is not what was to be read.
#[derive(Debug)]
pub(super) struct Refused;

impl<'a> Reader<'a> {
    pub(super) fn new(json: &'a [u8]) -> Self {
        Self { json, at: 0, depth: 0, refused: None }
    }

    /// Nothing but white space may follow.
    pub(super) fn end(&mut self) -> Result<(), Refused> {
        match self.next() {
            None => Ok(()),
            Some(_) => Err(self.refuse()),
        }
    }

    pub(super) fn fault(&self) -> Fault {
        let read = &self.json[..self.refused.unwrap_or(self.at)];
        let begin = read.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        Fault { line: 1 + read.iter().filter(|byte| **byte == b'\n').count(), column: read.len() - begin }
    }

    /// The next byte that is no white space. It is not taken.
    pub(super) fn next(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    fn byte(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    /// The next byte is wrong.
    pub(super) fn refuse(&mut self) -> Refused {
        self.refused.get_or_insert((self.at + 1).min(self.json.len()));
        Refused
    }

    /// What was read last is wrong, if anything is.
    pub(super) fn place<T>(&mut self, read: Result<T, Refused>) -> Result<T, Refused> {
        if read.is_err() {
            self.refused.get_or_insert(self.at);
        }
        read
    }

    /// The next value is sound, but another one was to be read.
    fn mismatch(&mut self) -> Refused {
        let skipped = match self.next() {
            Some(b'[' | b'{') => Ok(()),
            Some(b'"') => self.string().map(drop),
            _ => self.skip_simple(),
        };
        self.place(skipped.and(Err::<(), _>(Refused))).expect_err("it was refused")
    }

    pub(super) fn take(&mut self, byte: u8) -> Result<(), Refused> {
        match self.next() == Some(byte) {
            true => {
                self.at += 1;
                Ok(())
            }
            false => Err(self.refuse()),
        }
    }

    fn take_word(&mut self, word: &str) -> Result<(), Refused> {
        for byte in word.bytes() {
            if self.byte() != Some(byte) {
                return Err(self.refuse());
            }
            self.at += 1;
        }
        Ok(())
    }

    pub(super) fn take_null(&mut self) -> Result<(), Refused> {
        match self.next() {
            Some(b'n') => self.take_word("null"),
            _ => Err(self.mismatch()),
        }
    }

    pub(super) fn bool(&mut self) -> Result<bool, Refused> {
        match self.next() {
            Some(b't') => self.take_word("true").map(|()| true),
            Some(b'f') => self.take_word("false").map(|()| false),
            _ => Err(self.mismatch()),
        }
    }

    pub(super) fn number(&mut self) -> Result<Number, Refused> {
        let (is_negative, digits) = self.figures()?;
        digits.number(is_negative).ok_or_else(|| self.refuse())
    }

    fn figures(&mut self) -> Result<(bool, Digits), Refused> {
        let (is_negative, mut digits) = match self.next() {
            Some(b'-') => {
                self.at += 1;
                (true, Digits::default())
            }
            Some(b'0'..=b'9') => (false, Digits::default()),
            _ => return Err(self.mismatch()),
        };
        match self.byte() {
            Some(b'0') => {
                self.at += 1;
                if self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
                    return Err(self.refuse());
                }
            }
            _ => self.digits(|digit| digits.push(digit, false))?,
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits(|digit| digits.push(digit, true))?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            let sign = if self.byte() == Some(b'-') { -1 } else { 1 };
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            let mut exponent = 0_i32;
            self.digits(|digit| {
                exponent = exponent.saturating_mul(10).saturating_add((digit - b'0').into())
            })?;
            digits.scale(sign * exponent);
        }
        Ok((is_negative, digits))
    }

    /// One digit or more.
    fn digits(&mut self, mut each: impl FnMut(u8)) -> Result<(), Refused> {
        let begin = self.at;
        while let Some(digit @ b'0'..=b'9') = self.byte() {
            each(digit);
            self.at += 1;
        }
        if self.at == begin { Err(self.refuse()) } else { Ok(()) }
    }

    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, Refused> {
        if self.next() != Some(b'"') {
            return Err(self.mismatch());
        }
        self.at += 1;
        let plain = self.plain()?;
        if self.byte() == Some(b'"') {
            self.at += 1;
            let text = str::from_utf8(plain).map_err(|_| Refused);
            return self.place(text).map(Cow::Borrowed);
        }
        let mut bytes = plain.to_vec();
        while self.byte() == Some(b'\\') {
            self.at += 1;
            let c = self.escaped()?;
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            bytes.extend_from_slice(self.plain()?);
        }
        self.at += 1;
        let text = String::from_utf8(bytes).map_err(|_| Refused);
        self.place(text).map(Cow::Owned)
    }

    /// What stands before the next quote or backslash.
    fn plain(&mut self) -> Result<&'a [u8], Refused> {
        let rest = &self.json[self.at..];
        let end = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
        let plain = &rest[..end];
        if let Some(control) = plain.iter().position(|byte| *byte < b' ') {
            self.at += control;
            return Err(self.refuse());
        }
        self.at += end;
        if end == rest.len() { Err(self.refuse()) } else { Ok(plain) }
    }

    /// The character behind a backslash.
    fn escaped(&mut self) -> Result<char, Refused> {
        let c = match self.escape()? {
            Escape::Character(c) => Some(c),
            Escape::Unit(high @ 0xd800..0xdc00) => {
                self.take_word("\\u")?;
                let low = self.hex()?;
                char::decode_utf16([high, low]).next().and_then(Result::ok)
            }
            Escape::Unit(unit) => char::from_u32(unit.into()),
        };
        let c = c.ok_or(Refused);
        self.place(c)
    }

    fn escape(&mut self) -> Result<Escape, Refused> {
        let c = match self.byte() {
            Some(b'u') => {
                self.at += 1;
                return self.hex().map(Escape::Unit);
            }
            Some(c @ (b'"' | b'\\' | b'/')) => c,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            _ => return Err(self.refuse()),
        };
        self.at += 1;
        Ok(Escape::Character(c.into()))
    }

    fn hex(&mut self) -> Result<u16, Refused> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.byte().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else { return Err(self.refuse()) };
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(u16::try_from(unit).expect("four digits are 16 bits"))
    }

    /// Steps over a value, however deep it is.
    pub(super) fn skip(&mut self) -> Result<(), Refused> {
        let mut closes = Vec::new();
        loop {
            match self.next() {
                Some(open @ (b'[' | b'{')) => {
                    self.at += 1;
                    let close = open + 2;
                    closes.push(close);
                    if self.next() != Some(close) {
                        self.skip_key(close)?;
                        continue;
                    }
                }
                _ => self.skip_simple()?,
            }
            loop {
                let Some(close) = closes.last().copied() else { return Ok(()) };
                match self.next() {
                    Some(byte) if byte == close => {
                        self.at += 1;
                        closes.pop();
                    }
                    Some(b',') => {
                        self.at += 1;
                        self.skip_key(close)?;
                        break;
                    }
                    _ => return Err(self.refuse()),
                }
            }
        }
    }

    /// Steps over what stands before a value, by what closes the list or the object that it is in.
    fn skip_key(&mut self, close: u8) -> Result<(), Refused> {
        if close == b']' {
            return Ok(());
        }
        match self.next() {
            Some(b'"') => self.skip_string()?,
            _ => return Err(self.refuse()),
        }
        self.take(b':')
    }

    fn skip_simple(&mut self) -> Result<(), Refused> {
        match self.next() {
            Some(b'"') => self.skip_string(),
            Some(b'n') => self.take_word("null"),
            Some(b't' | b'f') => self.bool().map(drop),
            Some(b'-' | b'0'..=b'9') => self.figures().map(drop),
            _ => Err(self.refuse()),
        }
    }

    fn skip_string(&mut self) -> Result<(), Refused> {
        self.each_escape(|_| ())
    }

    /// Steps over a string, and tells of what is escaped in it.
    fn each_escape(&mut self, mut each: impl FnMut(Escape)) -> Result<(), Refused> {
        self.at += 1;
        self.plain()?;
        while self.byte() == Some(b'\\') {
            self.at += 1;
            each(self.escape()?);
            self.plain()?;
        }
        self.at += 1;
        Ok(())
    }

    /// Whether all of it is one string without surrogates.
    pub(super) fn is_plain(&mut self) -> bool {
        let mut has_surrogates = false;
        let look = |escape| has_surrogates |= matches!(escape, Escape::Unit(0xd800..0xe000));
        self.byte() == Some(b'"')
            && self.each_escape(look).is_ok()
            && self.at == self.json.len()
            && !has_surrogates
    }

    pub(super) fn raw(&mut self) -> Result<&'a str, Refused> {
        self.next();
        let begin = self.at;
        self.skip()?;
        let text = str::from_utf8(&self.json[begin..self.at]).map_err(|_| Refused);
        self.place(text)
    }

    pub(super) fn enter(&mut self, open: u8) -> Result<(), Refused> {
        if self.next() != Some(open) {
            return Err(self.mismatch());
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.refuse());
        }
        self.at += 1;
        Ok(())
    }

    /// Whether there is another item before `close`.
    pub(super) fn more(&mut self, close: u8, is_first: &mut bool) -> Result<bool, Refused> {
        match self.next() {
            Some(byte) if byte == close => return Ok(false),
            Some(_) if std::mem::take(is_first) => return Ok(true),
            Some(b',') => self.at += 1,
            _ => return Err(self.refuse()),
        }
        if self.next() == Some(close) { Err(self.refuse()) } else { Ok(true) }
    }

    /// `read` is what was made of the items before `close`.
    pub(super) fn leave<T>(&mut self, close: u8, read: Result<T, Refused>) -> Result<T, Refused> {
        self.depth -= 1;
        if self.refused.is_none() {
            let end = self.take(close);
            if read.is_err() {
                self.refused = Some(self.at);
            }
            end?;
        }
        read
    }
}

enum Escape {
    Character(char),
    /// Of UTF-16.
    Unit(u16),
}
