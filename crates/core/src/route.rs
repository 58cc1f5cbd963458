//! Method and path to function: the same on every platform.

use http::Method;

use crate::error::Error;

/// One function of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `POST /api/terminal`
    Terminal,
    /// `POST /api/draft`
    Draft,
    /// `POST /api/feedback`
    Feedback,
    /// `GET /api/cron/health`
    Health,
    /// `GET /api/status`
    Status,
}

const TABLE: &[(&str, &Method, Route)] = &[
    ("/api/terminal", &Method::POST, Route::Terminal),
    ("/api/draft", &Method::POST, Route::Draft),
    ("/api/feedback", &Method::POST, Route::Feedback),
    ("/api/cron/health", &Method::GET, Route::Health),
    ("/api/status", &Method::GET, Route::Status),
];

/// What lives at `path`. Whether the method is right is [`find`]'s to say; a preflight asks before there is one.
pub fn at(path: &str) -> Result<(&'static Method, Route), Error> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let row = TABLE.iter().find(|(known, ..)| *known == path);
    row.map(|(_, method, route)| (*method, *route)).ok_or(Error::NotFound)
}

/// The function for a request.
pub fn find(method: &Method, path: &str) -> Result<Route, Error> {
    let (allowed, route) = at(path)?;
    // Whoever watches from outside asks by HEAD. The others of GET do something.
    match method == allowed || (method == Method::HEAD && route == Route::Status) {
        true => Ok(route),
        false => Err(Error::MethodNotAllowed(allowed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes() {
        let check = |method: Method, path, expect: Result<Route, &str>| {
            assert_eq!(find(&method, path).map_err(|error| error.code()), expect, "{method} {path}");
        };
        check(Method::POST, "/api/terminal", Ok(Route::Terminal));
        check(Method::POST, "/api/terminal/", Ok(Route::Terminal));
        check(Method::GET, "/api/terminal", Err("method_not_allowed"));
        check(Method::HEAD, "/api/status", Ok(Route::Status));
        check(Method::HEAD, "/api/cron/health", Err("method_not_allowed"));
        check(Method::POST, "/api/terminal/x", Err("not_found"));
        check(Method::POST, "/api//terminal", Err("not_found"));
        check(Method::POST, "/", Err("not_found"));
        check(Method::POST, "", Err("not_found"));
    }
}
