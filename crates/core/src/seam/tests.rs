//! How halves are joined, and that an answer cut anywhere comes out whole.

use super::*;

const SHOWN: &str = "I build small tools for people ";

/// What the reader has in the end; `!` before it where all was cleared.
fn join(shown: &str, pieces: &[&str], is_trusted: bool) -> String {
    let mut seam = Seam::new(shown.to_owned(), is_trusted);
    let mut joint = None;
    let mut text = String::new();
    for piece in pieces {
        match joint {
            None => joint = seam.hear(piece),
            Some(_) => text.push_str(piece),
        }
    }
    match joint.unwrap_or_else(|| seam.end()) {
        Joint::GoesOn(rest) => format!("{shown}{rest}{text}"),
        Joint::StartsOver(whole) => format!("!{whole}{text}"),
    }
}

/// However the second half comes in pieces.
fn check(shown: &str, second: &str, expect: &str) {
    let whole = join(shown, &[second], false);
    assert_eq!(whole, expect, "{shown:?} + {second:?}");
    let pieces: Vec<String> = second.chars().map(String::from).collect();
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    assert_eq!(join(shown, &pieces, false), expect, "{shown:?} + {second:?}, a character a piece");
}

#[test]
fn joints() {
    let whole = "I build small tools for people who sleep.";
    // The white space at the end was lost on the way, or was not.
    check(SHOWN, " who sleep.", whole);
    check(SHOWN, "who sleep.", whole);
    check("I build small tools for people", " who sleep.", whole);
    check("I build small tools for peo", "ple who sleep.", whole);
    check("I build small tools:\n\n", "\n\n- one", "I build small tools:\n\n- one");
    check("I build small tools:\n\n", "\n- one", "I build small tools:\n\n- one");
    check("I build small tools: ", "\n\n- one", "I build small tools: \n\n- one");
    check("I build small tools:\n", "\n    - one", "I build small tools:\n    - one");
    // The last words come again.
    check(SHOWN, "people who sleep.", whole);
    check(SHOWN, "tools for people who sleep.", whole);
    check("I build small tools for people", "for people who sleep.", whole);
    check(SHOWN, " small tools for people who sleep.", whole);
    // A word that is meant twice.
    check("It has been a very", " very long night.", "It has been a very very long night.");
    check("In this house we had", " had enough.", "In this house we had had enough.");
    // What repeats by itself.
    check("| a | b | c | d |\n|---|---", "|---|---|\n", "| a | b | c | d |\n|---|---|---|---|\n");
    check("let a = 1;\nlet b = 2;\n", "\nlet c = 3;", "let a = 1;\nlet b = 2;\nlet c = 3;");
    check("{\"row\":[null,null,", "null,null]}", "{\"row\":[null,null,null,null]}");
    // From the beginning.
    check(
        "I build small tools for people who sleep ",
        " I build small tools for people who wake.",
        "! I build small tools for people who wake.",
    );
    check(SHOWN, "I build small tools for cats.", "!I build small tools for cats.");
    check(SHOWN, "I build small tools for people who sleep.", whole);
    check(SHOWN, "I build small", "!I build small");
    check(SHOWN, "I believe so.", "I build small tools for people I believe so.");
    check(SHOWN, "", SHOWN);
    check(SHOWN, " ", SHOWN);
}

#[test]
fn who_is_trusted_goes_on() {
    let again = "I build small tools for cats.";
    assert_eq!(join(SHOWN, &[again], true), format!("{SHOWN}{again}"));
    assert_eq!(join(SHOWN, &[" who sleep."], true), format!("{SHOWN}who sleep."));
}

#[test]
fn what_blanks_follow_is_not_held_for_ever() {
    let check = |pieces: &[&str], is_trusted: bool, expect: &str| {
        let mut seam = Seam::new(SHOWN.to_owned(), is_trusted);
        let mut pieces = pieces.iter().chain(std::iter::repeat(&" ")).take(2 * MOST_HELD);
        let joint = pieces.find_map(|piece| seam.hear(piece));
        let Some(Joint::GoesOn(rest)) = &joint else { panic!("{joint:?}") };
        assert_eq!(rest.trim_end(), expect);
        assert!(seam.held() <= SHOWN.len() + MOST_HELD + 1, "{}", seam.held());
    };
    for is_trusted in [false, true] {
        check(&["tools ", "for people"], is_trusted, "");
        check(&["for people", "\n"], is_trusted, "");
        check(&[], is_trusted, "");
    }
    check(&["for people", " ", "who"], true, "who");
}

#[test]
fn what_may_be_all_of_it() {
    let check = |shown: &str, expect| assert_eq!(may_be_all(shown), expect, "{shown}");
    check("It is all said. ", true);
    check("说完了。\n", true);
    check("```\ncode\n```\n", true);
    check("It is all", false);
    check("first, ", false);
    check("家里的", false);
    check("", false);
}

#[test]
fn too_little_begins_anew() {
    assert_eq!(partial("I build small  \n"), None);
    assert_eq!(partial("I build small to \n"), Some("I build small to"));
    assert_eq!(partial("家里的小机器不会在半夜里停下来"), None);
    assert_eq!(partial("家里的小机器不会在半夜里停下来。"), Some("家里的小机器不会在半夜里停下来。"));
}
