//! A letter to the owner: the same bytes whenever it is sent again, so there is no "now" in it.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::{Flip, Way};
use crate::platform::Moment;

/// What flipped in one round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// At least one.
    pub flips: Vec<Flip>,
    /// The nodes that answered when it was written.
    pub answering: Vec<String>,
}

impl Letter {
    /// This letter and no other: the nodes with their epochs and ways.
    pub fn key(&self) -> String {
        let flips = self.flips.iter().map(|flip| {
            let way = match flip.way {
                Way::Fell => "fell",
                Way::Rose => "rose",
            };
            // When it was seen makes it another one, should the record ever begin anew.
            format!("{}-{}-{way}-{}", flip.node, flip.epoch, flip.since.0)
        });
        format!("homefire/{}", flips.collect::<Vec<_>>().join("/"))
    }

    /// One line.
    pub fn subject(&self) -> String {
        let of = |way: Way| -> Vec<&str> {
            self.flips.iter().filter(|flip| flip.way == way).map(|flip| flip.node.as_str()).collect()
        };
        let (fell, rose) = (of(Way::Fell), of(Way::Rose));
        let say = |nodes: &[&str], what: &str| format!("{} {what}", nodes.join(" and "));
        let parts = [(fell, "down"), (rose, "up again")];
        let parts = parts.iter().filter(|(nodes, _)| !nodes.is_empty());
        format!("Homefire: {}", parts.map(|(nodes, what)| say(nodes, what)).collect::<Vec<_>>().join(", "))
    }

    /// Plain text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in self.lines() {
            writeln!(text, "{line}").expect("a string takes all text");
        }
        text
    }

    /// The same, as a page.
    pub fn html(&self) -> String {
        let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let lines = self.lines();
        let paragraphs = lines.split(String::is_empty).map(|lines| {
            let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
            format!("<p>{}</p>", lines.join("<br>\n"))
        });
        paragraphs.collect::<Vec<_>>().join("\n")
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for flip in &self.flips {
            match flip.way {
                Way::Fell => {
                    lines.push(format!("{} is down since {}.", flip.node, date(flip.since)));
                    lines.extend(flip.why.iter().map(super::Diagnosis::words));
                    lines.extend(flip.why.iter().map(super::Diagnosis::advice));
                }
                Way::Rose => {
                    lines.push(format!("{} is up again since {}.", flip.node, date(flip.since)));
                    lines
                        .extend(flip.fell.map(|fell| format!("It was down for {}.", span(fell, flip.since))));
                }
            }
            lines.push(String::new());
        }
        lines.push(match self.answering.as_slice() {
            [] => "No node answers: questions are refused, drafts are templates.".to_owned(),
            nodes => format!("What answers: {}.", nodes.join(", ")),
        });
        lines
    }
}

/// A moment as people write it, in UTC.
pub fn date(moment: Moment) -> String {
    let seconds = moment.0 / 1000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days since 0000-03-01, in years that begin in March: then a leap day is a year's last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + later;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", second / 3600, second % 3600 / 60)
}

/// How long, in the two largest units.
pub fn span(from: Moment, to: Moment) -> String {
    let minutes = to.since(from).as_secs().div_ceil(60);
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours, minutes) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::diagnosis::Diagnosis;

    #[test]
    fn dates() {
        let check = |seconds: u64, expect: &str| assert_eq!(date(Moment(seconds * 1000)), expect);
        check(0, "1970-01-01 00:00 UTC");
        check(951_782_400, "2000-02-29 00:00 UTC");
        check(1_767_225_599, "2025-12-31 23:59 UTC");
        check(1_709_210_096, "2024-02-29 12:34 UTC");
        check(4_107_542_399, "2100-02-28 23:59 UTC");
        check(4_107_542_400, "2100-03-01 00:00 UTC");
    }

    #[test]
    fn spans() {
        let check = |seconds: u64, expect: &str| assert_eq!(span(Moment(0), Moment(seconds * 1000)), expect);
        check(61, "2 min");
        check(12 * 3600 + 300, "12 h 5 min");
        check(30 * 3600, "1 d 6 h");
    }

    #[test]
    fn letters() {
        let flip = |node: &str, way, fell, why| Flip {
            node: node.to_owned(),
            epoch: 3,
            way,
            since: Moment(1_767_225_600_000),
            fell,
            why,
        };
        let letter = Letter {
            flips: vec![
                flip("mini", Way::Fell, None, Some(Diagnosis::TunnelDown)),
                flip("cloud", Way::Rose, Some(Moment(1_767_182_400_000)), None),
            ],
            answering: vec!["cloud".to_owned()],
        };
        assert_eq!(letter.key(), "homefire/mini-3-fell-1767225600000/cloud-3-rose-1767225600000");
        assert_eq!(letter.subject(), "Homefire: mini down, cloud up again");
        assert_eq!(
            letter.text(),
            "mini is down since 2026-01-01 00:00 UTC.\n\
             Its tunnel is down: the machine is off, has no network, or cloudflared does not run.\n\
             Look whether there is power and a network, then whether cloudflared runs on the machine.\n\n\
             cloud is up again since 2026-01-01 00:00 UTC.\n\
             It was down for 12 h 0 min.\n\n\
             What answers: cloud.\n"
        );
        assert!(letter.html().starts_with("<p>mini is down since"), "{}", letter.html());
        assert_eq!(letter.html().matches("<p>").count(), 3);
    }
}
