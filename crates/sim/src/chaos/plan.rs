//! What one reader asks, what each node does to the question, and whether the reader stays: drawn, before it begins.

use std::fmt;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::chance::Chance;
use super::town::NODES;

/// One reader's question.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Nobody else asks it, and the words below are nobody else's either.
    pub(super) question: String,
    /// What all nodes say to it.
    pub(super) answer: &'static str,
    /// What each node does each time that it is asked: hedged, to go on, anew.
    pub(super) nodes: [[Meeting; 3]; NODES],
    pub(super) stay: Stay,
}

/// What a question meets at a node.
#[derive(Clone, Debug)]
pub(super) struct Meeting {
    /// What it is counted as; none where all is well.
    pub(super) fault: Option<Fault>,
    pub(super) script: String,
    /// The same without the answer.
    told: String,
}

/// Where it goes wrong, and how: `N` stands for a place in the answer.
pub(super) type Fault = (&'static str, &'static str);

/// How long a reader reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stay {
    /// To the end.
    Stays,
    /// To the end, but looks away in the middle.
    Dozes(Duration),
    /// For so long, wherever the answer is then.
    LeavesAfter(Duration),
    /// Up to so many tokens.
    LeavesAtToken(usize),
}

const FAULTS: [(&str, &[&str]); 6] = [
    (
        "head",
        &[
            "hang", "401", "403", "404", "429", "500", "503", "400-capability", "edge-530-json",
            "edge-530-html", "edge-530-plain", "edge-400", "edge-502", "edge-524", "edge-302", "edge-403",
            "edge-html",
        ],
    ),
    (
        "first word",
        &[
            "hang-after-head", "say,empty", "say,blank", "say,reset@0", "say,end@0", "say,error@0",
            "say,garbage@0", "say,long-line@0", "say,stall@0",
        ],
    ),
    (
        "chunk",
        &[
            "say,reset@N", "say,stall@N", "say,end@N", "say,error@N", "say,garbage@N", "say,long-line@N",
            "say,joined,reset@N", "say,split,end@N", "say,pace=300",
        ],
    ),
    (
        "seam",
        &[
            "say,anew", "say,repeat=3", "say,no-lead", "say,anew,reset@N", "say,repeat=3,end@N",
            "say,no-lead,stall@N",
        ],
    ),
    (
        "end",
        &[
            "say,no-newline", "say,length", "say,reset@LAST", "say,end@LAST", "say,stall@LAST",
            "say,error@LAST",
        ],
    ),
    ("request", &["400"]),
];

/// What models say: several scripts, joiners, code, lists. No word is meant twice, and no three words are mere
/// punctuation: where a node leaves out a space or repeats itself just there, nobody can tell what it meant.
const ANSWERS: [&str; 6] = [
    "I build small tools that keep working when the lights go out; it has been a long night, and we have seen enough of \
     outages.",
    "我在家里的小机器上运行语言模型。停电的时候，云端的虚拟机会接着回答问题；等到电来了，它又会把工作还回去。",
    "A family at home 👨‍👩‍👧‍👦 and a flag 🏳️‍🌈, a thumb 👍🏽 and a heart ❤️‍🔥: none may be torn apart, not even between two \
     machines 🔥🔥.",
    "Ask like this:\n\n```rust\nfn main() {\n    println!(\"{}\", ask(\"Why?\"));\n}\n```\n\nThat is all of it.\n",
    "البيت لا يسقط عندما تنقطع الكهرباء: يجيب الجهاز الصغير أولاً، ثم يجيب الجهاز البعيد.",
    "Three things matter:\n\n- say who answers\n- say why nobody does\n\n1. First the mini.\n2. „Größer“ is no better.\n",
];

/// Pieces of an answer, about.
const PIECES: u64 = 28;

impl Plan {
    pub(super) fn draw(chance: &mut Chance, reader: usize, nth: usize) -> Self {
        let verb = chance.of(&["hums", "rests", "größer wird", "falls silent", "睡觉", "glows 🔥"]);
        let question = format!("Why is it that the machine {verb} ({reader}.{nth})?");
        let answer = chance.of(&ANSWERS);
        let nodes = std::array::from_fn(|_| std::array::from_fn(|_| Meeting::draw(chance, answer)));
        Self { question, answer, nodes, stay: Stay::draw(chance) }
    }

    /// A question to which nothing happens.
    pub(super) fn fair() -> Self {
        let answer = ANSWERS[0];
        let nodes = std::array::from_fn(|_| std::array::from_fn(|_| Meeting::fair(answer)));
        Self { question: "Is the sky clear (again)?".to_owned(), answer, nodes, stay: Stay::Stays }
    }

    /// A part of the question that every request about it holds.
    pub(super) fn mark(&self) -> &str {
        self.question.rsplit_once('(').map_or(&*self.question, |(_, mark)| mark)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, answered with {:?}, {:?}", self.question, self.answer, self.stay)?;
        self.nodes.iter().zip(0..).try_for_each(|(meetings, nth)| {
            let scripts = meetings.each_ref().map(|meeting| &*meeting.told);
            write!(f, "\n  at node {nth}: {}", scripts.join("; "))
        })
    }
}

impl Meeting {
    fn fair(answer: &str) -> Self {
        Self { fault: None, script: saying(answer, "say"), told: "say".to_owned() }
    }

    fn draw(chance: &mut Chance, answer: &str) -> Self {
        if chance.one_in(2) {
            return Self::fair(answer);
        }
        let (point, scripts) = chance.of(&FAULTS);
        // Whoever says that the request itself is wrong ends it: seldom, or nothing else would be seen.
        if point == "request" && !chance.one_in(8) {
            return Self::draw(chance, answer);
        }
        let script = chance.of(scripts);
        let at = 1 + chance.below(PIECES);
        let spelled = script.replace("@N", &format!("@{at}")).replace("@LAST", "@999");
        Self { fault: Some((point, script)), script: saying(answer, &spelled), told: spelled }
    }
}

fn saying(answer: &str, script: &str) -> String {
    match script.strip_prefix("say") {
        Some(",empty" | ",blank") | None => script.to_owned(),
        Some(how) => format!("say,text={}{how}", utf8_percent_encode(answer, NON_ALPHANUMERIC)),
    }
}

impl Stay {
    fn draw(chance: &mut Chance) -> Self {
        match chance.below(10) {
            0 => Self::LeavesAfter(chance.millis(0, 1500)),
            1 => Self::LeavesAtToken(1 + usize::try_from(chance.below(PIECES)).expect("it is small")),
            2 => Self::Dozes(chance.millis(100, 2000)),
            _ => Self::Stays,
        }
    }

    pub(super) fn leaves(self) -> bool {
        matches!(self, Self::LeavesAfter(_) | Self::LeavesAtToken(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Script;

    #[test]
    fn every_plan_can_be_played() {
        let mut chance = Chance::new(1, 1);
        for nth in 0..2000 {
            let plan = Plan::draw(&mut chance, 3, nth);
            for meeting in plan.nodes.as_flattened() {
                assert!(meeting.script.parse::<Script>().is_ok(), "{}", meeting.script);
            }
            assert_eq!(plan.mark(), format!("3.{nth})?"));
        }
    }
}
