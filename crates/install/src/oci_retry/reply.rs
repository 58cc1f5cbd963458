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
    /// It may or may not have launched: the reply is lost.
    Unclear(String),
    /// A fault of Oracle's own, which mostly means that nothing was launched.
    Faulty(String),
    /// A limit of the account's is reached, it says. Whoever waits for room hears it now and then without having anything,
    /// for an hour or a few: github.com/mohankumarpaluru/oracle-freetier-instance-creation, issues 15 and 22.
    Limited(String),
    /// This availability domain does not have the shape. Others may.
    NoShape(String),
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
            Self::Faulty(why) => write!(f, "a fault of Oracle's: {why}"),
            Self::Limited(why) => write!(f, "limited: {why}"),
            Self::NoShape(why) => write!(f, "not to be had there: {why}"),
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
/// What the command line calls it when a request may have left and no reply has come. Of a refused connection it says the
/// same as of a lost reply.
const TRANSPORT: [&str; 5] = ["RequestException", "ConnectTimeout", "ReadTimeout", "Connection", "timed out"];

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
        let complaint = complaint(output);
        let is_lost = |text: &String| TRANSPORT.iter().any(|word| text.contains(word));
        match output.code {
            None => Self::Unclear("a signal ended it".to_owned()),
            Some(_) if is_lost(&output.stderr) => Self::Unclear(complaint),
            // Of an option, a missing file or a wrong key it complains before it asks anything.
            Some(_) => Self::Refused(complaint),
        }
    }

    fn of(error: &ServiceError) -> Self {
        let why = words(&format!("{} {}: {}", error.status, error.code, error.message));
        match error.status {
            429 => Self::TooOften,
            400 if error.code == "LimitExceeded" => Self::Limited(why),
            404 if is_without_shape(error) => Self::NoShape(why),
            500.. if is_out_of_capacity(error) => Self::NoCapacity,
            // What stands before Oracle's service gave up waiting for it: that is a lost reply, too.
            408 | 504 => Self::Unclear(why),
            500.. => Self::Faulty(why),
            _ => Self::Refused(why),
        }
    }
}

fn is_out_of_capacity(error: &ServiceError) -> bool {
    error.code == "OutOfHostCapacity" || error.message.to_ascii_lowercase().contains("out of host capacity")
}

/// `shape VM.Standard.A1.Flex not found`
fn is_without_shape(error: &ServiceError) -> bool {
    let message = error.message.to_ascii_lowercase();
    message.starts_with("shape ") && message.contains("not found")
}

/// Whatever in a text is an error of Oracle's.
fn objects(text: &str) -> impl Iterator<Item = ServiceError> {
    text.match_indices('{').filter_map(|(start, _)| {
        serde_json::Deserializer::from_str(&text[start..]).into_iter::<ServiceError>().next()?.ok()
    })
}

/// What it complained of: on standard error, and where that says nothing, on standard output.
fn complaint(output: &Output) -> String {
    let says_something = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && line != "Abort:" && !line.starts_with("Warning:")
    };
    let said = |text: &str| text.lines().filter(says_something).map(str::to_owned).collect::<Vec<_>>();
    let lines = Some(said(&output.stderr)).filter(|lines| !lines.is_empty());
    let lines = lines.unwrap_or_else(|| said(&output.stdout));
    // What broke stands below the way that led there.
    let is_trace = lines.iter().any(|line| line.starts_with("Traceback"));
    words(&lines[if is_trace { lines.len() - 1 } else { 0 }..].join(" "))
}

/// One line, bounded.
fn words(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|letter| !letter.is_control()).take(LONGEST_WORDS).collect()
}

/// What the installed command line can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skills {
    /// `--opc-retry-token`. Version 3.95.1 has none, and with `--no-retry` sends none of its own.
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

    /// The owner's command for one place, with a `token` where it can be told one.
    pub fn command(self, owner: &Command, target: &Target, token: Option<&str>) -> Command {
        let mut command = owner.clone();
        let mut add = |words: &[&str]| command.arguments.extend(words.iter().map(|&word| word.to_owned()));
        add(&["--availability-domain", &target.availability]);
        if let Some(fault) = &target.fault {
            add(&["--fault-domain", fault]);
        }
        if let Some(token) = token {
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
    Ok(Command::new(program, arguments.iter().map(String::as_str)))
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
        let faulty = |why: &str| Outcome::Faulty(why.into());
        check(1, "", &service(500, "InternalError", "x"), &faulty("500 InternalError: x"));
        check(1, "", &service(503, "ServiceUnavailable", "x"), &faulty("503 ServiceUnavailable: x"));
        check(1, "", &service(504, "GatewayTimeout", "x"), &unclear("504 GatewayTimeout: x"));
        check(1, "", &service(408, "RequestTimeout", "x"), &unclear("408 RequestTimeout: x"));
        let limited = Outcome::Limited("400 LimitExceeded: x".into());
        check(1, "", &service(400, "LimitExceeded", "x"), &limited);
        check(1, "", &service(400, "QuotaExceeded", "x"), &refused("400 QuotaExceeded: x"));
        check(1, "", &service(401, "NotAuthenticated", "x"), &refused("401 NotAuthenticated: x"));
        let not_found = |what: &str| service(404, "NotAuthorizedOrNotFound", what);
        let told = |what: &str| format!("404 NotAuthorizedOrNotFound: {what}");
        let shape = "shape VM.Standard.A1.Flex not found";
        check(1, "", &not_found(shape), &Outcome::NoShape(told(shape)));
        for other in
            ["x", "Authorization failed or requested resource not found.", "image ocid1.image not found"]
        {
            check(1, "", &not_found(other), &refused(&told(other)));
        }
        check(1, "", &service(409, "InvalidatedRetryToken", "x"), &refused("409 InvalidatedRetryToken: x"));
        let signal = Output { stderr: "half a".into(), ..Output::default() };
        assert_eq!(Outcome::read(&signal), unclear("a signal ended it"));
    }

    /// What oci 3.95.1 was heard to say where no reply of Oracle's is the reason.
    #[test]
    fn complaints() {
        let warning = |rest: &str| {
            format!(
                "Warning: To increase security of your API key located at k, append an extra line.\n{rest}"
            )
        };
        let refused = |code: i32, stdout: &str, stderr: &str, why: &str| {
            check(code, stdout, stderr, &Outcome::Refused(why.into()));
        };
        let usage = "Usage: oci compute instance launch [OPTIONS]\n\nError:";
        let told = "Usage: oci compute instance launch [OPTIONS] Error:";
        refused(
            1,
            "ERROR: Could not find config file at /root/.oci/config\nDo you want to create a new config file? [Y/n]: ",
            "Abort: \n",
            "ERROR: Could not find config file at /root/.oci/config Do you want to create a new config file? [Y/n]:",
        );
        let json = "Parameter 'shape_config' must be in JSON format.";
        refused(1, "", &warning(&format!("{json}\n")), json);
        let missing = "Missing option(s) --subnet-id.";
        refused(1, "", &warning(&format!("{usage} {missing}\n")), &format!("{told} {missing}"));
        let profile = "ERROR: Profile 'P' not found in config file cfg";
        refused(1, "", profile, profile);
        let fingerprint = "ERROR: The config file at cfg is invalid:";
        refused(1, "", &warning(&format!("{fingerprint}\n")), fingerprint);
        let trace =
            "Traceback (most recent call last):\n  File \"oci\", line 8, in <module>\n    sys.exit(cli())\n";
        let no_key = "FileNotFoundError: [Errno 2] No such file or directory: 'k'";
        refused(1, "", &format!("{trace}{no_key}\n"), no_key);
        let option = "No such option '--nonsense'.";
        refused(2, &format!("{usage} {option}\n"), &warning(""), &format!("{told} {option}"));
        let file = "Invalid value for '--ssh-authorized-keys-file': '/no': No such file or directory";
        refused(2, &format!("{usage} {file}\n"), "", &format!("{told} {file}"));
        refused(1, "", "", "");
        let lost = "RequestException:\n{\n    \"client_version\": \"Oracle-PythonCLI/3.95.1\",\n    \
                    \"message\": \"The connection to endpoint timed out.\",\n    \"request_endpoint\": null\n}\n";
        let words = "RequestException: { \"client_version\": \"Oracle-PythonCLI/3.95.1\", \
                     \"message\": \"The connection to endpoint timed out.\", \"request_endpoint\": null }";
        check(1, "", &warning(lost), &Outcome::Unclear(words.into()));
        let reset = "requests.exceptions.ConnectionError: ('Connection aborted.')";
        check(1, "", &format!("{trace}{reset}\n"), &Outcome::Unclear(reset.into()));
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
