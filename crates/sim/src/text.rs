//! What a simulated model says: the same for the same question, in pieces as a tokenizer makes them.

use serde_json::{Value, json};

use crate::script::Text;

/// The whole answer to a question.
pub(crate) fn answer(text: Text, question: &str) -> String {
    match text {
        Text::Empty => String::new(),
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
    let rest = whole.strip_prefix(said.trim_end()).unwrap_or(whole);
    if no_lead { rest.trim_start() } else { rest }.to_owned()
}

/// An object with a text for each property of a JSON Schema, as constrained decoding would give.
pub(crate) fn conforming(schema: &Value, question: &str) -> String {
    let names = schema.get("properties").and_then(Value::as_object);
    let fields = names.into_iter().flat_map(|names| names.keys());
    let object: serde_json::Map<String, Value> =
        fields.map(|name| (name.clone(), json!(format!("The {name} for “{}”", question.trim())))).collect();
    Value::Object(object).to_string()
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
            let whole = answer(text, "what   do you build?");
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
        check("something else", false, "one two three");
    }
}
