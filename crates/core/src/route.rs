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

/// Paths, and the methods that they take, as `Allow` names them.
const TABLE: &[(&str, &str, Route)] = &[
    ("/api/terminal", "POST, OPTIONS", Route::Terminal),
    ("/api/draft", "POST, OPTIONS", Route::Draft),
    ("/api/feedback", "POST, OPTIONS", Route::Feedback),
    ("/api/cron/health", "GET, OPTIONS", Route::Health),
    // Whoever watches from outside asks by HEAD. The other one of GET does something.
    ("/api/status", "GET, HEAD, OPTIONS", Route::Status),
];

/// What lives at `path`, and the methods that it takes. Whether it is one of them is [`find`]'s to say; a preflight asks
/// before there is one.
pub fn at(path: &str) -> Result<(&'static str, Route), Error> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let row = TABLE.iter().find(|(known, ..)| *known == path);
    row.map(|(_, allowed, route)| (*allowed, *route)).ok_or(Error::NotFound)
}

/// The function for a request.
pub fn find(method: &Method, path: &str) -> Result<Route, Error> {
    let (allowed, route) = at(path)?;
    // A preflight is answered before a function is looked for.
    match method != Method::OPTIONS && allowed.split(", ").any(|known| known == method.as_str()) {
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
        check(Method::OPTIONS, "/api/status", Err("method_not_allowed"));
        check(Method::POST, "/api/terminal/x", Err("not_found"));
        check(Method::POST, "/api//terminal", Err("not_found"));
        check(Method::POST, "/", Err("not_found"));
        check(Method::POST, "", Err("not_found"));
    }
}
