//! Reads what serde derives. That it cannot be read is all that an error says, and where the reader stopped: there is
//! nobody to tell more, and words for everything that may be wrong are as large as the reading.
//!
//! A struct is an object, never a list of its fields. Otherwise it reads what `serde_json` reads, and refuses what it
//! refuses.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Visitor};
use serde::forward_to_deserialize_any;

use super::Fault;
use super::number::{Digits, Number};

/// The name of a newtype that takes a value as it stands.
pub(super) const RAW: &str = "homefire::Raw";

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
    fn next(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    fn byte(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    /// The next byte is wrong.
    fn refuse(&mut self) -> Refused {
        self.refused.get_or_insert((self.at + 1).min(self.json.len()));
        Refused
    }

    /// What was read last is wrong, if anything is.
    fn place<T>(&mut self, read: Result<T, Refused>) -> Result<T, Refused> {
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

    fn take(&mut self, byte: u8) -> Result<(), Refused> {
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

    fn take_null(&mut self) -> Result<(), Refused> {
        match self.next() {
            Some(b'n') => self.take_word("null"),
            _ => Err(self.mismatch()),
        }
    }

    fn bool(&mut self) -> Result<bool, Refused> {
        match self.next() {
            Some(b't') => self.take_word("true").map(|()| true),
            Some(b'f') => self.take_word("false").map(|()| false),
            _ => Err(self.mismatch()),
        }
    }

    fn number(&mut self) -> Result<Number, Refused> {
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

    fn string(&mut self) -> Result<Cow<'a, str>, Refused> {
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
    fn skip(&mut self) -> Result<(), Refused> {
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
        self.at += 1;
        self.plain()?;
        while self.byte() == Some(b'\\') {
            self.at += 1;
            self.escape()?;
            self.plain()?;
        }
        self.at += 1;
        Ok(())
    }

    fn raw(&mut self) -> Result<&'a str, Refused> {
        self.next();
        let begin = self.at;
        self.skip()?;
        let text = str::from_utf8(&self.json[begin..self.at]).map_err(|_| Refused);
        self.place(text)
    }

    fn enter(&mut self, open: u8) -> Result<(), Refused> {
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
    fn more(&mut self, close: u8, is_first: &mut bool) -> Result<bool, Refused> {
        match self.next() {
            Some(byte) if byte == close => return Ok(false),
            Some(_) if std::mem::take(is_first) => return Ok(true),
            Some(b',') => self.at += 1,
            _ => return Err(self.refuse()),
        }
        if self.next() == Some(close) { Err(self.refuse()) } else { Ok(true) }
    }

    /// `read` is what was made of the items before `close`.
    fn leave<T>(&mut self, close: u8, read: Result<T, Refused>) -> Result<T, Refused> {
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

/// A list's or an object's items.
struct Items<'r, 'a> {
    reader: &'r mut Reader<'a>,
    is_first: bool,
}

impl<'a> de::SeqAccess<'a> for Items<'_, 'a> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Refused> {
        match self.reader.more(b']', &mut self.is_first)? {
            true => seed.deserialize(&mut *self.reader).map(Some),
            false => Ok(None),
        }
    }
}

impl<'a> de::MapAccess<'a> for Items<'_, 'a> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Refused> {
        match self.reader.more(b'}', &mut self.is_first)? {
            true if self.reader.next() != Some(b'"') => Err(self.reader.refuse()),
            true => seed.deserialize(&mut *self.reader).map(Some),
            false => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Refused> {
        self.reader.take(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

/// A variant's name, and what it holds where it stands in an object.
struct Variant<'r, 'a> {
    reader: &'r mut Reader<'a>,
    is_unit: bool,
}

impl<'a> de::EnumAccess<'a> for Variant<'_, 'a> {
    type Error = Refused;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'a>>(self, seed: V) -> Result<(V::Value, Self), Refused> {
        let variant = seed.deserialize(&mut *self.reader)?;
        if !self.is_unit {
            self.reader.take(b':')?;
        }
        Ok((variant, self))
    }
}

impl<'a> de::VariantAccess<'a> for Variant<'_, 'a> {
    type Error = Refused;

    fn unit_variant(self) -> Result<(), Refused> {
        if self.is_unit { Ok(()) } else { self.reader.take_null() }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(self, seed: T) -> Result<T::Value, Refused> {
        if self.is_unit { Err(Refused) } else { seed.deserialize(self.reader) }
    }

    fn tuple_variant<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, Refused> {
        if self.is_unit { Err(Refused) } else { de::Deserializer::deserialize_seq(self.reader, visitor) }
    }

    fn struct_variant<V: Visitor<'a>>(self, _: &[&str], visitor: V) -> Result<V::Value, Refused> {
        if self.is_unit { Err(Refused) } else { de::Deserializer::deserialize_map(self.reader, visitor) }
    }
}

macro_rules! numbers {
    ($($name:ident)*) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
            let seen = match self.number()? {
                Number::Natural(number) => visitor.visit_u64(number),
                Number::Negative(number) => visitor.visit_i64(number),
                Number::Float(number) => visitor.visit_f64(number),
            };
            self.place(seen)
        })*
    };
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.next() {
            Some(b'n') => self.deserialize_unit(visitor),
            Some(b't' | b'f') => self.deserialize_bool(visitor),
            Some(b'"') => self.deserialize_str(visitor),
            Some(b'[') => self.deserialize_seq(visitor),
            Some(b'{') => self.deserialize_map(visitor),
            _ => self.deserialize_f64(visitor),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.take_null()?;
        visitor.visit_unit()
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let bool = self.bool()?;
        visitor.visit_bool(bool)
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        let seen = match self.string()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        };
        self.place(seen)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        if self.next() == Some(b'n') {
            self.take_null()?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        match name == RAW {
            true => visitor.visit_borrowed_str(self.raw()?),
            false => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.enter(b'[')?;
        let seen = visitor.visit_seq(Items { reader: self, is_first: true });
        self.leave(b']', seen)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.enter(b'{')?;
        let seen = visitor.visit_map(Items { reader: self, is_first: true });
        self.leave(b'}', seen)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &str,
        _: &[&str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &str, _: &[&str], visitor: V) -> Result<V::Value, Refused> {
        if self.next() == Some(b'"') {
            let seen = visitor.visit_enum(Variant { reader: self, is_unit: true });
            return self.place(seen);
        }
        self.enter(b'{')?;
        let seen = visitor.visit_enum(Variant { reader: self, is_unit: false });
        self.leave(b'}', seen)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i128 u128 char bytes byte_buf unit_struct }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not what was to be read")
    }
}

impl std::error::Error for Refused {}

/// Nothing of it is put into words: serde would, if it were not told here.
impl de::Error for Refused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }

    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self
    }

    fn invalid_value(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self
    }

    fn invalid_length(_: usize, _: &dyn de::Expected) -> Self {
        Self
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn missing_field(_: &'static str) -> Self {
        Self
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self
    }
}
