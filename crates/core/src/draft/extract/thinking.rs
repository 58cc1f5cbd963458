//! What a model thinks aloud is no part of its answer.

use std::borrow::Cow;
use std::ops::Range;

const TAGS: [&str; 6] = ["think", "thinking", "thought", "thoughts", "reasoning", "reflection"];

/// The text without blocks of thought. One that is never closed takes the rest with it; one that was never opened,
/// as where the template opens it, takes what is before.
pub(super) fn strip(text: &str) -> Cow<'_, str> {
    let mut kept: Vec<Range<usize>> = Vec::new();
    let (mut from, mut thinking) = (0, false);
    for tag in tags(text) {
        match (thinking, tag.closes) {
            (false, false) => kept.push(from..tag.at.start),
            (false, true) => kept.clear(),
            (true, false) => continue,
            (true, true) => {}
        }
        thinking = !tag.closes;
        from = tag.at.end;
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    if !thinking {
        kept.push(from..text.len());
    }
    Cow::Owned(kept.into_iter().map(|range| &text[range]).collect::<Vec<_>>().join("\n"))
}

struct Tag {
    at: Range<usize>,
    closes: bool,
}

fn tags(text: &str) -> impl Iterator<Item = Tag> {
    memchr::memchr_iter(b'<', text.as_bytes()).filter_map(|start| {
        let inside = text[start + 1..].bytes().take(16);
        let name: String = inside.take_while(|byte| *byte != b'>').map(char::from).collect();
        let (closes, word) = name.strip_prefix('/').map_or((false, &*name), |word| (true, word));
        let known = TAGS.iter().any(|tag| tag.eq_ignore_ascii_case(word.trim()));
        let end = start + 1 + name.len();
        (known && text.as_bytes().get(end) == Some(&b'>')).then_some(Tag { at: start..end + 1, closes })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts() {
        let check = |text: &str, expect: &str| assert_eq!(strip(text).replace('\n', ""), expect, "{text}");
        check("a", "a");
        check("<think>x</think>a", "a");
        check("a<think>x</think>b<THINKING>y</Thinking >c", "abc");
        check("x</think>a", "a");
        check("a<think>x", "a");
        check("<think>x<think>y</think>a", "a");
        check("a < b <b>thin</b> <thinker>", "a < b <b>thin</b> <thinker>");
        check("<think", "<think");
        check("<ä><think>ö</think>ü", "<ä>ü");
    }
}
