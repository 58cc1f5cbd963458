//! What Oracle's command line said, and what it can be told.

use std::fmt;
use std::io;

use serde::Deserialize;
use serde_json::Value;

use super::policy::Target;
use crate::runner::{Command, Output, Runner};

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There is an instance; its OCID, where the reply told it.
    Launched(Option<String>),
    /// There is no room at this place.
    NoCapacity,
    /// Oracle is asked too often.
    TooOften,
    /// It may or may not have launched: a lost reply, a fault of Oracle's.
    Unclear(String),
    /// Trying again does not help.
    Refused(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Launched(Some(id)) => write!(f, "launched {id}"),
            Self::Launched(None) => f.write_str("launched"),
            Self::NoCapacity => f.write_str("no capacity"),
            Self::TooOften => f.write_str("asked too often"),
            Self::Unclear(why) => write!(f, "unclear: {why}"),
            Self::Refused(why) => write!(f, "refused: {why}"),
        }
    }
}

/// Oracle's error, as the command line prints it after `ServiceError:`.
#[derive(Deserialize)]
struct ServiceError {
    status: u16,
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// What a log line and a state may hold of a complaint.
const LONGEST_WORDS: usize = 300;
/// The command line's exit code when it does not understand its arguments.
const USAGE: i32 = 2;

impl Outcome {
    /// Reads how the command line ended.
    pub fn read(output: &Output) -> Self {
        if output.code == Some(0) {
            let reply: Value = serde_json::from_str(output.stdout.trim()).unwrap_or_default();
            return Self::Launched(reply["data"]["id"].as_str().map(str::to_owned));
        }
        if let Some(error) = objects(&output.stderr).chain(objects(&output.stdout)).next() {
            return Self::of(&error);
        }
        let complaint = words(&output.stderr);
        match output.code {
            Some(USAGE) => Self::Refused(complaint),
            // Of a missing file or a wrong key it says so in plain words, before it asks anything.
            Some(_)
                if complaint.contains("Could not find config file") || complaint.contains("ConfigFile") =>
            {
                Self::Refused(complaint)
            }
            Some(_) => Self::Unclear(complaint),
            None => Self::Unclear("a signal ended it".to_owned()),
        }
    }

    fn of(error: &ServiceError) -> Self {
        let why = words(&format!("{} {}: {}", error.status, error.code, error.message));
        match error.status {
            429 => Self::TooOften,
            500.. if is_out_of_capacity(error) => Self::NoCapacity,
            500.. | 408 => Self::Unclear(why),
            _ => Self::Refused(why),
        }
    }
}

fn is_out_of_capacity(error: &ServiceError) -> bool {
    error.code == "OutOfHostCapacity" || error.message.to_ascii_lowercase().contains("out of host capacity")
}

/// Whatever in a text is an error of Oracle's.
fn objects(text: &str) -> impl Iterator<Item = ServiceError> {
    text.match_indices('{').filter_map(|(start, _)| {
        serde_json::Deserializer::from_str(&text[start..]).into_iter::<ServiceError>().next()?.ok()
    })
}

/// One line, bounded.
fn words(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|letter| !letter.is_control()).take(LONGEST_WORDS).collect()
}

/// What the installed command line can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skills {
    /// `--opc-retry-token`.
    pub retry_token: bool,
    /// `--no-retry`: its own tries are not counted by our pauses.
    pub no_retry: bool,
}

impl Skills {
    /// Asks the command line for its help. An error means that it cannot be started.
    pub fn of(command: &Command, runner: &mut dyn Runner) -> io::Result<Self> {
        let mut help = |arguments: &[&str]| {
            let output = runner.run(&Command::new(&command.program, arguments.iter().copied()))?;
            // A manual page prints a letter twice to make it bold.
            let mut plain = String::new();
            for letter in output.stdout.chars() {
                if letter == '\u{8}' {
                    plain.pop();
                } else {
                    plain.push(letter);
                }
            }
            Ok::<_, io::Error>(plain)
        };
        let retry_token = help(&["compute", "instance", "launch", "--help"])?.contains("--opc-retry-token");
        Ok(Self { retry_token, no_retry: help(&["--help"])?.contains("--no-retry") })
    }

    /// The owner's command for one place.
    pub fn command(self, owner: &Command, target: &Target, token: &str) -> Command {
        let mut command = owner.clone();
        let mut add = |words: &[&str]| command.arguments.extend(words.iter().map(|&word| word.to_owned()));
        add(&["--availability-domain", &target.availability]);
        if let Some(fault) = &target.fault {
            add(&["--fault-domain", fault]);
        }
        if self.retry_token {
            add(&["--opc-retry-token", token]);
        }
        if self.no_retry {
            add(&["--no-retry"]);
        }
        command
    }
}

/// The owner's words as a command, if they are one that can be tried again and again.
pub fn owners_command(words: &[String]) -> Result<Command, String> {
    let (program, arguments) = words.split_first().ok_or("the command to launch with is missing")?;
    let is_launch = |window: &[String]| window == ["compute", "instance", "launch"];
    if !arguments.windows(3).any(is_launch) {
        return Err("the command must be `oci … compute instance launch …`".to_owned());
    }
    // Abbreviations are none: the command line's parser takes options by their whole name.
    for ours in ["--availability-domain", "--fault-domain", "--opc-retry-token", "--wait-for-state"] {
        let is_ours = |word: &String| word == ours || word.starts_with(&format!("{ours}="));
        if arguments.iter().any(is_ours) {
            return Err(format!("leave {ours} to this program"));
        }
    }
    Ok(Command { program: program.clone(), arguments: arguments.to_vec(), may_fail: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: i32, stdout: &str, stderr: &str, expect: &Outcome) {
        let output = Output { code: Some(code), stdout: stdout.into(), stderr: stderr.into() };
        assert_eq!(Outcome::read(&output), *expect, "{stderr}");
    }

    fn service(status: u16, code: &str, message: &str) -> String {
        format!(
            "WARNING: {{old}}\nServiceError:\n{{\n  \"client_version\": \"Oracle-PythonSDK/2.94.0\",\n  \"code\": \"{code}\",\n  \
             \"message\": \"{message}\",\n  \"opc-request-id\": \"A/B/C\",\n  \"status\": {status}\n}}\n"
        )
    }

    #[test]
    fn replies() {
        let refused = |why: &str| Outcome::Refused(why.into());
        let unclear = |why: &str| Outcome::Unclear(why.into());
        let launched =
            r#"{"data": {"id": "ocid1.instance.oc1", "lifecycle-state": "PROVISIONING"}, "etag": "x"}"#;
        check(0, launched, "", &Outcome::Launched(Some("ocid1.instance.oc1".into())));
        check(0, "a table", "", &Outcome::Launched(None));
        check(1, "", &service(500, "InternalError", "Out of host capacity."), &Outcome::NoCapacity);
        check(1, "", &service(500, "OutOfHostCapacity", "x"), &Outcome::NoCapacity);
        check(1, "", &service(429, "TooManyRequests", "Too many requests for the user"), &Outcome::TooOften);
        check(1, "", &service(500, "InternalError", "x"), &unclear("500 InternalError: x"));
        check(1, "", &service(503, "ServiceUnavailable", "x"), &unclear("503 ServiceUnavailable: x"));
        check(1, "", &service(400, "LimitExceeded", "x"), &refused("400 LimitExceeded: x"));
        check(1, "", &service(401, "NotAuthenticated", "x"), &refused("401 NotAuthenticated: x"));
        check(
            1,
            "",
            &service(404, "NotAuthorizedOrNotFound", "x"),
            &refused("404 NotAuthorizedOrNotFound: x"),
        );
        check(1, "", &service(409, "InvalidatedRetryToken", "x"), &refused("409 InvalidatedRetryToken: x"));
        check(
            1,
            "",
            "RequestException:\n{\"message\": \"timed out\"}",
            &unclear("RequestException: {\"message\": \"timed out\"}"),
        );
        check(
            2,
            "",
            "Usage: oci\n\nError: No such option: --x",
            &refused("Usage: oci Error: No such option: --x"),
        );
        check(
            1,
            "",
            "ERROR: Could not find config file at ~",
            &refused("ERROR: Could not find config file at ~"),
        );
    }

    #[test]
    fn a_complaint_is_one_short_line() {
        let output = Output {
            code: Some(1),
            stderr: format!("a\n\u{1b}[31m{}", "x".repeat(9_999)),
            ..Output::default()
        };
        let told = Outcome::read(&output).to_string();
        assert!(told.len() < 400 && !told.contains(char::is_control), "{told}");
    }

    #[test]
    fn commands() {
        let check = |words: &str, expect: Result<(), &str>| {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            assert_eq!(owners_command(&words).map(|_| ()), expect.map_err(str::to_owned), "{words:?}");
        };
        check("oci compute instance launch --shape X", Ok(()));
        check("/opt/oci --profile P compute instance launch", Ok(()));
        check("", Err("the command to launch with is missing"));
        check("rm -rf", Err("the command must be `oci … compute instance launch …`"));
        check("oci compute instance launch --fault-domain=1", Err("leave --fault-domain to this program"));
        check(
            "oci compute instance launch --wait-for-state R",
            Err("leave --wait-for-state to this program"),
        );
    }
}
