//! How long a model stays in memory after a request: `keep_alive`, read as Ollama reads it.

use std::time::Duration;

use serde_json::Value;

/// Ollama's default, for a model that is loaded by whoever does not say.
pub(crate) const DEFAULT: KeepAlive = KeepAlive(Some(Duration::from_secs(5 * 60)));

/// How long; without a figure, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeepAlive(pub(crate) Option<Duration>);

impl KeepAlive {
    /// To be unloaded at once.
    pub(crate) const NONE: Self = Self(Some(Duration::ZERO));

    /// A number is seconds, a text a duration of Go's; what is negative is for ever. `None` says nothing, and leaves a loaded
    /// model's as it is. The error is Ollama's.
    pub(crate) fn read(value: &Value) -> Result<Option<Self>, String> {
        match value {
            Value::Null => Ok(None),
            Value::Number(seconds) => {
                let seconds = seconds.as_f64().unwrap_or_default();
                Ok(Some(Self(Duration::try_from_secs_f64(seconds).ok())))
            }
            Value::String(text) => go_duration(text).map(Some),
            Value::Bool(_) => Err("Unsupported type: 'bool'".to_owned()),
            Value::Array(_) => Err("Unsupported type: '[]interface {}'".to_owned()),
            Value::Object(_) => Err("Unsupported type: 'map[string]interface {}'".to_owned()),
        }
    }
}

/// `time.ParseDuration`, down to its words.
fn go_duration(text: &str) -> Result<KeepAlive, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(KeepAlive::NONE);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut whole = Duration::ZERO;
    while !rest.is_empty() {
        let is_digit = |character: char| character.is_ascii_digit() || character == '.';
        let (figure, after) =
            rest.split_at(rest.find(|character| !is_digit(character)).unwrap_or(rest.len()));
        let (unit, after) = after.split_at(after.find(is_digit).unwrap_or(after.len()));
        let figure: f64 = figure.parse().map_err(|_| invalid())?;
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            unit => return Err(format!("time: unknown unit {unit:?} in duration {text:?}")),
        };
        whole += Duration::try_from_secs_f64(figure * seconds).map_err(|_| invalid())?;
        rest = after;
    }
    Ok(KeepAlive((!negative).then_some(whole)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keep_alives() {
        let check = |value: Value, expect: Result<Option<u64>, &str>| {
            let seen = KeepAlive::read(&value)
                .map(|keep| keep.expect("something is said").0.map(|time| time.as_secs()));
            assert_eq!(seen, expect.map_err(str::to_owned), "{value}");
        };
        assert_eq!(KeepAlive::read(&Value::Null), Ok(None));
        check(json!(0), Ok(Some(0)));
        check(json!(90), Ok(Some(90)));
        check(json!(-1), Ok(None));
        check(json!("5m"), Ok(Some(300)));
        check(json!("1h30m"), Ok(Some(5400)));
        check(json!("1.5h"), Ok(Some(5400)));
        check(json!("-1m"), Ok(None));
        check(json!("0"), Ok(Some(0)));
        check(json!("-1"), Err("time: missing unit in duration \"-1\""));
        check(json!("5x"), Err("time: unknown unit \"x\" in duration \"5x\""));
        check(json!("soon"), Err("time: invalid duration \"soon\""));
        check(json!(""), Err("time: invalid duration \"\""));
        check(json!(true), Err("Unsupported type: 'bool'"));
    }
}
