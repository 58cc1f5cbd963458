//! Values that an owner gives, refused unless every file that they are written to says them back unchanged.

use std::fmt;
use std::str::FromStr;

/// Why a value is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub &'static str);

macro_rules! checked {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The value as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Refused;

            fn from_str(text: &str) -> Result<Self, Refused> {
                $check(text).map_or_else(|| Ok(Self(text.to_owned())), |why| Err(Refused(why)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked!(
    /// The public name at which the tunnel is reached, in lower case: `mini.example.com`.
    HostName,
    host_name
);
checked!(
    /// The tunnel's UUID, as `cloudflared tunnel create` prints it.
    TunnelId,
    tunnel_id
);
checked!(
    /// An absolute path, already in its simplest form.
    ///
    /// Quotes, `$` and `\` are refused: systemd takes none of them in a program's name, or reads it differently there.
    AbsolutePath,
    absolute_path
);
checked!(
    /// An account of the machine, not the administrator's.
    User,
    user
);
checked!(
    /// A model as Ollama names it: `qwen3.5:latest`.
    Model,
    model
);
checked!(
    /// The first label of `<team>.cloudflareaccess.com`.
    Team,
    team
);
checked!(
    /// The audience tag of an Access application: 64 hexadecimal digits.
    Audience,
    audience
);

const LONGEST_PATH: usize = 1_000;

fn host_name(text: &str) -> Option<&'static str> {
    let labels: Vec<&str> = text.split('.').collect();
    let is_number = labels.last().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    let is_good = text.len() <= 253 && labels.len() >= 2 && labels.iter().all(|label| is_label(label));
    (!is_good || is_number).then_some("a full host name in lower case is needed, such as mini.example.com")
}

fn is_label(label: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(good)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn tunnel_id(text: &str) -> Option<&'static str> {
    let parts: Vec<&str> = text.split('-').collect();
    let is_good = parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|p| is_hex(p));
    (!is_good).then_some("the tunnel's UUID is needed: `cloudflared tunnel list` shows it")
}

fn absolute_path(text: &str) -> Option<&'static str> {
    let Some(below) = text.strip_prefix('/') else { return Some("an absolute path is needed") };
    if text.len() > LONGEST_PATH {
        return Some("the path is longer than 1,000 bytes");
    }
    if below.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Some("the path holds `//`, `.` or `..`, or ends with `/`");
    }
    // Line separators are line ends to YAML 1.1, noncharacters are forbidden in XML.
    let cannot_be_written = |letter: char| {
        letter.is_control()
            || matches!(
                letter,
                '"' | '\'' | '$' | '\\' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
            )
    };
    if text.contains(cannot_be_written) {
        return Some("the path holds a quote, `$`, `\\` or a control character");
    }
    text.ends_with(char::is_whitespace).then_some("the path ends with a space")
}

fn user(text: &str) -> Option<&'static str> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if text == "root" {
        return Some("Ollama must not run as root");
    }
    (!first || text.len() > 31 || !text.bytes().all(good)).then_some("the name of an account is needed")
}

fn model(text: &str) -> Option<&'static str> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'/' | b'-');
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    (!first || text.len() > 128 || !text.bytes().all(good))
        .then_some("a model's name is needed: qwen3.5:latest")
}

fn team(text: &str) -> Option<&'static str> {
    (!is_label(text)).then_some("the team's name alone is needed, without .cloudflareaccess.com")
}

fn audience(text: &str) -> Option<&'static str> {
    (text.len() != 64 || !is_hex(text)).then_some("the application's audience tag has 64 hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: FromStr>(good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(text.parse::<T>().is_ok(), "{text:?} is refused");
        }
        for text in bad {
            assert!(text.parse::<T>().is_err(), "{text:?} is taken");
        }
    }

    #[test]
    fn values() {
        check::<HostName>(
            &["mini.example.com", "a.b", "xn--bcher-kva.example"],
            &[
                "", "mini", "Mini.example.com", "mini.example.com.", "127.0.0.1", "-a.b", "a-.b", "a..b",
                "*.a.b", "a.b\n", "a b.c", "a.b: x", "http://a.b", "a.b:80", "bücher.example",
            ],
        );
        check::<TunnelId>(
            &["6ff42ae2-765d-4adf-8112-31c55c1551ef"],
            &[
                "",
                "6ff42ae2",
                "6FF42AE2-765d-4adf-8112-31c55c1551ef",
                "6ff42ae2-765d-4adf-8112-31c55c1551e\n",
            ],
        );
        check::<AbsolutePath>(
            &["/a", "/Volumes/My Disk/models", "/a/100%/<c>&d", "/ü/🦀", "/a;b #c"],
            &[
                "", "a", "/", "/a/", "/a//b", "/a/../b", "/./a", "/a\nb", "/a\\", "/$HOME", "/a\"b", "/a'b",
                "/a ", "/a\u{2028}b",
            ],
        );
        check::<User>(&["ollama", "_svc", "Ada.L"], &["", "root", "a b", "1a", "-a", "a:b", "ü"]);
        check::<Model>(&["qwen3.5:latest", "hf.co/a/B:Q4_K_M"], &["", "a,b", "a b", "-a", "a\"b"]);
        check::<Team>(&["ada"], &["", "ada.cloudflareaccess.com", "A"]);
        check::<Audience>(&[&"0a".repeat(32)], &["", &"0a".repeat(31), &"0A".repeat(32)]);
    }
}
