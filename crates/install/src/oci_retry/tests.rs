//! Whole stories of a launch, told by a command line that is not there.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;

use super::*;
use crate::runner::Output;

const NO_ROOM: &str =
    r#"ServiceError: {"status": 500, "code": "InternalError", "message": "Out of host capacity."}"#;
const TOO_OFTEN: &str = r#"ServiceError: {"status": 429, "code": "TooManyRequests", "message": "x"}"#;
const LIMIT: &str = r#"ServiceError: {"status": 400, "code": "LimitExceeded", "message": "x"}"#;
const NO_SHAPE: &str =
    r#"ServiceError: {"status": 404, "code": "NotAuthorizedOrNotFound", "message": "shape S not found"}"#;
const POWER_FAILURE: &str = "the machine stops before the reply is kept";
const FAULT: &str = r#"ServiceError: {"status": 503, "code": "ServiceUnavailable", "message": "x"}"#;
const LOST: &str = r#"RequestException: {"message": "The connection to endpoint timed out."}"#;

/// Oracle's command line: what it will say, and what it was told.
#[derive(Default)]
struct Oracle {
    help: &'static str,
    replies: VecDeque<&'static str>,
    told: Vec<String>,
}

impl Runner for Oracle {
    fn run(&mut self, command: &Command) -> io::Result<Output> {
        if command.arguments.iter().any(|argument| argument == "--help") {
            return Ok(Output { code: Some(0), stdout: self.help.into(), ..Output::default() });
        }
        self.told.push(
            command.to_string().replace("oci compute instance launch --shape S --availability-domain ", ""),
        );
        let reply = self.replies.pop_front().expect("no more tries than foreseen");
        assert_ne!(reply, POWER_FAILURE);
        if reply == "launched" {
            let stdout = r#"{"data": {"id": "ocid1"}}"#.into();
            return Ok(Output { code: Some(0), stdout, ..Output::default() });
        }
        Ok(Output { code: Some(1), stderr: reply.into(), ..Output::default() })
    }
}

/// A clock that moves when somebody sleeps.
struct Paused {
    now: u64,
    drawn: u8,
    oversleeps: u64,
}

impl World for Paused {
    fn now(&self) -> u64 {
        self.now
    }

    fn sleep(&mut self, pause: Duration) {
        self.now += pause.as_secs() + self.oversleeps;
    }

    fn random(&mut self) -> io::Result<[u8; 16]> {
        self.drawn += 1;
        let mut bytes = [self.drawn; 16];
        bytes[1] = 0;
        Ok(bytes)
    }
}

/// A log that cannot be written from its `left`th line on.
struct Log {
    text: String,
    left: usize,
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("the disk is full"));
        }
        self.text.push_str(&String::from_utf8_lossy(bytes));
        self.left -= usize::from(bytes.ends_with(b"\n"));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Story {
    folder: tempfile::TempDir,
    oracle: Oracle,
    world: Paused,
    log: Log,
}

impl Story {
    fn new(help: &'static str, replies: &[&'static str]) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            oracle: Oracle { help, replies: replies.iter().copied().collect(), told: Vec::new() },
            world: Paused { now: 1_800_000_000, drawn: 0, oversleeps: 0 },
            log: Log { text: String::new(), left: usize::MAX },
        }
    }

    fn drive(&mut self) -> io::Result<End> {
        let launch = Launch {
            command: Command::new("oci", ["compute", "instance", "launch", "--shape", "S"]),
            targets: policy::targets(&["A".into(), "B".into()], &["1".into()]),
            state: &self.folder.path().join("state.json"),
        };
        drive(&launch, &mut self.oracle, &mut self.world, &mut self.log)
    }
}

#[test]
fn until_there_is_room() {
    let mut story = Story::new("--no-retry", &[NO_ROOM, TOO_OFTEN, NO_ROOM, "launched"]);
    assert_eq!(story.drive().unwrap(), End::Launched(Some("ocid1".into())));
    let told = ["A --fault-domain 1", "B --fault-domain 1", "B --fault-domain 1", "A --fault-domain 1"];
    assert_eq!(story.oracle.told, told.map(|told| format!("{told} --no-retry")));
    let log: Vec<&str> = story.log.text.lines().collect();
    assert_eq!(
        log[1..],
        [
            "2027-01-15T08:00:00Z try 1 at A/1: no capacity; next in 60 s at B/1",
            "2027-01-15T08:01:00Z try 2 at B/1: asked too often; next in 120 s at B/1",
            "2027-01-15T08:03:00Z try 3 at B/1: no capacity; next in 60 s at A/1",
            "2027-01-15T08:04:00Z try 4 at A/1: launched ocid1; no further try",
        ]
    );
    assert!(log[0].contains("takes no --opc-retry-token"));
    assert_eq!(story.drive().unwrap(), End::Launched(Some("ocid1".into())), "and never a second one");
}

#[test]
fn a_lost_reply_is_asked_for_with_the_same_token() {
    let replies = [NO_ROOM, LOST, TOO_OFTEN, FAULT, "launched"];
    let mut story = Story::new("-\u{8}--\u{8}-opc-retry-token", &replies);
    assert_eq!(story.drive().unwrap(), End::Launched(Some("ocid1".into())));
    let token = |told: &str| told.split("--opc-retry-token ").nth(1).map(str::to_owned);
    let tokens: Vec<_> = story.oracle.told.iter().map(|told| token(told).unwrap()).collect();
    assert!(tokens[0] != tokens[1] && tokens[1..].iter().all(|token| *token == tokens[1]), "{tokens:?}");
    assert!(tokens.iter().all(|token| token.len() <= 64));
}

#[test]
fn without_a_token_a_lost_reply_ends_it() {
    let mut story = Story::new("--no-retry", &[FAULT, TOO_OFTEN, LOST, "a second machine"]);
    let End::InDoubt(why) = story.drive().unwrap() else { panic!() };
    assert!(why.contains("timed out"), "{why}");
    assert!(matches!(story.drive().unwrap(), End::InDoubt(_)), "and stays so");
    // The token of a younger command line does not belong to what was asked without one.
    story.oracle.help = "--opc-retry-token";
    assert!(matches!(story.drive().unwrap(), End::InDoubt(_)));
    assert_eq!(story.oracle.told.len(), 3);
    std::fs::remove_file(story.folder.path().join("state.json")).unwrap();
    story.oracle.replies = ["launched"].into();
    assert_eq!(story.drive().unwrap(), End::Launched(Some("ocid1".into())), "the owner has looked");
}

#[test]
fn without_a_token_a_restart_in_mid_try_ends_it() {
    let mut story = Story::new("", &[POWER_FAILURE, "a second machine"]);
    assert!(std::panic::catch_unwind(AssertUnwindSafe(|| story.drive())).is_err());
    assert!(matches!(story.drive().unwrap(), End::InDoubt(_)));
    assert_eq!(story.oracle.told.len(), 1);
}

#[test]
fn a_token_that_was_slept_through_ends_it() {
    let mut story = Story::new("--opc-retry-token", &[LOST, "a second machine"]);
    story.world.oversleeps = 25 * 60 * 60;
    assert!(matches!(story.drive().unwrap(), End::InDoubt(_)));
    assert_eq!(story.oracle.told.len(), 1);
}

#[test]
fn what_cannot_be_mended_by_trying_ends_it() {
    let mut story = Story::new("", &[LIMIT, "launched"]);
    assert_eq!(story.drive().unwrap(), End::Refused("400 LimitExceeded: x".into()));
    assert_eq!(story.drive().unwrap(), End::Launched(Some("ocid1".into())), "the owner has mended it");
}

#[test]
fn a_limit_that_is_none_passes() {
    let mut story = Story::new("", &[NO_ROOM, LIMIT, POWER_FAILURE]);
    assert!(std::panic::catch_unwind(AssertUnwindSafe(|| story.drive())).is_err());
    let (limited, waited) = ("try 2 at B/1: limited: 400 LimitExceeded: x; next in ", story.world.now);
    assert!(story.log.text.contains(limited), "{}", story.log.text);
    assert!(waited >= 1_800_000_000 + policy::PAUSE_S + policy::LONGEST_PAUSE_S);
}

#[test]
fn a_limit_that_does_not_pass_ends_in_doubt() {
    let mut replies = vec![NO_ROOM];
    replies.extend([LIMIT; 11]);
    replies.extend([TOO_OFTEN, LIMIT]);
    let mut story = Story::new("--opc-retry-token", &replies);
    let begun = story.world.now;
    assert_eq!(story.drive().unwrap(), End::InDoubt("12 times in a row: 400 LimitExceeded: x".into()));
    assert!(story.world.now - begun >= 5 * 60 * 60);
    story.oracle.replies = [LIMIT, "launched"].into();
    assert_eq!(story.drive().unwrap(), End::Launched(Some("ocid1".into())), "the owner has looked");
}

#[test]
fn a_domain_without_the_shape_is_struck() {
    let mut story = Story::new("", &[NO_SHAPE, NO_ROOM, NO_ROOM, NO_SHAPE]);
    let why = "404 NotAuthorizedOrNotFound: shape S not found";
    assert_eq!(story.drive().unwrap(), End::Refused(why.into()), "none is left");
    let domains: String = story.oracle.told.iter().map(|told| &told[..1]).collect();
    assert_eq!(domains, "ABBB");
    story.oracle.replies = ["launched"].into();
    assert_eq!(story.drive().unwrap(), End::Launched(Some("ocid1".into())), "the owner named another");
}

#[test]
fn a_restart_asks_for_the_same_machine() {
    let mut story = Story::new("--opc-retry-token", &[POWER_FAILURE, "launched"]);
    let begun = story.world.now;
    assert!(std::panic::catch_unwind(AssertUnwindSafe(|| story.drive())).is_err());
    assert_eq!(story.drive().unwrap(), End::Launched(Some("ocid1".into())));
    assert_eq!(story.oracle.told[0], story.oracle.told[1], "the same place, the same token");
    assert!(story.world.now - begun >= policy::PAUSE_S);
}

#[test]
fn a_launch_is_known_though_its_line_is_lost() {
    let mut story = Story::new("--opc-retry-token", &["launched"]);
    story.log.left = 0;
    assert_eq!(story.drive().unwrap_err().to_string(), "the disk is full");
    assert_eq!(story.drive().unwrap(), End::Launched(Some("ocid1".into())));
}

#[test]
fn a_command_line_that_is_not_there() {
    struct Nowhere;
    impl Runner for Nowhere {
        fn run(&mut self, _: &Command) -> io::Result<Output> {
            Err(io::ErrorKind::NotFound.into())
        }
    }
    let Story { folder, mut world, mut log, .. } = Story::new("", &[]);
    let command = Command::new("oci", []);
    let launch =
        Launch { command, targets: policy::targets(&["A".into()], &[]), state: &folder.path().join("s") };
    let error = drive(&launch, &mut Nowhere, &mut world, &mut log).unwrap_err().to_string();
    assert!(error.starts_with("oci could not be started"), "{error}");
}

#[test]
fn a_state_that_cannot_be_kept_ends_it_before_a_try() {
    let mut story = Story::new("", &[]);
    std::fs::write(story.folder.path().join("state.json"), "{").unwrap();
    assert!(story.drive().unwrap_err().to_string().contains("state.json"));
    std::fs::remove_file(story.folder.path().join("state.json")).unwrap();
    std::fs::create_dir(story.folder.path().join("state.json")).unwrap();
    assert!(story.drive().is_err());
    assert!(story.oracle.told.is_empty());
}
