//! The owner's accounts: the public events of one user on GitHub or GitLab, and what may come instead of them.
//!
//! After <https://docs.github.com/en/rest/activity/events> and <https://docs.gitlab.com/api/events/>.

#[cfg(test)]
mod tests;

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::outside::{Answer, Broken, Outside, Turns, bearer, header, json, page, tell, typed};

/// Whose API it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forge {
    /// `GET /users/{user}/events/public`
    GitHub,
    /// `GET /api/v4/users/{user}/events`
    GitLab,
}

/// What comes instead of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The events all the same.
    Spared,
    /// A list of events in which nothing has the type that it should.
    WrongTypes,
    /// More than ten million bytes of events.
    Large,
    /// A page of HTML with 200.
    Html,
    /// The requests of the hour are used up: 403 from GitHub, 429 from GitLab.
    Limited,
    /// 500.
    Failing,
    /// The events, after this time.
    Slow(Duration),
    /// Nothing, ever.
    Hang,
}

/// One user's account. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Account {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    forge: Forge,
    path: String,
    token: Option<String>,
    faults: Turns<Fault>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    events: Value,
    version: u64,
    asked: usize,
    used: u32,
    since: Instant,
}

/// Requests an hour that GitHub takes from an address without a token. What has not changed costs none.
const LIMIT: u32 = 60;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// 2026-01-01T01:00:00Z, whenever that is: nobody is to wait for it.
const RESET: u64 = 1_767_229_200;

impl Account {
    /// The account of `user`, who has done nothing yet. A token must be `token` or not be sent.
    pub fn new(forge: Forge, user: &str, token: Option<&str>) -> Self {
        let path = match forge {
            Forge::GitHub => format!("/users/{user}/events/public"),
            Forge::GitLab => format!("/api/v4/users/{user}/events"),
        };
        let state = State { events: json!([]), version: 0, asked: 0, used: 0, since: Instant::now() };
        let token = token.map(str::to_owned);
        let inner = Inner { forge, path, token, faults: Turns::default(), state: Mutex::new(state) };
        Self { inner: Arc::new(inner) }
    }

    /// What the user has done from now on, as the API writes it.
    pub fn publish(&self, events: Value) {
        let mut state = self.state();
        state.events = events;
        state.version += 1;
    }

    /// The next request that no fault waits for meets this one.
    pub fn queue(&self, fault: Fault) {
        self.inner.faults.push(fault);
    }

    /// Forgets the faults that were not met.
    pub fn calm(&self) {
        self.inner.faults.clear();
    }

    /// How many requests came.
    pub fn asked(&self) -> usize {
        self.state().asked
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn meet(&self, request: Request<Bytes>, fault: Fault) -> Result<Response<Bytes>, Broken> {
        let forge = self.inner.forge;
        Ok(match fault {
            Fault::Spared => self.serve(&request),
            Fault::WrongTypes => json(StatusCode::OK, &wrong_types()),
            Fault::Large => {
                let event = forge.push(1).to_string();
                let count = 10_000_000 / event.len() + 1;
                typed(StatusCode::OK, JSON, format!("[{}]", vec![event; count].join(",")))
            }
            Fault::Html => page(StatusCode::OK),
            Fault::Limited => forge.limited(),
            Fault::Failing => json(StatusCode::INTERNAL_SERVER_ERROR, &json!({"message": "Server Error"})),
            Fault::Slow(time) => {
                sleep(time).await;
                self.serve(&request)
            }
            Fault::Hang => pending().await,
        })
    }

    fn serve(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let forge = self.inner.forge;
        if forge == Forge::GitHub && header(request, "user-agent").is_none_or(str::is_empty) {
            let text = "Request forbidden by administrative rules. \
                 Please make sure your request has a User-Agent header\r\n";
            return typed(StatusCode::FORBIDDEN, "text/html; charset=utf-8", text);
        }
        let token = bearer(request).or(header(request, "private-token"));
        if token.is_some() && token != self.inner.token.as_deref() {
            let text = if forge == Forge::GitHub { "Bad credentials" } else { "401 Unauthorized" };
            return json(StatusCode::UNAUTHORIZED, &json!({ "message": text }));
        }
        if request.method() != Method::GET || request.uri().path() != self.inner.path {
            let text = if forge == Forge::GitHub { "Not Found" } else { "404 User Not Found" };
            return json(StatusCode::NOT_FOUND, &json!({ "message": text }));
        }
        let mut state = self.state();
        if state.since.elapsed() >= HOUR {
            (state.used, state.since) = (0, Instant::now());
        }
        let tag = format!("W/\"{:032x}\"", state.version);
        let known = header(request, "if-none-match").unwrap_or_default();
        let mut response = if known.split(',').any(|known| known.trim() == tag) {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else if state.used == LIMIT {
            return forge.limited();
        } else {
            state.used += 1;
            json(StatusCode::OK, &state.events)
        };
        tell(&mut response, "etag", tag);
        forge.tell_limit(&mut response, LIMIT - state.used);
        response
    }
}

impl Outside for Account {
    fn answer(&self, request: Request<Bytes>) -> Answer<'_> {
        self.state().asked += 1;
        let fault = self.inner.faults.next().unwrap_or(Fault::Spared);
        Box::pin(self.meet(request, fault))
    }
}

const JSON: &str = "application/json; charset=utf-8";

impl Forge {
    /// One event: the user has pushed, on that day of January 2026.
    pub fn push(self, day: u8) -> Value {
        let at = format!("2026-01-{day:02}T12:00:00Z");
        match self {
            Self::GitHub => json!({
                "id": format!("4{day:010}"),
                "type": "PushEvent",
                "actor": {"id": 1, "login": "owner", "display_login": "owner"},
                "repo": {"id": 7, "name": "owner/homefire"},
                "payload": {"push_id": day, "ref": "refs/heads/main", "head": "1f0e", "before": "0e1f"},
                "public": true,
                "created_at": at,
            }),
            Self::GitLab => json!({
                "id": day,
                "project_id": 7,
                "action_name": "pushed to",
                "target_id": null,
                "target_iid": null,
                "target_type": null,
                "author_id": 1,
                "target_title": null,
                "created_at": at,
                "author": {"id": 1, "username": "owner", "name": "Owner", "state": "active"},
                "push_data": {
                    "commit_count": 1, "action": "pushed", "ref_type": "branch", "commit_from": "0e1f",
                    "commit_to": "1f0e", "ref": "main", "commit_title": "Keep the fire",
                },
                "author_username": "owner",
            }),
        }
    }

    fn limited(self) -> Response<Bytes> {
        let mut response = match self {
            Self::GitHub => {
                let text = "API rate limit exceeded for 127.0.0.1.";
                json(StatusCode::FORBIDDEN, &json!({ "message": text }))
            }
            Self::GitLab => {
                let mut response = typed(StatusCode::TOO_MANY_REQUESTS, "text/plain", "Retry later\n");
                tell(&mut response, "retry-after", 60);
                response
            }
        };
        self.tell_limit(&mut response, 0);
        response
    }

    fn tell_limit(self, response: &mut Response<Bytes>, remaining: u32) {
        let names = match self {
            Self::GitHub => ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"],
            Self::GitLab => ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"],
        };
        tell(response, names[0], LIMIT);
        tell(response, names[1], remaining);
        tell(response, names[2], RESET);
    }
}

fn wrong_types() -> Value {
    json!([
        null, 7, "event", [], {},
        {"id": {}, "type": ["PushEvent"], "repo": "owner/homefire", "payload": 1, "created_at": 1_767_225_600},
        {"id": true, "action_name": 7, "project_id": "7", "push_data": [], "created_at": {"at": "2026-01-01"}},
        {"id": "1", "type": "PushEvent", "repo": {"name": null}, "payload": null, "created_at": "yesterday"},
    ])
}
