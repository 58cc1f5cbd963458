use proptest::prelude::*;

use super::*;

/// What letters are made of, and what their readers stumble over.
const LETTER: &str =
    "(\\{clientName\\}|\\{amount\\}|[a-zé ]{1,8}|[\"',:.]|\n|```|\\[|\\]|//|\\+ \"|\", \"){1,30}";

fn draft(body: &str) -> Option<Draft> {
    let draft = Draft { subject: "{amount}: due".to_owned(), body: body.trim().to_owned() };
    body.contains(char::is_alphabetic).then_some(draft)
}

fn json(body: &str) -> String {
    serde_json::json!({"subject": "{amount}: due", "body": body}).to_string()
}

proptest! {
    #[test]
    fn valid_json_is_read_as_it_is(body in LETTER) {
        let Some(draft) = draft(&body) else { return Ok(()) };
        prop_assert_eq!(extract(&json(&body)), Ok(draft));
    }

    #[test]
    fn a_cut_letter_is_none(body in LETTER, cut in 1_usize..200) {
        let Some(_) = draft(&body) else { return Ok(()) };
        let answer = serde_json::json!({"subject": "{amount}: due", "body": format!("{body} end")}).to_string();
        let answer = &answer[..answer.floor_char_boundary(answer.len() - 2 - cut.min(answer.len() - 2))];
        prop_assert!(extract(answer).is_err(), "{}", answer);
    }

    #[test]
    fn nothing_is_too_strange(answer in "[{}\\[\\]\"'`“«,:/*#+()~\\\\<>a-fu\n ]{0,300}") {
        drop(extract(&answer));
    }
}

#[test]
fn hostile_texts_come_to_an_end() {
    for piece in [
        "{",
        "[",
        "\"",
        "{\"a\":",
        "{\"a\":\"",
        "{\"a\":[",
        "{'",
        "\\\"",
        "{\"a\":/*",
        "\"/*",
        "//",
        "```{",
        "<think>",
        "</",
        "{a:",
        "{\"body\":\"}",
        "{\"a\":\"\"+ ",
        "{\"a\":(\"",
        "\"\"\"",
        "{\"a\":\"{",
        "{\"a\":\"\\u",
        "{\"subject\":\"a\",\"body\":\"a\"}",
    ] {
        drop(extract(&piece.repeat(LONGEST_ANSWER / piece.len() / 64)));
    }
}
