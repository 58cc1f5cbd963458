//! The body of a draft while its JSON is still being written: what can be shown of it so far.

/// Characters of a placeholder, braces included: so much is held back until its end is there.
const LONGEST_TOKEN: usize = 16;

/// Reads an object's text as it grows, and tells the body's new characters.
#[derive(Debug, Default)]
pub(super) struct Growing {
    place: Place,
    /// What was last read outside of the body, white space left out.
    tail: String,
    /// Half of a pair.
    high: Option<u16>,
    /// Decoded, and not yet shown: it may be a part of a placeholder, or the space at the end.
    held: String,
    /// Something was shown.
    begun: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before the body.
    #[default]
    Before,
    /// In a block of thought.
    Thinking,
    /// In the body.
    Body,
    /// Behind a backslash.
    Escape,
    /// Among the four digits behind `\u`.
    Unicode(String),
    /// The body is over.
    After,
}

/// How a body begins, white space left out.
const BEGINNINGS: [&str; 2] = ["{\"body\":\"", ",\"body\":\""];

impl Growing {
    /// Takes the next piece, and gives what of the body can be shown.
    pub(super) fn push(&mut self, piece: &str) -> String {
        let mut shown = String::new();
        for character in piece.chars() {
            self.take(character);
            self.show(&mut shown);
        }
        shown
    }

    fn take(&mut self, character: char) {
        self.place = match (std::mem::take(&mut self.place), character) {
            (place @ (Place::Before | Place::Thinking), _) => self.look(place, character),
            (Place::Body, '"') | (Place::After, _) => Place::After,
            (Place::Body, '\\') => Place::Escape,
            (Place::Escape, 'u') => Place::Unicode(String::new()),
            (Place::Escape, 'r' | 'b' | 'f') => Place::Body,
            (Place::Escape, 'n') => self.hold('\n'),
            (Place::Escape, 't') => self.hold('\t'),
            (Place::Body | Place::Escape, _) => self.hold(character),
            (Place::Unicode(mut digits), _) => {
                digits.push(character);
                match digits.chars().count() {
                    4 => self.unit(u16::from_str_radix(&digits, 16).unwrap_or(0xFFFD)),
                    _ => Place::Unicode(digits),
                }
            }
        };
    }

    fn look(&mut self, place: Place, character: char) -> Place {
        const KEPT: usize = 10;
        if !character.is_whitespace() {
            self.tail.push(character.to_ascii_lowercase());
        }
        while self.tail.chars().count() > KEPT {
            self.tail.remove(0);
        }
        let ends = |words: &str| self.tail.ends_with(words);
        if ends("</think") {
            return Place::Before;
        }
        if place == Place::Before && ends("<think") {
            return Place::Thinking;
        }
        if place == Place::Before && BEGINNINGS.into_iter().any(ends) {
            return Place::Body;
        }
        place
    }

    fn hold(&mut self, character: char) -> Place {
        self.held.push(character);
        Place::Body
    }

    fn unit(&mut self, unit: u16) -> Place {
        let units = self.high.take().into_iter().chain([unit]);
        if (0xD800..0xDC00).contains(&unit) {
            self.high = Some(unit);
        } else {
            self.held
                .extend(char::decode_utf16(units).map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
        Place::Body
    }

    /// Moves what is certain from what is held.
    fn show(&mut self, shown: &mut String) {
        if !self.begun {
            let blank = self.held.len() - self.held.trim_start().len();
            self.held.drain(..blank);
        }
        let end = self.held.trim_end().len();
        let certain = match self.held[..end].rfind(['{', '}']) {
            Some(at) if self.held[at..].starts_with('{') && end - at < LONGEST_TOKEN => at,
            _ => end,
        };
        let certain = self.held[..certain].trim_end().len();
        if certain > 0 {
            self.begun = true;
            shown.extend(self.held.drain(..certain));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(text: &str, sizes: &[usize]) -> Vec<String> {
        let mut growing = Growing::default();
        let characters: Vec<char> = text.chars().collect();
        let (mut at, mut shown) = (0, Vec::new());
        for size in sizes.iter().cycle() {
            let end = (at + size).min(characters.len());
            shown.push(growing.push(&characters[at..end].iter().collect::<String>()));
            at = end;
            if at == characters.len() {
                break;
            }
        }
        shown.retain(|piece| !piece.is_empty());
        shown
    }

    #[test]
    fn bodies_grow() {
        let check = |text: &str, expect: &str| {
            assert_eq!(pieces(text, &[1]).concat(), expect, "{text}");
            assert_eq!(pieces(text, &[1000]).concat(), expect, "{text}");
        };
        check(r#"{"subject":"s","body":"Dear {clientName},\n\nPay."}"#, "Dear {clientName},\n\nPay.");
        check("{ \"body\" : \" a \\\"b\\\" \\u00e4 \\ud83d\\ude00 \" , \"subject\": \"c\" }", "a \"b\" ä 😀");
        check("```json\n{\"subject\": \"body\",\n \"body\": \"x\"}\n```", "x");
        check(r#"<think>{"body":"no"}</think>{"subject":"s","body":"yes"}"#, "yes");
        check(r#"{"subject":"s"}"#, "");
        check(r#"{"body":"a {b"#, "a");
        check(r#"{"body":"a { long words that are none }"}"#, "a { long words that are none }");
        check("plain text", "");
    }

    #[test]
    fn placeholders_are_not_split() {
        let text = r#"{"subject":"s","body":"{clientName}, {amount} {dueDate} {daysOverdue}"}"#;
        for piece in pieces(text, &[1]) {
            assert_eq!(piece.matches('{').count(), piece.matches('}').count(), "{piece}");
        }
    }

    proptest! {
        #[test]
        fn every_cut_shows_the_same(body in "[a-zäß {}\"\\\\\n😀]{0,60}", sizes in prop::collection::vec(1_usize..9, 1..5)) {
            let text = serde_json::json!({"subject": "s", "body": body}).to_string();
            prop_assert_eq!(pieces(&text, &sizes).concat(), pieces(&text, &[10_000]).concat());
        }
    }
}
