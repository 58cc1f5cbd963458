use super::*;
use Finding::{Bad, Drained, Good};

const DAMPING: Damping = Damping { fall: 2, rise: 2 };

fn bad() -> Finding {
    Bad(Diagnosis::Refused)
}

/// A story: what each round found, and what flipped in it.
fn check(story: &[(Finding, &str)]) {
    let mut state = State::default();
    for (nth, (finding, expect)) in (1..).zip(story) {
        let flip = state.observe("mini", finding, Moment(nth * 1000), DAMPING);
        let seen = flip.map_or(String::new(), |flip| {
            format!("{:?} {} since {}", flip.way, flip.epoch, flip.since.0 / 1000)
        });
        assert_eq!(seen, *expect, "round {nth} of {story:?}");
    }
}

#[test]
fn stories() {
    // Up at first sight, silently; one miss is none.
    check(&[(Good, ""), (bad(), ""), (Good, ""), (bad(), ""), (Good, "")]);
    // It falls with the second miss, since the first; it rises likewise.
    check(&[
        (Good, ""),
        (bad(), ""),
        (bad(), "Fell 1 since 2"),
        (bad(), ""),
        (Good, ""),
        (bad(), ""),
        (Good, ""),
        (Good, "Rose 2 since 7"),
        (bad(), ""),
        (bad(), "Fell 3 since 9"),
    ]);
    // Down at first sight is told.
    check(&[(bad(), ""), (bad(), "Fell 1 since 1"), (Good, ""), (Good, "Rose 2 since 3")]);
    // Draining is silent, both ways.
    check(&[(Good, ""), (Drained, ""), (Drained, ""), (Good, ""), (bad(), ""), (bad(), "Fell 1 since 5")]);
    check(&[(Good, ""), (Drained, ""), (bad(), ""), (Drained, ""), (bad(), ""), (bad(), "Fell 1 since 5")]);
    // Who was told that it fell is told that it rose, whatever was drained between; and that it fell, once.
    check(&[
        (bad(), ""),
        (bad(), "Fell 1 since 1"),
        (Drained, ""),
        (bad(), ""),
        (bad(), ""),
        (Drained, ""),
        (Good, ""),
        (Good, "Rose 2 since 7"),
    ]);
}

#[test]
fn what_flips_in_one_round_is_one_letter() {
    let mut record = Record::default();
    let mut round = |at: u64, mini: Finding, cloud: Finding| {
        record.observe(&[("mini".into(), mini), ("cloud".into(), cloud)], Moment(at), DAMPING);
        record.untold.clone()
    };
    assert_eq!(round(1, Good, Good), []);
    assert_eq!(round(2, bad(), bad()), []);
    let letters = round(3, bad(), bad());
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].flips.len(), 2);
    assert!(letters[0].answering.is_empty());
    assert_eq!(round(4, Good, bad()).len(), 1);
    let letters = round(5, Good, bad());
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[1].answering, ["mini"]);
    let letter = letters[0].clone();
    record.told(&letter);
    assert_eq!(record.untold, letters[1..]);
    assert_eq!(Record::parse(&record.to_text()), record);
}

/// Who has just missed a look does not answer, though it is not believed yet that he has fallen.
#[test]
fn who_missed_this_look_does_not_answer() {
    let mut record = Record::default();
    for (at, mini, cloud) in [(1, Good, Good), (2, bad(), Good), (3, bad(), bad())] {
        record.observe(&[("mini".into(), mini), ("cloud".into(), cloud)], Moment(at), DAMPING);
    }
    assert!(record.untold[0].answering.is_empty());
}

#[test]
fn the_oldest_gives_way() {
    let mut record = Record::default();
    let damping = Damping { fall: 1, rise: 1 };
    let dropped: Vec<usize> = (0..=MOST_UNTOLD)
        .filter(|nth| {
            let finding = if nth.is_multiple_of(2) { bad() } else { Good };
            let oldest = record.untold.first().cloned();
            let dropped = record.observe(&[("mini".into(), finding)], Moment(9), damping);
            assert!(dropped.is_none() || dropped == oldest);
            dropped.is_some()
        })
        .collect();
    assert_eq!((dropped, record.untold.len()), (vec![MOST_UNTOLD], MOST_UNTOLD));
}

#[test]
fn what_is_not_understood_counts_as_none() {
    for text in ["", "7", "[]", "{\"nodes\":7}", "not json", "{\"nodes\":{\"mini\":{\"health\":\"odd\"}}}"] {
        assert_eq!(Record::parse(text), Record::default(), "{text}");
    }
    // What a later version adds is none of this one's business.
    assert_eq!(Record::parse("{\"round\":7,\"more\":1}").round, 7);
}
