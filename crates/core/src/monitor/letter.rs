//! A letter to the owner: the same bytes whenever it is sent again, so there is no "now" in it.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Flip, Way};
use crate::calendar::{date, span};

/// Characters of a key, as Resend takes them.
const LONGEST_KEY: usize = 256;

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
        let key = format!("homefire/{}", flips.collect::<Vec<_>>().join("/"));
        match key.len() <= LONGEST_KEY && key.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => key,
            false => format!("homefire/{}", hex(&Sha256::digest(&key))),
        }
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

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::diagnosis::Diagnosis;
    use crate::platform::Moment;

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
        let many = Letter { flips: vec![letter.flips[0].clone(); 10], answering: Vec::new() };
        assert_eq!((many.key().len(), &many.key()[..9]), (73, "homefire/"));
        for node in ["a\nb", "a b", "ä"] {
            let odd = Letter { flips: vec![flip(node, Way::Rose, None, None)], answering: Vec::new() };
            assert_eq!(odd.key().len(), 73, "{node:?} would be no header: {}", odd.key());
        }
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
