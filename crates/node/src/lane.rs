//! The express lane: Ollama's lines are read here, and the edge is handed the frames that its readers get.

use bytes::Bytes;
use homefire_core::failure::Failure;
use homefire_core::lane::{self, Frames, KIND};
use homefire_core::relay::{Relay, State};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use http::{StatusCode, response};

/// What Ollama speaks, and the only thing that is read here.
pub(crate) const LINES: &str = "application/x-ndjson";

/// One answer on the lane. Whatever happens, its end is told once.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    relay: Relay<Frames>,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    Cut,
}

/// Whether the client takes frames.
pub(crate) fn is_asked_for(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|value| value.split(','));
    kinds.any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(KIND)))
}

/// Whether this is the head of an answer in lines. Whoever else speaks in Ollama's place is passed on as he is.
pub(crate) fn can_read(head: &response::Parts) -> bool {
    let kind = head.headers.get(CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    head.status == StatusCode::OK && kind.starts_with(LINES.as_bytes())
}

impl Lane {
    /// Takes a chunk of Ollama's. Where it ends within the first line there is nothing to say yet.
    pub(crate) fn hear(&mut self, chunk: &[u8]) -> Bytes {
        if self.end.is_some() {
            return Bytes::new();
        }
        let outcome = self.relay.push(chunk).cloned();
        self.tell(outcome);
        let said = self.relay.output_mut().take();
        if said.is_empty() && chunk.contains(&b'\n') { lane::ALIVE } else { said }
    }

    /// Ollama ended its stream.
    pub(crate) fn finish(&mut self) -> Bytes {
        if self.end.is_none() {
            let outcome = self.relay.finish().cloned();
            self.tell(outcome);
        }
        self.relay.output_mut().take()
    }

    /// Nothing more comes, for this reason.
    pub(crate) fn cut(&mut self, why: Failure) -> Bytes {
        if self.end.is_none() {
            self.tell(Err(why));
        }
        self.relay.output_mut().take()
    }

    /// Whether it was told that the answer goes no further, whatever Ollama may still say.
    pub(crate) fn is_cut(&self) -> bool {
        self.end == Some(End::Cut)
    }

    fn tell(&mut self, outcome: Result<State, Failure>) {
        let (end, told) = match outcome {
            Ok(State::Waiting | State::Speaking) => return,
            Ok(State::Done(done)) => (End::Done, lane::done(&done)),
            Err(why) => (End::Cut, lane::cut(why)),
        };
        self.relay.output_mut().say(&told);
        self.end = Some(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "{\"message\":{\"content\":\"a\"},\"done\":false}\n";
    const TOKEN: &str = "data: {\"type\":\"token\",\"content\":\"a\"}\n\n";
    const THOUGHT: &str = "{\"message\":{\"content\":\"\",\"thinking\":\"hm\"},\"done\":false}\n";
    const DONE: &str =
        "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"eval_count\":2}\n";

    #[test]
    fn what_is_said_of_each_chunk() {
        let check = |chunks: &[&str], expect: &[&str]| {
            let mut lane = Lane::default();
            let mut said: Vec<Bytes> = chunks.iter().map(|chunk| lane.hear(chunk.as_bytes())).collect();
            said.push(lane.finish());
            assert_eq!(said, expect, "{chunks:?}");
            // The end was told, and nothing is told twice.
            assert_eq!((lane.finish(), lane.cut(Failure::Broken)), (Bytes::new(), Bytes::new()));
        };
        let done = ": done stop 2\n\n";
        check(&[A, DONE], &[TOKEN, done, ""]);
        check(&[&format!("{A}{A}{DONE}")], &[&format!("{TOKEN}{TOKEN}{done}"), ""]);
        check(&[&A[..9], &A[9..], DONE.trim_end()], &["", TOKEN, "", done]);
        check(&[THOUGHT, A, DONE, A], &[": alive\n\n", TOKEN, done, "", ""]);
        // Whether an answer may be empty is the edge's to say.
        check(&[DONE], &[done, ""]);
        check(&[A], &[TOKEN, ": cut ended_early\n\n"]);
        check(&[], &[": cut ended_early\n\n"]);
        check(&[A, "{\"error\":\"boom\"}\n", A], &[TOKEN, ": cut error_line\n\n", "", ""]);
        check(&[&format!("{A}<html>\n{A}")], &[&format!("{TOKEN}: cut garbage\n\n"), ""]);
        check(&[&"x".repeat(70_000)], &[": cut line_too_long\n\n", ""]);
    }

    #[test]
    fn what_breaks_off() {
        let mut lane = Lane::default();
        assert_eq!((lane.hear(A.as_bytes()), lane.is_cut()), (TOKEN.into(), false));
        assert_eq!((&lane.cut(Failure::Broken)[..], lane.is_cut()), (&b": cut broken\n\n"[..], true));
    }

    #[test]
    fn who_asks_for_it() {
        let check = |accept: &[&str], expect: bool| {
            let headers = accept.iter().map(|value| (ACCEPT, value.parse().unwrap()));
            assert_eq!(is_asked_for(&headers.collect()), expect, "{accept:?}");
        };
        check(&[], false);
        check(&["*/*"], false);
        check(&["application/x-ndjson, application/json"], false);
        check(&["text/event-stream"], true);
        check(&["text/event-stream;q=0.9, application/json"], true);
        check(&["application/json", "application/json, Text/Event-Stream"], true);
        check(&["text/event-streams"], false);
    }
}
