//! Mangled placeholders are mended where only one thing can be meant.

use super::contract::{CODES, is_currency};
use super::placeholder::{Placeholder, squash};
use super::request::Sender;

/// Characters between two brackets.
const LONGEST: usize = 40;

/// Brackets that models put around a name, the longer ones first.
const BRACKETS: [(&str, &str); 17] = [
    ("US${", "}"),
    ("R${", "}"),
    ("${", "}"),
    ("{{", "}}"),
    ("[[", "]]"),
    ("<<", ">>"),
    ("{", "}"),
    ("[", "]"),
    ("<", ">"),
    ("«", "»"),
    ("%", "%"),
    ("__", "__"),
    ("｛", "｝"),
    ("［", "］"),
    ("＜", "＞"),
    ("【", "】"),
    ("〔", "〕"),
];

/// Decoration that would be seen in a plain text.
const DECORATION: [&str; 6] = ["***", "**", "```", "`", "*", "_"];

/// What stands around an amount that already says it, besides a symbol and a code; the longer ones first.
const CURRENCIES: &str = "US$ R$ $$ EUROS EURO Euros Euro euros euro dollars Dollar pounds reais";

/// A text with its placeholders as they should be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Mended {
    pub(super) text: String,
    /// What was found instead of a placeholder, each once.
    pub(super) mended: Vec<String>,
}

/// Mends `text`. A blank for the sender is filled with what the sender gave of himself.
pub(super) fn mend(text: &str, sender: &Sender) -> Mended {
    let mut mended = Mended::default();
    let mut rest = text;
    let (mut word_before, mut letter_before) = (false, false);
    while let Some(first) = rest.chars().next() {
        // `HK${amount}`: the sign is the currency's.
        let is_sign = letter_before && rest.starts_with("${");
        let found = (!is_sign).then(|| bracketed(rest, sender)).flatten();
        let found = found.or_else(|| (!word_before).then(|| bare(rest)).flatten());
        match found {
            Some((found, instead)) => {
                mended.put(found, &instead);
                rest = &rest[found.len()..];
                (word_before, letter_before) = (false, false);
            }
            None => {
                mended.text.push(first);
                rest = &rest[first.len_utf8()..];
                word_before = first.is_alphanumeric() || "_{[<%$".contains(first);
                letter_before = first.is_alphabetic();
            }
        }
    }
    mended.undress();
    mended.text = without_markdown(&mended.text);
    mended
}

impl Mended {
    fn put(&mut self, found: &str, instead: &str) {
        self.text.push_str(instead);
        self.note(found, instead);
    }

    fn note(&mut self, found: &str, instead: &str) {
        if found != instead && !self.mended.iter().any(|known| known == found) {
            self.mended.push(found.to_owned());
        }
    }

    /// Takes decoration from around placeholders, and a currency from beside the amount.
    fn undress(&mut self) {
        for token in Placeholder::ALL.map(Placeholder::token) {
            for mark in DECORATION {
                self.replace(&format!("{mark}{token}{mark}"), token);
            }
        }
        let amount = Placeholder::Amount.token();
        let text = std::mem::take(&mut self.text);
        let mut rest = &*text;
        while let Some((before, behind)) = rest.split_once(amount) {
            let kept = before.len() - currency_at_end(before);
            let dropped = currency_at_beginning(behind);
            self.text.push_str(&before[..kept]);
            self.put(&rest[kept..before.len() + amount.len() + dropped], amount);
            rest = &behind[dropped..];
        }
        self.text.push_str(rest);
    }

    fn replace(&mut self, found: &str, instead: &str) {
        if self.text.contains(found) {
            self.text = self.text.replace(found, instead);
            self.note(found, instead);
        }
    }
}

fn currencies() -> impl Iterator<Item = &'static str> {
    [CURRENCIES, CODES].into_iter().flat_map(|known| known.split(' '))
}

/// Bytes of a currency that ends `text`, with the space behind it.
fn currency_at_end(text: &str) -> usize {
    let words = text.strip_suffix(is_space).unwrap_or(text);
    let whole = |rest: &&str| !rest.ends_with(char::is_alphanumeric);
    let rest = currencies().find_map(|currency| words.strip_suffix(currency).filter(whole));
    let rest = rest.or_else(|| words.strip_suffix(is_currency).filter(whole));
    rest.map_or(0, |rest| text.len() - rest.len())
}

/// Bytes of a currency that begins `text`, with the space before it.
fn currency_at_beginning(text: &str) -> usize {
    let words = text.strip_prefix(is_space).unwrap_or(text);
    let whole = |rest: &&str| !rest.starts_with(char::is_alphanumeric);
    let rest = currencies().find_map(|currency| words.strip_prefix(currency).filter(whole));
    let rest = rest.or_else(|| words.strip_prefix(is_currency).filter(whole));
    rest.map_or(0, |rest| text.len() - rest.len())
}

/// A space, or one that does not break.
fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\u{a0}' | '\u{202f}')
}

/// The words as they are read: bold, headings and fences say nothing in a plain text.
fn without_markdown(text: &str) -> String {
    let heading = |line: &str| {
        let words = line.trim_start_matches('#');
        let is_heading = words.len() < line.len() && words.starts_with(' ');
        (if is_heading { words.trim_start() } else { line }).replace("**", "").replace("```", "")
    };
    let is_fence = |line: &&str| {
        line.strip_prefix("```").is_some_and(|language| language.chars().all(char::is_alphanumeric))
    };
    let lines = text.split('\n').filter(|line| !is_fence(line));
    lines.map(heading).collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// Brackets with a name in them at the beginning of `text`, and what they mean.
fn bracketed<'a>(text: &'a str, sender: &Sender) -> Option<(&'a str, String)> {
    let escaped = text.strip_prefix('\\').unwrap_or(text);
    BRACKETS.iter().find_map(|(open, close)| {
        let inside = escaped.strip_prefix(open)?;
        let end = inside.char_indices().take(LONGEST).find(|(at, _)| inside[*at..].starts_with(close))?.0;
        let content = inside[..end].trim_end_matches('\\');
        let meant = Placeholder::meant(content).map(|one| one.token().to_owned());
        let meant = meant.or_else(|| sender.meant(&squash(content)).map(str::to_owned))?;
        let length = text.len() - inside.len() + end + close.len();
        Some((&text[..length], meant))
    })
}

/// A placeholder's name without any brackets, where it is no word of a language.
fn bare(text: &str) -> Option<(&str, String)> {
    const NAMES: [(Placeholder, [&str; 4]); 3] = [
        (Placeholder::ClientName, ["clientName", "ClientName", "client_name", "CLIENT_NAME"]),
        (Placeholder::DueDate, ["dueDate", "DueDate", "due_date", "DUE_DATE"]),
        (Placeholder::DaysOverdue, ["daysOverdue", "DaysOverdue", "days_overdue", "DAYS_OVERDUE"]),
    ];
    NAMES.iter().find_map(|(one, names)| {
        let rest = names.iter().find_map(|name| text.strip_prefix(name))?;
        let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        ends.then(|| (&text[..text.len() - rest.len()], one.token().to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mangled() {
        let sender = Sender { business: Some("Quarry & Sons".to_owned()), name: None };
        let check = |text: &str, expect: &str, found: &[&str]| {
            let expect = Mended {
                text: expect.to_owned(),
                mended: found.iter().map(|&found| found.to_owned()).collect(),
            };
            assert_eq!(mend(text, &sender), expect, "{text}");
        };
        check("Dear {clientName},", "Dear {clientName},", &[]);
        check("Dear {{clientName}},", "Dear {clientName},", &["{{clientName}}"]);
        check("{ client_name }", "{clientName}", &["{ client_name }"]);
        check("[Client Name] [Client Name]", "{clientName} {clientName}", &["[Client Name]"]);
        check("<clientName>", "{clientName}", &["<clientName>"]);
        check("\\{clientName\\}", "{clientName}", &["\\{clientName\\}"]);
        check("${amount}", "{amount}", &["${amount}"]);
        check("%DUE_DATE%", "{dueDate}", &["%DUE_DATE%"]);
        check("**{amount}** `{dueDate}`", "{amount} {dueDate}", &["`{dueDate}`", "**{amount}**"]);
        check("€{amount}, {amount} EUR", "{amount}, {amount}", &["€{amount}", "{amount} EUR"]);
        check(
            "{amount} EURO. R${amount}! US$ {amount}",
            "{amount}. {amount}! {amount}",
            &["R${amount}", "{amount} EURO", "US$ {amount}"],
        );
        check("₦{amount}, {amount} ￥", "{amount}, {amount}", &["₦{amount}", "{amount} ￥"]);
        check("A₱{amount}", "A₱{amount}", &[]);
        check("HK${amount} {amount} EURs", "HK${amount} {amount} EURs", &[]);
        check("## Pay\n**Now**: **{amount}**", "Pay\nNow: {amount}", &["**{amount}**"]);
        check("DUE_DATE, __dueDate__", "{dueDate}, {dueDate}", &["DUE_DATE", "__dueDate__"]);
        check("clientName and myclientName", "{clientName} and myclientName", &["clientName"]);
        check("[Your Company]", "Quarry & Sons", &["[Your Company]"]);
        check("[Your Name] {date} <b>", "[Your Name] {date} <b>", &[]);
        check("an amount, 5 % of it and 6 %", "an amount, 5 % of it and 6 %", &[]);
        check("{clientName", "{clientName", &[]);
        check("｛clientName｝様", "{clientName}様", &["｛clientName｝"]);
        check("［Client Name］", "{clientName}", &["［Client Name］"]);
        check("＜dueDate＞", "{dueDate}", &["＜dueDate＞"]);
        check("【{amount}】", "{amount}", &["【{amount}】"]);
        check("〔amount〕", "{amount}", &["〔amount〕"]);
        check("【重要】", "【重要】", &[]);
        check("NZD {amount}, {amount} SEK", "{amount}, {amount}", &["NZD {amount}", "{amount} SEK"]);
    }
}
