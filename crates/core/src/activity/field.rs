//! What may be believed of somebody else's reply: one line, one day, a handful of acts.

use serde_json::Value;

use crate::hidden::hides;
use crate::json;
use crate::site::Act;

/// Characters of a text.
pub(super) const LONGEST: usize = 120;

/// Acts of one place.
pub(super) const MOST: usize = 10;

/// One event whose own fields are sound.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) repo: String,
    pub(super) date: String,
    /// What was done; none where it is not worth a line.
    pub(super) line: Option<String>,
}

/// The acts in a list of events, in its order. `None` where it is no list, or nothing in it is an event.
pub(super) fn acts(body: &[u8], read: impl Fn(&Value) -> Option<Seen>) -> Option<Vec<Act>> {
    let Ok(Value::Array(events)) = json::read(body) else { return None };
    let seen: Vec<Seen> = events.iter().filter_map(read).collect();
    if seen.is_empty() && !events.is_empty() {
        return None;
    }
    let mut acts: Vec<Act> = Vec::new();
    for Seen { repo, date, line } in seen {
        let Some(act) = line.map(|line| Act { repo, date, line }) else { continue };
        // Ten pushes to one branch are one thing that was done.
        if acts.len() < MOST && !acts.contains(&act) {
            acts.push(act);
        }
    }
    Some(acts)
}

/// A text's first line that is not blank, without what a terminal would obey, cut to [`LONGEST`] characters.
pub(super) fn line(text: &str) -> Option<String> {
    let tidy = |line: &str| {
        let words = line.split_whitespace().map(|word| word.chars().filter(|c| is_seen(*c)).collect());
        words.filter(|word: &String| !word.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let line = text.lines().map(tidy).find(|line| !line.is_empty())?;
    Some(match line.char_indices().nth(LONGEST - 1) {
        Some((cut, last)) if cut + last.len_utf8() < line.len() => format!("{}…", &line[..cut]),
        _ => line,
    })
}

/// Neither a control character nor one that turns or hides what stands beside it.
fn is_seen(c: char) -> bool {
    !c.is_control() && !hides(c)
}

/// The day of a time such as `2026-11-19T09:30:00Z`.
pub(super) fn day(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let day = text.get(..10)?;
    let shape = day.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let rest = &text[10..];
    let number = |at: std::ops::Range<usize>| day[at].parse::<u32>().unwrap_or_default();
    let is_day = shape && (1..=12).contains(&number(5..7)) && (1..=31).contains(&number(8..10));
    (is_day && (rest.is_empty() || rest.starts_with(['T', ' ']))).then(|| day.to_owned())
}

/// A name of a branch, a tag or a repository: what Git and both places allow in one, and no markup.
pub(super) fn name(text: &str) -> Option<&str> {
    let is_sound = |c: char| c.is_alphanumeric() || "._-/+#@".contains(c);
    ((1..=LONGEST).contains(&text.chars().count()) && text.chars().all(is_sound)).then_some(text)
}

/// `head`, and what `title` says if it is a text.
pub(super) fn titled(head: &str, title: &Value) -> Option<String> {
    match title.as_str().and_then(line) {
        Some(title) => line(&format!("{head}: {title}")),
        None => line(head),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts() {
        let check = |text: &str, expect: Option<&str>| assert_eq!(line(text).as_deref(), expect, "{text:?}");
        check("Keep the fire", Some("Keep the fire"));
        check("\n\n  Keep\tthe \r fire \nand more", Some("Keep the fire"));
        check("a\u{1b}[31mred\u{7}", Some("a[31mred"));
        check("a\u{2028}b\u{202e}c\u{200b}", Some("a bc"));
        check("<b>bold</b> & \"so\"", Some("<b>bold</b> & \"so\""));
        check("\u{0}\n\u{200e}", None);
        check("", None);
        check(&"é".repeat(LONGEST), Some(&"é".repeat(LONGEST)));
        check(&"é".repeat(LONGEST + 1), Some(&format!("{}…", "é".repeat(LONGEST - 1))));
    }

    #[test]
    fn days() {
        let check =
            |value: Value, expect: Option<&str>| assert_eq!(day(&value).as_deref(), expect, "{value}");
        check(json!("2026-11-19T09:30:00Z"), Some("2026-11-19"));
        check(json!("2026-11-19T09:30:00.123+02:00"), Some("2026-11-19"));
        check(json!("2026-11-19"), Some("2026-11-19"));
        check(json!("2026-13-19T09:30:00Z"), None);
        check(json!("2026-11-32"), None);
        check(json!("2026-11-199"), None);
        check(json!("19.11.2026"), None);
        check(json!("2026-11-1é"), None);
        check(json!("yesterday"), None);
        check(json!(1_767_225_600), None);
        check(json!(null), None);
    }

    #[test]
    fn names() {
        let check = |text: &str, expect: bool| assert_eq!(name(text).is_some(), expect, "{text:?}");
        check("feature/short-lines_2.0", true);
        check("größer", true);
        check("", false);
        check("a b", false);
        check("<script>", false);
        check("main\nsecond", false);
        check(&"x".repeat(LONGEST + 1), false);
    }
}
