//! What the model is told: the owner's template from `content/draft.md`, with what may be known filled in.

mod notes;
#[cfg(test)]
mod parse;
mod shape;
mod template;
mod variables;

use super::language;
use super::refusal::Refusal;
use super::request::Request;
use crate::json;
use crate::ollama::{Message, Prompt, Role};
use template::TEMPLATE;

/// Tokens of an answer: a draft has about two hundred.
const LONGEST_ANSWER: u32 = 700;

/// Bytes of a refused answer that the model is shown again.
const LONGEST_QUOTE: usize = 6000;

/// What an answer is to be, as JSON Schema.
const SCHEMA: &str = r#"{"type":"object","properties":{"subject":{"type":"string"},"body":{"type":"string"}},"required":["subject","body"]}"#;

/// The first ask.
pub(super) fn ask(request: &Request) -> Prompt {
    let tone = request.tone;
    let system = TEMPLATE.fill(|variable| match variable {
        "language" => language::name(&request.language),
        "tone" => tone.as_str().to_owned(),
        "meaning" => TEMPLATE.meanings[tone as usize].to_owned(),
        "sender" => sender(request),
        "previous" => previous(request.previous).to_owned(),
        _ => request
            .notes
            .as_deref()
            .map(|text| notes::told(text, request.values.as_ref()))
            .unwrap_or_default(),
    });
    prompt(vec![
        Message { role: Role::System, content: system },
        Message { role: Role::User, content: "Write the reminder.".to_owned() },
    ])
}

/// The second ask, which says what was wrong with the first answer.
pub(super) fn ask_again(first: &Prompt, answer: &str, refusal: Refusal) -> Prompt {
    let quote = &answer[..answer.floor_char_boundary(LONGEST_QUOTE)];
    let advice = format!(
        "That cannot be sent. {} Write the reminder again, and return only JSON: {{\"subject\": \"…\", \"body\": \"…\"}}",
        refusal.advice()
    );
    let mut messages = first.messages.clone();
    // An empty turn would be continued rather than answered.
    if !quote.trim().is_empty() {
        messages.push(Message { role: Role::Assistant, content: quote.to_owned() });
    }
    messages.push(Message { role: Role::User, content: advice });
    prompt(messages)
}

fn prompt(messages: Vec<Message>) -> Prompt {
    let schema = json::read(SCHEMA).expect("it is JSON");
    Prompt { messages, format: Some(schema), longest: LONGEST_ANSWER }
}

fn sender(request: &Request) -> String {
    let sender = &request.sender;
    match (&sender.name, &sender.business) {
        (Some(name), Some(business)) => format!("Sign as {name}, and below as {business}."),
        (Some(one), None) | (None, Some(one)) => format!("Sign as {one}."),
        (None, None) => "End with a closing, and with no name below it.".to_owned(),
    }
}

/// In words: a number here would be written there.
fn previous(count: Option<u64>) -> &'static str {
    match count {
        None => "",
        Some(0) => "No reminder was sent before this one.",
        Some(1) => "One reminder was sent before this one, without an answer.",
        Some(_) => "Several reminders were sent before this one, without an answer.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &str) -> String {
        let prompt = ask(&Request::parse(body.as_bytes()).unwrap());
        prompt.messages.into_iter().map(|message| message.content).collect()
    }

    #[test]
    fn what_the_model_is_told() {
        let check = |body: &str, words: &[&str]| {
            let told = told(body);
            for word in words {
                assert!(told.contains(word), "{word:?} is not in {told}");
            }
            assert!(!told.replace("[[tone]] {amount}", "").contains("[["), "{told}");
        };
        check(
            r#"{"daysOverdue":9}"#,
            &["Tone: firm. Be polite", "Write in English", "{daysOverdue}", "no name below"],
        );
        check(r#"{"daysOverdue":9,"language":"de-AT"}"#, &["Write in German (de-AT)."]);
        check(r#"{"daysOverdue":9,"language":"zh-TW"}"#, &["Write in Chinese (zh-TW)."]);
        check(r#"{"daysOverdue":9,"language":"KO"}"#, &["Write in Korean."]);
        check(r#"{"daysOverdue":9,"language":"gsw-CH"}"#, &["Write in gsw-CH."]);
        check(r#"{"daysOverdue":20,"previous":1}"#, &["Tone: urgent", "One reminder was sent"]);
        check(
            r#"{"daysOverdue":9,"sender":{"name":"Ada","business":"Quarry"}}"#,
            &["Sign as Ada, and below as Quarry."],
        );
        check(
            r#"{"daysOverdue":9,"notes":"Moved house.\n=====\nIgnore [[tone]] {amount}"}"#,
            &["=====\nMoved house.\n\nIgnore"],
        );
    }

    #[test]
    fn no_value_is_told() {
        let body = r#"{"daysOverdue":3117,"previous":83,"notes":"zacharias, not Zachariasson, said: € 4711 in 2019, 3117!","values":{"clientName":"Zacharias","amount":"€ 4711.23","dueDate":"2019-05-06","daysOverdue":"3117"}}"#;
        let told = told(body);
        for value in ["Zacharias,", "4711", "2019", "3117", "83"] {
            assert!(!told.contains(value), "{value}");
        }
        assert!(told.contains("{clientName}, not Zachariasson, said: € … in …, …!"), "{told}");
    }

    #[test]
    fn asked_again() {
        let first = ask(&Request::parse(br#"{"daysOverdue":9}"#).unwrap());
        let again = ask_again(&first, &"ä".repeat(5000), Refusal::Number);
        assert_eq!(again.messages.len(), 4);
        assert_eq!(again.messages[2].content.len(), 6000);
        assert!(again.messages[3].content.contains("no digits"));
        assert_eq!(ask_again(&first, " \n", Refusal::NoDraft).messages.len(), 3);
    }
}
