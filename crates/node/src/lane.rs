//! The express lane: Ollama's lines are read here, and the edge is handed the frames that its readers get.

use std::time::Duration;

use bytes::Bytes;
use homefire_core::failure::Failure;
use homefire_core::lane::{self, Frames, GATHER, KIND};
use homefire_core::ndjson;
use homefire_core::relay::{Output, Relay, State};
use http::StatusCode;
use http::header::{ACCEPT, HeaderMap};
use tokio::time::Instant;

use crate::wires::Head;

/// The longest that an edge may have frames gathered.
const LONGEST_GATHER: Duration = Duration::from_secs(1);

/// Bytes that are gathered meanwhile. More are handed on at once.
const MOST_GATHERED: usize = 16 * 1024;

/// What Ollama speaks, and the only thing that is read here.
pub(crate) const LINES: &str = ndjson::KIND;

/// One answer on the lane. Whatever happens, its end is told once.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    relay: Relay<Frames>,
    end: Option<End>,
    /// From one handing over to the next, at least.
    gather: Duration,
    handed: Option<Instant>,
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

/// How long the client wants frames to be gathered.
pub(crate) fn gather(headers: &HeaderMap) -> Duration {
    let millis = headers.get(GATHER).and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_millis(millis.unwrap_or_default()).min(LONGEST_GATHER)
}

/// Whether this is the head of an answer in lines. Whoever else speaks in Ollama's place is passed on as he is.
pub(crate) fn can_read(head: &Head) -> bool {
    let kind = head.content_type.as_ref().map_or(&b""[..], |kind| kind.as_bytes());
    head.status == StatusCode::OK && kind.starts_with(LINES.as_bytes())
}

impl Lane {
    /// Whose frames are gathered for so long, behind those that were handed on.
    pub(crate) fn gathering(gather: Duration) -> Self {
        Self { gather, ..Self::default() }
    }

    /// Takes a chunk of Ollama's. There is nothing to say yet where it ends within the first line, and until what it says is
    /// [`due`](Self::due).
    pub(crate) fn hear(&mut self, chunk: &[u8], now: Instant) -> Bytes {
        if self.end.is_some() {
            return Bytes::new();
        }
        let outcome = self.relay.push(chunk).cloned();
        self.tell(outcome);
        if self.relay.output().size() == 0 && chunk.contains(&b'\n') {
            self.relay.output_mut().say(&lane::ALIVE);
        }
        if self.due().is_some_and(|due| now < due) { Bytes::new() } else { self.hand(now) }
    }

    /// When what is held is to be handed on, if something is.
    pub(crate) fn due(&self) -> Option<Instant> {
        let (held, handed) = (self.relay.output().size(), self.handed?);
        let waits = self.end.is_none() && (1..MOST_GATHERED).contains(&held);
        waits.then(|| handed + self.gather)
    }

    /// What is held, now.
    pub(crate) fn hand(&mut self, now: Instant) -> Bytes {
        let held = self.relay.output_mut().take();
        // The first word waits for nobody, whatever was said of its coming.
        if !held.is_empty() && *self.relay.state() != State::Waiting {
            self.handed = Some(now);
        }
        held
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
            let now = Instant::now();
            let mut said: Vec<Bytes> = chunks.iter().map(|chunk| lane.hear(chunk.as_bytes(), now)).collect();
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
        assert_eq!((lane.hear(A.as_bytes(), Instant::now()), lane.is_cut()), (TOKEN.into(), false));
        assert_eq!((&lane.cut(Failure::Broken)[..], lane.is_cut()), (&b": cut broken\n\n"[..], true));
    }

    #[test]
    fn what_is_gathered() {
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        let mut lane = Lane::gathering(Duration::from_millis(50));
        let mut check = |chunk: &str, now: u64, said: &str, due: Option<u64>| {
            assert_eq!(lane.hear(chunk.as_bytes(), at(now)), said.as_bytes(), "{now}");
            assert_eq!(lane.due(), due.map(at), "{now}");
        };
        check(&A[..9], 0, "", None);
        check(&A[9..], 10, TOKEN, None);
        check(A, 20, "", Some(60));
        check(THOUGHT, 30, "", Some(60));
        check(A, 60, &TOKEN.repeat(2), None);
        check(A, 200, TOKEN, None);
        check(THOUGHT, 210, "", Some(250));
        check(THOUGHT, 220, "", Some(250));
        check(A, 230, "", Some(250));
        // Nothing more to gather, or too much.
        check(&A.repeat(500), 240, &format!(": alive\n\n{}", TOKEN.repeat(501)), None);
        check(A, 250, "", Some(290));
        check(DONE, 260, &format!("{TOKEN}: done stop 2\n\n"), None);
    }

    #[test]
    fn the_first_word_waits_for_nobody() {
        let now = Instant::now();
        let mut lane = Lane::gathering(Duration::from_secs(1));
        let said = [THOUGHT, THOUGHT, A, A].map(|chunk| lane.hear(chunk.as_bytes(), now));
        assert_eq!(said, [": alive\n\n", ": alive\n\n", TOKEN, ""]);
    }

    #[test]
    fn what_was_gathered_is_not_lost() {
        let now = Instant::now();
        let check = |end: fn(&mut Lane) -> Bytes, expect: &str| {
            let mut lane = Lane::gathering(Duration::from_millis(50));
            assert_eq!(
                (lane.hear(A.as_bytes(), now), lane.hear(A.as_bytes(), now)),
                (TOKEN.into(), "".into())
            );
            assert_eq!(end(&mut lane), format!("{TOKEN}{expect}"));
        };
        check(|lane| lane.hand(Instant::now()), "");
        check(|lane| lane.cut(Failure::Broken), ": cut broken\n\n");
        check(Lane::finish, ": cut ended_early\n\n");
    }

    #[test]
    fn how_long_an_edge_may_have_it_gathered() {
        let check = |said: &[&str], expect: u64| {
            let headers = said.iter().map(|said| (GATHER, said.parse().unwrap())).collect();
            assert_eq!(gather(&headers), Duration::from_millis(expect), "{said:?}");
        };
        check(&[], 0);
        check(&["50"], 50);
        check(&["60000"], 1000);
        for nonsense in ["", "-1", "x", "5.5", "99999999999999999999"] {
            check(&[nonsense], 0);
        }
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
