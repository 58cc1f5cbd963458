//! What becomes of an answer, and that it does not depend on how the network cuts it.

use proptest::prelude::*;

use super::*;
use crate::lane::Frames;
use crate::ollama::Reason;

/// The events, then how it ended.
fn relay<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (String, Result<State, Failure>) {
    relay_in(Dialect::Ollama, chunks)
}

fn relay_in<'a>(
    dialect: Dialect,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (String, Result<State, Failure>) {
    let mut relay = <Relay>::default().reading(dialect);
    let mut end = Ok(());
    let mut events = Vec::new();
    for chunk in chunks {
        end = relay.push(chunk).map(|_| ());
        events.extend_from_slice(&relay.output_mut().take());
        if end.is_err() {
            break;
        }
    }
    if end.is_ok() {
        end = relay.finish().map(|_| ());
        events.extend_from_slice(&relay.output_mut().take());
    }
    let events = String::from_utf8(events).expect("events are UTF-8");
    (events, end.map(|()| relay.state().clone()))
}

fn piece(content: &str) -> String {
    format!("{{\"message\":{{\"role\":\"assistant\",\"content\":\"{content}\"}},\"done\":false}}\n")
}

const DONE: &str =
    "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"eval_count\":2}\n";

fn token(content: &str) -> String {
    format!("data: {{\"type\":\"token\",\"content\":\"{content}\"}}\n\n")
}

#[test]
fn ends() {
    let check = |lines: &[&str], events: &[&str], end: Result<State, Failure>| {
        let text = lines.concat();
        let (told, state) = relay([text.as_bytes()]);
        assert_eq!(told, events.iter().map(|content| token(content)).collect::<String>(), "{text}");
        assert_eq!(state, end, "{text}");
    };
    let done = |tokens| Ok(State::Done(Done { reason: Reason::Stop, tokens }));
    let (a, b, space) = (&*piece("a"), &*piece(" b"), &*piece(" "));
    check(&[a, b, DONE], &["a", " b"], done(Some(2)));
    check(&[a, b, DONE.trim_end()], &["a", " b"], done(Some(2)));
    check(&[a, "\n\n", DONE, "rubbish\n"], &["a"], done(Some(2)));
    check(&[space, a, DONE], &[" ", "a"], done(Some(2)));
    check(&["{\"message\":{\"content\":\"last\"},\"done\":true}\n"], &["last"], done(None));
    check(&[a], &["a"], Err(Failure::EndedEarly));
    check(&[], &[], Err(Failure::EndedEarly));
    check(&[DONE], &[], Err(Failure::Empty));
    check(&[space, DONE], &[" "], Err(Failure::Empty));
    check(&[a, "{\"error\":\"boom\"}\n"], &["a"], Err(Failure::ErrorLine));
    check(&[a, "<html>\n"], &["a"], Err(Failure::Garbage));
    check(&[a, "{\"message\":{\"content\":\"b"], &["a"], Err(Failure::Garbage));
    check(&[a, &"x".repeat(LONGEST_LINE + 1)], &["a"], Err(Failure::LineTooLong));
}

#[test]
fn ends_of_the_lane() {
    let check = |lines: &[&str], events: &[&str], end: Result<State, Failure>| {
        let text = lines.concat();
        let (told, state) = relay_in(Dialect::Lane, [text.as_bytes()]);
        assert_eq!(told, events.iter().map(|content| token(content)).collect::<String>(), "{text}");
        assert_eq!(state, end, "{text}");
    };
    let done = |tokens| Ok(State::Done(Done { reason: Reason::Stop, tokens }));
    let (a, b, space) = (&*token("a"), &*token(" b"), &*token(" "));
    let end = ": done stop 2\n\n";
    check(&[":\n\n", ": alive\n\n", a, ": \n\n", b, end], &["a", " b"], done(Some(2)));
    check(&[a, end.trim_end()], &["a"], done(Some(2)));
    check(&[a, end, "rubbish\n"], &["a"], done(Some(2)));
    check(&[a], &["a"], Err(Failure::EndedEarly));
    check(&[], &[], Err(Failure::EndedEarly));
    check(&[end], &[], Err(Failure::Empty));
    check(&[space, end], &[" "], Err(Failure::Empty));
    check(&[a, ": cut error_line\n\n"], &["a"], Err(Failure::ErrorLine));
    check(&[a, ": cut broken"], &["a"], Err(Failure::Broken));
    check(&[a, &piece("b")], &["a"], Err(Failure::Garbage));
    check(&[a, &b[..20]], &["a"], Err(Failure::Garbage));
    check(&[a, &"x".repeat(LONGEST_LINE + 1)], &["a"], Err(Failure::LineTooLong));
}

#[test]
fn what_tells_of_the_node() {
    let check = |dialect: Dialect, chunk: &str, expect: bool| {
        let mut relay = <Relay>::default().reading(dialect);
        relay.push(chunk.as_bytes()).unwrap();
        assert_eq!(relay.is_heard(), expect, "{dialect:?} {chunk:?}");
    };
    check(Dialect::Ollama, "\n", true);
    check(Dialect::Ollama, "{", true);
    check(Dialect::Lane, ":\n\n:\n\n", false);
    check(Dialect::Lane, ": alive\n\n:\n\n", true);
    check(Dialect::Lane, &format!(":\n\n{}:\n\n", token("a")), true);
}

/// What a guard makes of a node's answer.
fn guarded<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut relay = Relay::<Frames>::default();
    let mut said = Vec::new();
    let mut end = Ok(());
    for chunk in chunks {
        end = relay.push(chunk).map(|_| ());
        said.extend_from_slice(&relay.output_mut().take());
        if end.is_err() {
            break;
        }
    }
    let end = end.and_then(|()| relay.finish().cloned());
    said.extend_from_slice(&relay.output_mut().take());
    said.extend_from_slice(&match end {
        Ok(State::Done(done)) => lane::done(&done),
        Ok(State::Waiting | State::Speaking) => unreachable!("an answer that finishes well is done"),
        Err(why) => lane::cut(why),
    });
    said
}

#[test]
fn endless_white_space_is_no_answer() {
    let mut relay = <Relay>::default();
    let line = piece(" \\n ");
    let end = (0..10_000).find_map(|_| relay.push(line.as_bytes()).err());
    assert_eq!(end, Some(Failure::Empty));
}

#[test]
fn the_longest_text_and_not_one_byte_more() {
    let check = |pieces: &[usize], expect: Result<usize, Failure>| {
        let mut relay = Relay::into(String::new());
        let lines = pieces.iter().map(|length| piece(&"x".repeat(*length)));
        let end = lines.chain([DONE.to_owned()]).try_for_each(|line| relay.push(line.as_bytes()).map(|_| ()));
        assert_eq!(end.map(|()| relay.output().len()), expect, "{pieces:?}");
    };
    let half = LONGEST_TEXT / 2;
    check(&[half - 1, 1], Ok(half));
    check(&[half, half], Ok(LONGEST_TEXT));
    check(&[half, half, 1], Err(Failure::AnswerTooLong));
}

#[test]
fn a_million_chunks_in_constant_memory() {
    let mut relay = <Relay>::default();
    let line = piece("word ");
    let (head, tail) = line.as_bytes().split_at(30);
    let mut bytes = 0;
    for _ in 0..500_000 {
        for part in [head, tail] {
            relay.push(part).expect("every line is well formed");
            bytes += relay.output_mut().take().len();
        }
        assert!(relay.output().capacity() <= 64 * 1024);
    }
    assert_eq!(bytes, token("word ").len() * 500_000);
}

fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        6 => "[a-zäöß😀漢 ]{0,6}".prop_map(|content| piece(&content)),
        2 => Just(piece("\\u003cb\\u003e \\\"q\\\" \\n")),
        1 => Just(piece("\\ud83d\\ude00")),
        1 => Just("\r\n".to_owned()),
        1 => Just(DONE.to_owned()),
        1 => Just("{\"message\":{\"content\":\"\",\"thinking\":\"hm\"},\"done\":false}\n".to_owned()),
        1 => Just("{\"error\":\"boom\"}\n".to_owned()),
        1 => "\\PC{0,10}".prop_map(|text| format!("{text}\n")),
    ];
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
}

fn cut<'a>(bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut chunks = Vec::new();
    for size in sizes {
        let (chunk, tail) = rest.split_at((*size).min(rest.len()));
        chunks.push(chunk);
        rest = tail;
    }
    chunks.push(rest);
    chunks
}

proptest! {
    #[test]
    fn every_cut_gives_the_same_events(text in lines(), sizes in prop::collection::vec(0..40_usize, 0..30)) {
        let whole = relay([text.as_bytes()]);
        prop_assert_eq!(relay(cut(text.as_bytes(), &sizes)), whole.clone());
        prop_assert_eq!(relay(text.as_bytes().chunks(1)), whole);
    }

    #[test]
    fn a_guard_between_changes_nothing(text in lines(), sizes in prop::collection::vec(0..40_usize, 0..30)) {
        let said = guarded(cut(text.as_bytes(), &sizes));
        let whole = relay([text.as_bytes()]);
        prop_assert_eq!(relay_in(Dialect::Lane, [&*said]), whole.clone());
        prop_assert_eq!(relay_in(Dialect::Lane, cut(&said, &sizes)), whole);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), sizes in prop::collection::vec(0..40_usize, 0..10)) {
        let _ = relay(cut(&bytes, &sizes));
        let _ = relay_in(Dialect::Lane, cut(&bytes, &sizes));
    }
}
