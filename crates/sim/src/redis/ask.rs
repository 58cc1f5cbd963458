//! What a request asks for, in each of Upstash's forms.

use std::borrow::Cow;

use bytes::Bytes;
use http::{Method, Request};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Command;

/// What is to be carried out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ask {
    One(Command),
    Pipeline(Vec<Command>),
    Transaction(Vec<Command>),
}

impl Ask {
    fn commands(&self) -> &[Command] {
        match self {
            Self::One(command) => std::slice::from_ref(command),
            Self::Pipeline(commands) | Self::Transaction(commands) => commands,
        }
    }

    /// The keys that it names: the first argument, or the first of a script.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Bytes> {
        self.commands().iter().filter_map(|command| {
            let at = if command.first()?.eq_ignore_ascii_case(b"EVAL") { 3 } else { 1 };
            command.get(at)
        })
    }
}

/// Reads a request; the error is what its sender hears.
pub(super) fn read(request: &Request<Bytes>) -> Result<Ask, String> {
    let path = request.uri().path().trim_matches('/');
    match path {
        "" if request.method() == Method::POST => {
            body(request).and_then(|value| command(&value)).map(Ask::One)
        }
        "pipeline" => body(request).and_then(|value| commands(&value)).map(Ask::Pipeline),
        "multi-exec" => body(request).and_then(|value| commands(&value)).map(Ask::Transaction),
        "" => Err("ERR empty command".to_owned()),
        _ => Ok(Ask::One(in_path(request, path))),
    }
}

/// The token in the query.
pub(super) fn token(request: &Request<Bytes>) -> Option<String> {
    let (_, token) = pairs(request).find(|(name, _)| name == TOKEN)?;
    Some(String::from_utf8_lossy(&token?).into_owned())
}

const TOKEN: &str = "_token";

/// `/set/key/value?EX=100`; a body is the last argument before the query's.
fn in_path(request: &Request<Bytes>, path: &str) -> Command {
    let mut command: Command = path.split('/').map(decoded).collect();
    if !request.body().is_empty() {
        command.push(request.body().clone());
    }
    for (name, value) in pairs(request).filter(|(name, _)| name != TOKEN) {
        command.push(name.into_owned().into());
        command.extend(value);
    }
    command
}

fn pairs(request: &Request<Bytes>) -> impl Iterator<Item = (Cow<'_, str>, Option<Bytes>)> {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = match pair.split_once('=') {
            Some((name, value)) => (name, Some(decoded(&value.replace('+', " ")))),
            None => (pair, None),
        };
        (percent_decode_str(name).decode_utf8_lossy(), value.filter(|value| !value.is_empty()))
    })
}

fn decoded(text: &str) -> Bytes {
    percent_decode_str(text).collect::<Vec<u8>>().into()
}

fn body(request: &Request<Bytes>) -> Result<Value, String> {
    serde_json::from_slice(request.body()).map_err(|error| format!("ERR failed to parse the body: {error}"))
}

fn commands(value: &Value) -> Result<Vec<Command>, String> {
    let rows = value.as_array().filter(|rows| !rows.is_empty());
    rows.ok_or("ERR the body is no array of commands")?.iter().map(command).collect()
}

fn command(value: &Value) -> Result<Command, String> {
    let words = value.as_array().ok_or("ERR the body is no command")?;
    if words.is_empty() {
        return Err("ERR empty command".to_owned());
    }
    words.iter().map(word).collect()
}

fn word(value: &Value) -> Result<Bytes, String> {
    match value {
        Value::String(text) => Ok(text.clone().into()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string().into()),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(format!("ERR an argument is no string: {value}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Command {
        text.split(' ').map(|word| word.to_owned().into()).collect()
    }

    fn asked(method: &str, uri: &str, body: &str) -> Result<Ask, String> {
        let request = Request::builder().method(method).uri(uri);
        read(&request.body(Bytes::from(body.to_owned())).unwrap())
    }

    #[test]
    fn a_command_has_many_forms() {
        let check = |method, uri, body, expect| {
            assert_eq!(asked(method, uri, body), Ok(Ask::One(words(expect))), "{method} {uri} {body}");
        };
        check("POST", "/", r#"["SET","k","v","EX",100]"#, "SET k v EX 100");
        check("POST", "/", r#"["SET","k",true]"#, "SET k true");
        check("POST", "/", r#"["SET","k",-1.5]"#, "SET k -1.5");
        check("GET", "/get/k", "", "get k");
        check("GET", "/set/a%2Fb/v", "", "set a/b v");
        check("POST", "/set/k/v?EX=100&NX&_token=t", "", "set k v EX 100 NX");
        check("POST", "/set/k?EX=100", "v", "set k v EX 100");
        check("PUT", "/set/k", r#"{"a":1}"#, r#"set k {"a":1}"#);
        let two = vec![words("SET k v"), words("GET k")];
        let body = r#"[["SET","k","v"],["GET","k"]]"#;
        assert_eq!(asked("POST", "/pipeline", body), Ok(Ask::Pipeline(two.clone())));
        assert_eq!(asked("POST", "/multi-exec", body), Ok(Ask::Transaction(two)));
    }

    #[test]
    fn keys_are_found() {
        let check = |body, expect: &[&str]| {
            let ask = asked("POST", "/pipeline", body).unwrap();
            assert!(ask.keys().eq(expect), "{body}: {ask:?}");
        };
        check(r#"[["SET","k","v"],["PING"],["GET","l"]]"#, &["k", "l"]);
        check(r#"[["eval","return 1",1,"k","v"]]"#, &["k"]);
    }

    #[test]
    fn what_is_no_command_is_refused() {
        let check = |uri, body, expect: &str| {
            let error = asked("POST", uri, body).unwrap_err();
            assert!(error.starts_with("ERR ") && error.contains(expect), "{uri} {body}: {error}");
        };
        check("/", "", "parse");
        check("/", "[]", "empty");
        check("/", r#"{"a":1}"#, "no command");
        check("/", r#"["SET","k",null]"#, "null");
        check("/", r#"["SET","k",["v"]]"#, "[\"v\"]");
        check("/pipeline", "[]", "no array");
        check("/pipeline", r#"["GET","k"]"#, "no command");
        check("/multi-exec", r#"[[]]"#, "empty");
    }
}
