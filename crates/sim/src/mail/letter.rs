//! A mail as it is handed in, and what Resend has to say about one that is none.

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::{Map, Value};

use crate::outside::header;

/// What is to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) subject: String,
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
}

/// What is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) name: &'static str,
    pub(super) text: String,
}

const MOST_RECIPIENTS: usize = 50;

pub(super) fn read(request: &Request<Bytes>) -> Result<Letter, Fault> {
    let fields = fields(request)?;
    let from = text(&fields, "from")?.ok_or_else(|| missing("`from`"))?;
    let to = recipients(&fields)?;
    let subject = text(&fields, "subject")?.ok_or_else(|| missing("`subject`"))?;
    let (html, text) = (text(&fields, "html")?, text(&fields, "text")?);
    if html.is_none() && text.is_none() {
        return Err(missing("`html` or `text`"));
    }
    for (field, address) in to.iter().map(|to| ("to", to)).chain([("from", &from)]) {
        if !is_address(address) {
            let rule = "The email address needs to follow the `email@example.com` or \
                 `Name <email@example.com>` format.";
            return Err(invalid(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("Invalid `{field}` field. {rule}"),
            ));
        }
    }
    Ok(Letter { from, to, subject, text, html })
}

/// A body that does not say it is JSON is not read: it has no fields.
fn fields(request: &Request<Bytes>) -> Result<Map<String, Value>, Fault> {
    let kind = header(request, "content-type").unwrap_or_default();
    if !kind.trim().to_ascii_lowercase().starts_with("application/json") {
        return Ok(Map::new());
    }
    serde_json::from_slice(request.body())
        .map_err(|_| invalid(StatusCode::BAD_REQUEST, "The request body is not valid JSON.".to_owned()))
}

fn text(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, Fault> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => {
            let text = format!("The `{name}` field must be a `string`.");
            Err(invalid(StatusCode::UNPROCESSABLE_ENTITY, text))
        }
    }
}

fn recipients(fields: &Map<String, Value>) -> Result<Vec<String>, Fault> {
    let Some(Value::Array(list)) = fields.get("to") else {
        return text(fields, "to")?.map(|to| vec![to]).ok_or_else(|| missing("`to`"));
    };
    let to: Option<Vec<String>> = list.iter().map(|to| to.as_str().map(str::to_owned)).collect();
    match to {
        Some(to) if to.is_empty() => Err(missing("`to`")),
        Some(to) if to.len() <= MOST_RECIPIENTS => Ok(to),
        _ => {
            let text = format!("The `to` field must be a list of up to {MOST_RECIPIENTS} addresses.");
            Err(invalid(StatusCode::UNPROCESSABLE_ENTITY, text))
        }
    }
}

fn is_address(text: &str) -> bool {
    let bare = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or_default(),
        None => text,
    };
    let is_word =
        |word: &str| !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || "<>@,".contains(c));
    bare.split_once('@').is_some_and(|(user, host)| is_word(user) && is_word(host) && host.contains('.'))
}

fn missing(field: &str) -> Fault {
    let (status, name) = (StatusCode::UNPROCESSABLE_ENTITY, "missing_required_field");
    Fault { status, name, text: format!("Missing {field} field.") }
}

fn invalid(status: StatusCode, text: String) -> Fault {
    Fault { status, name: "validation_error", text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(kind: &str, body: &str) -> Result<Letter, Fault> {
        let request = Request::post("/emails").header("content-type", kind);
        read(&request.body(Bytes::from(body.to_owned())).unwrap())
    }

    #[test]
    fn a_letter_is_read() {
        let check = |to: &str, expect: &[&str]| {
            let body = format!(r#"{{"from":"Home <a@b.de>","to":{to},"subject":"s","html":"<p>h"}}"#);
            let letter = letter("application/json; charset=utf-8", &body).unwrap();
            assert_eq!(
                (letter.to, letter.text, letter.html.as_deref()),
                (expect.iter().map(|&to| to.to_owned()).collect(), None, Some("<p>h")),
                "{to}"
            );
        };
        check(r#""c@d.de""#, &["c@d.de"]);
        check(r#"["c@d.de","E <e@f.de>"]"#, &["c@d.de", "E <e@f.de>"]);
    }

    #[test]
    fn what_is_no_letter_is_refused() {
        let check = |body: &str, status, name, says: &str| {
            let fault = letter("application/json", body).unwrap_err();
            assert_eq!((fault.status.as_u16(), fault.name), (status, name), "{body}: {fault:?}");
            assert!(fault.text.contains(says), "{body}: {fault:?}");
        };
        let whole = r#"{"from":"a@b.de","to":"c@d.de","subject":"s","text":"t"}"#;
        let without = |part: &str| {
            let body = whole.replace(part, r#""x":1"#);
            assert_ne!(body, whole);
            body
        };
        let missing = |part, says| check(&without(part), 422, "missing_required_field", says);
        missing(r#""from":"a@b.de""#, "Missing `from` field.");
        missing(r#""to":"c@d.de""#, "Missing `to` field.");
        missing(r#""subject":"s""#, "Missing `subject` field.");
        missing(r#""text":"t""#, "Missing `html` or `text` field.");
        check("{}", 422, "missing_required_field", "`from`");
        check("", 400, "validation_error", "JSON");
        check("[]", 400, "validation_error", "JSON");
        let instead = |old: &str, new: &str| whole.replace(old, new);
        check(&instead("a@b.de", "nobody"), 422, "validation_error", "`from`");
        check(&instead("c@d.de", "c d@e.de"), 422, "validation_error", "`to`");
        check(&instead(r#""s""#, "7"), 422, "validation_error", "`subject`");
        check(&instead(r#""c@d.de""#, "[]"), 422, "missing_required_field", "`to`");
        check(&instead(r#""c@d.de""#, "[7]"), 422, "validation_error", "`to`");
        let many = format!("[{}]", [r#""c@d.de""#; 51].join(","));
        check(&instead(r#""c@d.de""#, &many), 422, "validation_error", "50");
        assert_eq!(letter("text/plain", whole).unwrap_err().name, "missing_required_field");
    }
}
