//! From what was read towards a draft: which keys mean what, and which of several drafts is meant.

use super::super::placeholder::squash;
use super::super::{Draft, Placeholder};
use super::lenient::{Text, Value};
use crate::hidden::without_hidden;

/// What models call the two fields, without case, spaces and lines.
const SUBJECT: &[&str] = &[
    "subject", "subjectline", "emailsubject", "mailsubject", "betreff", "objet", "sujet", "asunto",
    "assunto", "title",
];
const BODY: &[&str] = &[
    "body", "emailbody", "bodytext", "mailbody", "text", "emailtext", "message", "content", "email",
    "nachricht", "corps", "cuerpo", "corpo", "mensaje", "mensagem", "inhalt", "texte", "texto", "contenu",
    "contenido", "conteúdo",
];

/// The best draft so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) best: Option<Candidate>,
    /// Something like a draft broke off in the middle of a text.
    pub(super) truncated: bool,
    /// Texts in which an object may stand.
    pub(super) within: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) draft: Draft,
    /// Kinds of placeholders in it, and whether its keys are those that were asked for.
    score: (usize, bool),
}

impl Found {
    /// Looks at a value and at everything in it.
    pub(super) fn look_at(&mut self, value: &Value) {
        match value {
            Value::Text(Text { text, .. }) if text.contains('{') => self.within.push(text.clone()),
            Value::Text(_) | Value::Other => {}
            Value::List(items) => items.iter().for_each(|item| self.look_at(item)),
            Value::Object(members) => {
                self.read(members);
                members.iter().for_each(|(_, value)| self.look_at(value));
            }
        }
    }

    fn read(&mut self, members: &[(String, Value)]) {
        let (Some((subject_key, subject)), Some((body_key, body))) =
            (field(members, SUBJECT), field(members, BODY))
        else {
            self.truncated |= field(members, SUBJECT).is_some_and(|(_, value)| breaks_off(value));
            return;
        };
        if breaks_off(subject) || breaks_off(body) {
            self.truncated = true;
            return;
        }
        let (Value::Text(Text { text: subject, .. }), Some(body)) = (subject, paragraphs(body)) else {
            return;
        };
        let draft = Draft { subject: clean(subject), body: clean(&body) };
        if !says_something(&draft.subject) || !says_something(&draft.body) {
            return;
        }
        let all = format!("{}\n{}", draft.subject, draft.body);
        let kinds = Placeholder::ALL.iter().filter(|one| all.contains(one.token())).count();
        let score = (kinds, subject_key == "subject" && body_key == "body");
        if self.best.as_ref().is_none_or(|best| score >= best.score) {
            self.best = Some(Candidate { draft, score });
        }
    }
}

/// The member whose key comes first in `names`.
fn field<'a>(members: &'a [(String, Value)], names: &[&str]) -> Option<(&'a str, &'a Value)> {
    let place = |key: &str| names.iter().position(|name| *name == squash(key));
    let found = members.iter().filter_map(|(key, value)| Some((place(key)?, key, value)));
    found.min_by_key(|(place, ..)| *place).map(|(_, key, value)| (key.as_str(), value))
}

fn breaks_off(value: &Value) -> bool {
    match value {
        Value::Text(text) => !text.whole,
        Value::List(items) => items.iter().any(breaks_off),
        Value::Object(members) => members.iter().any(|(_, value)| breaks_off(value)),
        Value::Other => false,
    }
}

/// A body in one text, or in its paragraphs.
fn paragraphs(body: &Value) -> Option<String> {
    let text = |value: &Value| match value {
        Value::Text(text) => Some(text.text.trim().to_owned()),
        Value::List(_) | Value::Object(_) | Value::Other => None,
    };
    let parts: Option<Vec<String>> = match body {
        Value::Text(text) => return Some(text.text.clone()),
        Value::List(items) => items.iter().map(text).collect(),
        Value::Object(members) => members.iter().map(|(_, value)| text(value)).collect(),
        Value::Other => None,
    };
    // Empty ones stand between lines, not between paragraphs.
    parts.map(|parts| parts.join(if parts.iter().any(String::is_empty) { "\n" } else { "\n\n" }))
}

/// Lines as they were meant: a model that escapes twice writes them with two characters. Nothing that cannot be seen.
fn clean(text: &str) -> String {
    let mut text = text.replace("\r\n", "\n").replace('\r', "\n");
    if text.contains("\\n") {
        text = text.replace("\\r", "").replace("\\n", "\n").replace("\\t", "\t").replace("\\\"", "\"");
    }
    without_hidden(&text).trim().to_owned()
}

/// Dots, or the name of a type, are an example's.
fn says_something(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && !text.eq_ignore_ascii_case("string")
}
