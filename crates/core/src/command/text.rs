//! Text for a monospace terminal.

use serde_json::Value;

use crate::json;

/// Columns.
const WIDTH: usize = 78;

/// Words to lines of at most [`WIDTH`] columns, all but the first indented; a longer word stands alone.
pub(super) fn wrap(text: &str, indent: usize) -> String {
    let mut lines = vec![String::new()];
    let mut column = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > indent && column + 1 + length > WIDTH {
            lines.push(" ".repeat(indent));
            column = indent;
        } else if column > indent {
            lines.last_mut().expect("there is a first line").push(' ');
            column += 1;
        }
        lines.last_mut().expect("there is a first line").push_str(word);
        column += length;
    }
    lines.join("\n")
}

/// Two columns, the second wrapped.
pub(super) fn table<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let rows: Vec<(&str, String)> = rows.into_iter().collect();
    let widest = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let line = |(name, text): &(&str, String)| {
        let gap = " ".repeat(widest + 2 - name.chars().count());
        format!("  {name}{gap}{}", wrap(text, widest + 4))
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A value as a person would write it.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Array(items) => items.iter().map(self::value).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, item)| format!("{name}: {}", self::value(item)))
            .collect::<Vec<_>>()
            .join(", "),
        Value::Null | Value::Bool(_) | Value::Number(_) => json::text(value),
    }
}
