//! Where the owner's activity is asked for, and what opens a door there.

use http::HeaderValue;

use super::Reader;

/// The two places.
#[derive(Clone, Debug)]
pub struct Activity {
    /// `GITHUB_API_URL` and `GITHUB_TOKEN`.
    pub github: Forge,
    /// `GITLAB_API_URL` and `GITLAB_TOKEN`.
    pub gitlab: Forge,
}

/// A place where software is made.
#[derive(Clone, Debug)]
pub struct Forge {
    /// Where its API begins, without the slash at its end.
    pub url: String,
    /// As `Authorization`. Without one it is asked as anybody may.
    pub token: Option<HeaderValue>,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Activity {
    Activity {
        github: read_forge(reader, "GITHUB_API_URL", "https://api.github.com", "GITHUB_TOKEN"),
        gitlab: read_forge(reader, "GITLAB_API_URL", "https://gitlab.com/api/v4", "GITLAB_TOKEN"),
    }
}

fn read_forge(reader: &mut Reader<'_>, url: &str, default: &str, token: &str) -> Forge {
    let url = reader.url(url).unwrap_or_else(|| default.to_owned());
    Forge { url, token: reader.secret(token, "Bearer ") }
}
