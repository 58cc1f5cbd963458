//! What may be called: a method and a path exactly as they arrived, or nothing.

use http::{Method, Uri};

use crate::manner::Manner;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Route {
    Chat,
    Generate,
    Embed,
    Show,
    Completions,
    Tags,
    Ps,
    Version,
    Healthz,
    Metrics,
}

const TABLE: &[(Route, Method, &str)] = &[
    (Route::Chat, Method::POST, "/api/chat"),
    (Route::Generate, Method::POST, "/api/generate"),
    (Route::Embed, Method::POST, "/api/embed"),
    (Route::Show, Method::POST, "/api/show"),
    (Route::Completions, Method::POST, "/v1/chat/completions"),
    (Route::Tags, Method::GET, "/api/tags"),
    (Route::Ps, Method::GET, "/api/ps"),
    (Route::Version, Method::GET, "/api/version"),
    (Route::Healthz, Method::GET, "/healthz"),
    (Route::Metrics, Method::GET, "/metrics"),
];

impl Route {
    /// The route that this is, letter by letter: nothing is decoded, nothing is tidied, a query is none of ours.
    pub(crate) fn of(method: &Method, target: &Uri) -> Option<Self> {
        if target.authority().is_some() {
            return None;
        }
        let asked = target.path_and_query()?.as_str();
        let row = TABLE.iter().find(|(_, known, path)| known == method && *path == asked)?;
        Some(row.0)
    }

    pub(crate) fn path(self) -> &'static str {
        self.row().2
    }

    pub(crate) fn method(self) -> Method {
        self.row().1.clone()
    }

    /// Whether it has a model speak.
    pub(crate) fn generates(self) -> bool {
        matches!(self, Self::Chat | Self::Generate | Self::Completions)
    }

    /// Whether its request names a model.
    pub(crate) fn has_body(self) -> bool {
        self.generates() || matches!(self, Self::Embed | Self::Show)
    }

    /// How it speaks where it is asked for a stream of words.
    pub(crate) fn manner(self) -> Option<Manner> {
        match self {
            Self::Chat | Self::Generate => Some(Manner::Lines),
            Self::Completions => Some(Manner::Events),
            Self::Embed
            | Self::Show
            | Self::Tags
            | Self::Ps
            | Self::Version
            | Self::Healthz
            | Self::Metrics => None,
        }
    }

    fn row(self) -> &'static (Self, Method, &'static str) {
        TABLE.iter().find(|(route, ..)| *route == self).expect("the table has a row for every route")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_these() {
        let check = |method: &str, target: &str, expect: Option<Route>| {
            let uri: Uri = target.parse().unwrap();
            assert_eq!(Route::of(&method.parse().unwrap(), &uri), expect, "{method} {target}");
        };
        for (route, method, path) in TABLE {
            check(method.as_str(), path, Some(*route));
            check("DELETE", path, None);
            check("HEAD", path, None);
            check(method.as_str(), &format!("{path}/"), None);
            check(method.as_str(), &format!("/{path}"), None);
            check(method.as_str(), &format!("{path}?a=b"), None);
            check(method.as_str(), &path.to_uppercase(), None);
            check(method.as_str(), &format!("http://localhost{path}"), None);
        }
        check("POST", "/api/chat/../delete", None);
        check("POST", "/api/./chat", None);
        check("POST", "/api/ch%61t", None);
        check("POST", "/api%2Fchat", None);
        check("POST", "/api/pull", None);
        check("DELETE", "/api/delete", None);
        check("GET", "/debug/pprof/", None);
        check("GET", "/", None);
        check("GET", "/api/chat", None);
        check("OPTIONS", "*", None);
    }
}
