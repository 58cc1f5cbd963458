//! The four placeholders: their names, what models make of them, and the values that take their places.

use serde::Serialize;

/// Stands in a draft for a value that no model sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Placeholder {
    /// Who owes.
    ClientName,
    /// When the invoice was due.
    DueDate,
    /// What is owed, its currency included.
    Amount,
    /// For how many days, a bare number.
    DaysOverdue,
}

impl Placeholder {
    /// All of them. A draft holds each at least once.
    pub const ALL: [Self; 4] = [Self::ClientName, Self::DueDate, Self::Amount, Self::DaysOverdue];

    /// What stands between the braces.
    pub fn name(self) -> &'static str {
        self.token().trim_matches(['{', '}'])
    }

    /// With its braces.
    pub fn token(self) -> &'static str {
        match self {
            Self::ClientName => "{clientName}",
            Self::DueDate => "{dueDate}",
            Self::Amount => "{amount}",
            Self::DaysOverdue => "{daysOverdue}",
        }
    }

    /// The one that a bracket's content means, where only one can be meant.
    pub(super) fn meant(content: &str) -> Option<Self> {
        match &*squash(content) {
            "clientname" | "client" | "customername" | "customer" | "recipientname" | "nameofclient"
            | "clientsname" | "customersname" => Some(Self::ClientName),
            "duedate" | "invoiceduedate" | "paymentduedate" | "originalduedate" => Some(Self::DueDate),
            "amount" | "amountdue" | "invoiceamount" | "totalamount" | "outstandingamount" | "dueamount" => {
                Some(Self::Amount)
            }
            "daysoverdue" | "overduedays" | "numberofdays" | "numberofdaysoverdue" | "dayslate" => {
                Some(Self::DaysOverdue)
            }
            content => Self::translated(content),
        }
    }

    /// The names that models make of them when they write another language.
    fn translated(content: &str) -> Option<Self> {
        match content {
            "kundenname" | "namedeskunden" | "nomduclient" | "nomclient" | "nombredelcliente"
            | "nombrecliente" | "nomedocliente" | "nomecliente" => Some(Self::ClientName),
            "fälligkeitsdatum" | "datedéchéance" | "dateéchéance" | "datedecheance" | "dateecheance"
            | "dateechéance" | "fechadevencimiento" | "fechavencimiento" | "datadevencimento"
            | "datavencimento" => Some(Self::DueDate),
            "betrag" | "rechnungsbetrag" | "offenerbetrag" | "montant" | "montantdû" | "importe"
            | "montante" => Some(Self::Amount),
            "tageüberfällig" | "überfälligetage" | "joursderetard" | "díasderetraso" | "diasderetraso"
            | "diasdeatraso" => Some(Self::DaysOverdue),
            _ => None,
        }
    }
}

/// Letters and digits alone, small.
pub(super) fn squash(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// One part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Words(&'a str),
    Token(Placeholder),
}

/// A text as the words and the exact placeholders that it is made of, in one pass.
pub(super) fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let exact = |at: usize| {
            Placeholder::ALL.into_iter().find(|one| rest[at..].starts_with(one.token())).map(|one| (at, one))
        };
        let (part, length) = match rest.match_indices('{').find_map(|(at, _)| exact(at)) {
            Some((0, one)) => (Part::Token(one), one.token().len()),
            Some((at, _)) => (Part::Words(&rest[..at]), at),
            None => (Part::Words(rest), rest.len()),
        };
        rest = &rest[length..];
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_the_whole() {
        let check = |text: &str, expect: &[&str]| {
            let seen: Vec<String> = parts(text)
                .map(|part| match part {
                    Part::Words(words) => words.to_owned(),
                    Part::Token(one) => one.token().to_uppercase(),
                })
                .collect();
            assert_eq!(seen, expect, "{text}");
        };
        check("", &[]);
        check("plain", &["plain"]);
        check("Dear {clientName}, {amount}", &["Dear ", "{CLIENTNAME}", ", ", "{AMOUNT}"]);
        check("{{amount}} {x}{dueDate", &["{", "{AMOUNT}", "} {x}{dueDate"]);
    }

    #[test]
    fn what_is_meant() {
        let check = |content: &str, expect| assert_eq!(Placeholder::meant(content), expect, "{content}");
        check(" client_name ", Some(Placeholder::ClientName));
        check("Client Name", Some(Placeholder::ClientName));
        check("AMOUNT", Some(Placeholder::Amount));
        check("days-overdue", Some(Placeholder::DaysOverdue));
        check("Nom du client", Some(Placeholder::ClientName));
        check("date d'échéance", Some(Placeholder::DueDate));
        check("date", None);
        check("name", None);
        check("Your Name", None);
        check("Invoice Number", None);
    }
}
