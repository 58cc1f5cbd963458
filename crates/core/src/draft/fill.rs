//! The real values take the placeholders' places, in code and after the model is done.

use super::placeholder::{Part, Placeholder, parts};
use super::request::Values;

/// The text with the values that are there. One pass: a client called `{amount}` stays a name.
pub(super) fn fill(text: &str, values: &Values) -> String {
    parts(text)
        .map(|part| match part {
            Part::Words(words) => words,
            Part::Token(one) => values.of(one).unwrap_or(one.token()),
        })
        .collect()
}

/// The placeholders for which there is no value.
pub(super) fn unfilled(values: &Values) -> Vec<Placeholder> {
    Placeholder::ALL.into_iter().filter(|one| values.of(*one).is_none()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let check = |values: &str, expect: &str, left: &[Placeholder]| {
            let values: Values = crate::json::read(values).unwrap();
            assert_eq!(fill("{clientName}: {amount}, {{amount}}, {x}", &values), expect);
            assert_eq!(unfilled(&values), left);
        };
        use Placeholder::{Amount, ClientName, DaysOverdue, DueDate};
        check("{}", "{clientName}: {amount}, {{amount}}, {x}", &[ClientName, DueDate, Amount, DaysOverdue]);
        check(
            r#"{"clientName":"{amount}","amount":"{clientName} $1","dueDate":"2026-01-01","daysOverdue":"9"}"#,
            "{amount}: {clientName} $1, {{clientName} $1}, {x}",
            &[],
        );
        check(
            r#"{"amount":" € 5\r\n","clientName":null}"#,
            "{clientName}: € 5, {€ 5}, {x}",
            &[ClientName, DueDate, DaysOverdue],
        );
    }
}
