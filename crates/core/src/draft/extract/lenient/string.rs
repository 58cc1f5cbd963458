//! Strings, however they are delimited, and where they end.

use super::{LONGEST_GAP, Reader, Text, ends, gap, is_quote, opens};

impl Reader<'_> {
    /// A string. Quotes within it that are not escaped are part of it unless what follows them says otherwise.
    pub(super) fn string(&mut self, in_list: bool, is_item: bool) -> Option<Text> {
        let mut text = String::new();
        // The last quote so far ended a line: prose may follow an object whose brace is missing.
        let mut line_end = None;
        // Where lines are not escaped, their ends say nothing.
        let mut raw_lines = false;
        let mut quote = self.open()?;
        while let Some(character) = self.peek() {
            if character == '\\' {
                self.escape(&mut text)?;
                continue;
            }
            let Some(length) = quote.closes(&self.text[self.at..]) else {
                let character = self.next()?;
                raw_lines |= character == '\n';
                text.push(character);
                continue;
            };
            self.fuel = self.fuel.checked_sub(1)?;
            let after = self.at + length;
            let rest = &self.text[after..];
            let next = &rest[gap(rest, LONGEST_GAP)..];
            self.fuel = self.fuel.saturating_sub(rest.len() - next.len());
            if let Some(more) = self.goes_on(next) {
                self.at = self.text.len() - more.len();
                quote = self.open()?;
                continue;
            }
            let group_ends = self.grouped && next.starts_with(')');
            let is_cut = next.is_empty() && quote.is_inner(&text);
            if quote.triple || group_ends || (!is_cut && ends(next, self.bare_keys, in_list, is_item)) {
                self.at = after;
                return Some(Text { text, whole: true });
            }
            let ends_line = !raw_lines && rest.trim_start_matches([' ', '\t']).starts_with('\n');
            line_end = ends_line.then_some((after, text.len()));
            text.push_str(&self.text[self.at..after]);
            self.at = after;
        }
        if let Some((at, length)) = line_end {
            self.at = at;
            text.truncate(length);
            return Some(Text { text, whole: true });
        }
        let whole = drop_closers(&mut text);
        Some(Text { text, whole })
    }

    /// The next of several strings that are one, if there is one.
    fn goes_on<'a>(&self, next: &'a str) -> Option<&'a str> {
        let more = match next.strip_prefix('+') {
            Some(more) => &more[gap(more, LONGEST_GAP)..],
            None if self.grouped => next,
            None => return None,
        };
        opens(more).then_some(more)
    }

    fn open(&mut self) -> Option<Quote> {
        if !self.peek().is_some_and(is_quote) {
            self.next()?;
        }
        let opened = self.peek()?;
        let triple = self.eat("\"\"\"") || self.eat("'''");
        if !triple {
            self.next()?;
        }
        Some(Quote { opened, triple })
    }

    fn escape(&mut self, text: &mut String) -> Option<()> {
        self.next()?;
        match self.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('b' | 'f') | None => {}
            Some('u') => text.push(self.unicode()),
            // The valid ones that are left, and the invalid ones: the character is what was meant.
            Some(other) => text.push(other),
        }
        Some(())
    }

    fn unicode(&mut self) -> char {
        let Some(first) = self.hex() else { return char::REPLACEMENT_CHARACTER };
        let mut units = vec![first];
        if (0xD800..0xDC00).contains(&first) && self.text[self.at..].starts_with("\\u") {
            let before = self.at;
            self.at += 2;
            match self.hex().filter(|second| (0xDC00..0xE000).contains(second)) {
                Some(second) => units.push(second),
                None => self.at = before,
            }
        }
        char::decode_utf16(units).next().and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Option<u16> {
        let digits = self.text.get(self.at..self.at + 4)?;
        let unit = digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(digits)?;
        self.at += 4;
        u16::from_str_radix(unit, 16).ok()
    }
}

/// How a string was opened.
struct Quote {
    opened: char,
    /// Three of them, as Python has it.
    triple: bool,
}

impl Quote {
    /// How many bytes of `text` may close the string, if any. A smart quote may be closed by the plain one, too.
    fn closes(&self, text: &str) -> Option<usize> {
        let first = text.chars().next()?;
        if self.triple {
            return text.chars().take(3).eq([self.opened; 3]).then_some(3);
        }
        let closes = match self.opened {
            '"' | '\'' | '`' => first == self.opened,
            '‘' | '’' => matches!(first, '‘' | '’' | '\''),
            '«' | '»' => matches!(first, '«' | '»' | '"'),
            _ => matches!(first, '“' | '”' | '"'),
        };
        closes.then(|| first.len_utf8())
    }

    /// Whether the last quote of an answer may as well stand within the string: an apostrophe, or the second of a pair.
    fn is_inner(&self, text: &str) -> bool {
        match self.opened {
            '\'' | '‘' | '’' => text.ends_with(char::is_alphabetic),
            _ => text.matches('"').count() % 2 == 1,
        }
    }
}

/// The quote before the last brace may be missing: then the brace is not part of the text. Whether it was so.
fn drop_closers(text: &mut String) -> bool {
    let end = text.trim_end().trim_end_matches("```").trim_end().len();
    let inside = &text[..end];
    let surplus = inside.matches('}').count().saturating_sub(inside.matches('{').count());
    let mut kept = inside;
    for _ in 0..surplus {
        match kept.trim_end_matches([']', ' ', '\n', '\r', '\t']).strip_suffix('}') {
            Some(rest) => kept = rest.trim_end(),
            None => break,
        }
    }
    let dropped = kept.len() < inside.len();
    // The model escaped the quote that should have ended its text.
    let length = kept.strip_suffix('"').filter(|_| dropped).unwrap_or(kept).len();
    if dropped {
        text.truncate(length);
    }
    dropped
}
