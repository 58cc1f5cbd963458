//! What a simulated model says: the same for the same question, in pieces as a tokenizer makes them.

use serde_json::{Value, json};

use crate::drafts::GOOD;
use crate::script::Text;

/// The whole answer to a question.
pub(crate) fn answer(text: &Text, question: &str) -> String {
    match text {
        Text::Empty => String::new(),
        Text::Words(words) => words.to_string(),
        Text::Blank => " \n \n".to_owned(),
        Text::Markup => "Write <b>bold</b> & \"quoted\" \\ text:\n\n\tlike this.".to_owned(),
        Text::Answer => {
            let question: String = question.split_whitespace().collect::<Vec<_>>().join(" ");
            let question: String = question.chars().take(60).collect();
            format!(
                "You asked about “{question}”. I am a simulated model on a small machine at home — what I say is \
                 always the same, so that you can watch how it reaches you 🔥 word by word. Kill this node while I \
                 speak, and see who answers next: das Haus fällt nicht, 灯火不灭."
            )
        }
    }
}

/// What is left to say after `said`, as a model that continues its own answer would: the renderer trims what was said,
/// so the rest may begin with a space or, with `no_lead`, without.
pub(crate) fn rest(whole: &str, said: &str, no_lead: bool) -> String {
    let rest = behind(whole, said).unwrap_or(whole);
    if no_lead { rest.trim_start() } else { rest }.to_owned()
}

/// What stands behind `said`, be the white space in it as it may: another node may have left some out.
fn behind<'a>(whole: &'a str, said: &str) -> Option<&'a str> {
    said.chars()
        .filter(|char| !char.is_whitespace())
        .try_fold(whole, |rest, char| rest.trim_start().strip_prefix(char))
}

/// The last words of what was said, once more, with the white space between them.
pub(crate) fn repeated(said: &str, words: usize) -> String {
    let said = said.trim_end();
    let starts = said.char_indices().filter(|(at, _)| {
        let (before, from) = said.split_at(*at);
        !from.starts_with(char::is_whitespace) && (before.is_empty() || before.ends_with(char::is_whitespace))
    });
    let last = starts.map(|(at, _)| at).rev().take(words).last();
    last.map_or("", |at| &said[at..]).to_owned()
}

/// A value that fits a JSON Schema, as constrained decoding would give: its fields in the schema's order. A payment
/// reminder is one that does as it was `told`.
pub(crate) fn conforming(schema: &Value, told: &str, question: &str) -> String {
    match told.contains("{clientName}") {
        true => GOOD.to_owned(),
        false => fit("answer", schema, question.trim()).to_string(),
    }
}

fn fit(name: &str, schema: &Value, question: &str) -> Value {
    if let Some(first) = schema["enum"].get(0).or(schema.get("const")) {
        return first.clone();
    }
    let named = schema.get("properties").and_then(Value::as_object);
    match (named, schema["type"].as_str()) {
        (Some(named), _) => Value::Object(
            named.iter().map(|(name, field)| (name.clone(), fit(name, field, question))).collect(),
        ),
        (None, Some("object")) => json!({ name: format!("The {name} for “{question}”") }),
        (None, Some("array")) => json!([fit(name, &schema["items"], question)]),
        (None, Some("integer")) => json!(7),
        (None, Some("number")) => json!(0.5),
        (None, Some("boolean")) => json!(true),
        (None, Some("null")) => Value::Null,
        (None, _) => json!(format!("The {name} for “{question}”")),
    }
}

/// The pieces of a text: words with the space before them, long words in two.
pub(crate) fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut piece = String::new();
    for character in text.chars() {
        let starts_word = character.is_whitespace() && !piece.ends_with(char::is_whitespace);
        if (starts_word && !piece.is_empty()) || piece.chars().count() == 6 {
            pieces.push(std::mem::take(&mut piece));
        }
        piece.push(character);
    }
    pieces.extend((!piece.is_empty()).then_some(piece));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_whole() {
        for text in [Text::Empty, Text::Blank, Text::Markup, Text::Answer] {
            let whole = answer(&text, "what   do you build?");
            assert_eq!(pieces(&whole).concat(), whole);
        }
        assert_eq!(pieces("Hello there — ok"), ["Hello", " there", " —", " ok"]);
    }

    #[test]
    fn an_answer_can_be_continued() {
        let check =
            |said: &str, no_lead, expect: &str| assert_eq!(rest("one two three", said, no_lead), expect);
        check("one", false, " two three");
        check("one ", false, " two three");
        check("one ", true, "two three");
        check("onetwo", false, " three");
        check("something else", false, "one two three");
    }

    #[test]
    fn words_are_repeated_as_they_were_said() {
        let check = |words, expect: &str| assert_eq!(repeated("one:\n- two three ", words), expect);
        check(0, "");
        check(2, "two three");
        check(3, "- two three");
        check(4, "one:\n- two three");
        check(9, "one:\n- two three");
        assert_eq!(repeated("", 3), "");
    }

    #[test]
    fn schemas_are_met() {
        let check =
            |schema: Value, expect: &str| assert_eq!(conforming(&schema, "Be brief.", " Why? "), expect);
        check(
            json!({"type": "object", "properties": {"subject": {"type": "string"}, "body": {"type": "string"}}}),
            "{\"subject\":\"The subject for “Why?”\",\"body\":\"The body for “Why?”\"}",
        );
        check(json!({"type": "array", "items": {"enum": ["a", "b"]}}), "[\"a\"]");
        check(
            json!({"properties": {"n": {"type": "integer"}, "x": {"type": "number"}, "b": {"type": "boolean"}}}),
            "{\"n\":7,\"x\":0.5,\"b\":true}",
        );
        check(json!({"type": "object"}), "{\"answer\":\"The answer for “Why?”\"}");
    }
}
