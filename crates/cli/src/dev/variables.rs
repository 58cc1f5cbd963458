//! The service's variables as they are on this machine.

use std::collections::HashMap;
use std::io::ErrorKind;

use anyhow::{Context, Result};
use homefire::tools;
use homefire_core::config::VARIABLES;

use crate::Refused;

/// What opens the drafts of `dev` where no `DRAFT_KEY` is set. It serves this machine alone.
pub(crate) const DEV_DRAFT_KEY: &str = "homefire-dev-draft-key";

/// The environment goes before `.env`.
pub(crate) fn read() -> Result<Vec<(String, String)>> {
    let file = of_file()?;
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the reader that the configuration is parsed through"
    )]
    let find = |name: &&str| std::env::var(name).ok().or_else(|| file.get(*name).cloned());
    Ok(VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), find(name)?))).collect())
}

/// What `.env` says; nothing where there is none.
pub(crate) fn of_file() -> Result<HashMap<String, String>> {
    match std::fs::read_to_string(tools::root().join(".env")) {
        Ok(text) => parse(&text)
            .map_err(|line| Refused(format!("line {line} of .env is not made of NAME=value")).into()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(HashMap::new()),
        Err(error) => Err(error).context(".env"),
    }
}

/// Lines of `NAME=value`, the value as it stands: a list of nodes is full of quotes, and a secret may hold a `$`. The quotes
/// around all of it are none of it. The error is the number of a line that is something else.
fn parse(text: &str) -> Result<HashMap<String, String>, usize> {
    let mut variables = HashMap::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=').ok_or(at + 1)?;
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(at + 1);
        }
        let within = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
        let value = within('"').or_else(|| within('\'')).unwrap_or(value);
        variables.insert(name.to_owned(), value.to_owned());
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_stand() {
        let check = |line: &str, expect: Result<&str, usize>| {
            let text = format!("# a comment\n\n{line}\n");
            let read = parse(&text).map(|variables| variables["NAME"].clone());
            assert_eq!(read.as_deref().map_err(|line| *line), expect, "{line}");
        };
        check("NAME=value", Ok("value"));
        check("  NAME = value ", Ok("value"));
        check("export NAME=value", Ok("value"));
        check("NAME=", Ok(""));
        check("NAME=a$b`c\\d#e", Ok("a$b`c\\d#e"));
        check("NAME=\"in quotes\"", Ok("in quotes"));
        check("NAME='in quotes'", Ok("in quotes"));
        let nodes = r#"[{"name": "mini", "url": "https://mini.example.com"}]"#;
        check(&format!("NAME={nodes}"), Ok(nodes));
        check(&format!("NAME='{nodes}'"), Ok(nodes));
        check("NAME", Err(3));
        check("A NAME=value", Err(3));
        check("=value", Err(3));
    }
}
