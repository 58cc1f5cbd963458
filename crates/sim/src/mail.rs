//! Mail as Resend takes it: what is accepted is kept, and nobody gets anything.
//!
//! Written after <https://resend.com/docs/api-reference/errors> and what was seen on the wire, and held against the
//! official `resend`.

mod keys;
mod letter;
mod rate;
#[cfg(test)]
mod tests;

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::outside::{Answer, Broken, Outside, Turns, bearer, carried_out, header, json, tell, typed};
use keys::{Keys, Known};
use letter::Letter;
use rate::Rate;

/// A mail that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// What its sender was told.
    pub id: String,
    /// Who sends it.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
    /// What it is about.
    pub subject: String,
    /// Its text.
    pub text: Option<String>,
    /// Its text as a page.
    pub html: Option<String>,
    /// The key under which it is accepted once.
    pub key: Option<String>,
    /// When.
    pub at: Instant,
}

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    Spared,
    /// 429, and `retry-after` with as many seconds.
    TooMany(u64),
    /// 500, and nothing was accepted.
    Failing,
    /// 401: the key is no good.
    Unauthorized,
    /// 403: the sender's domain is not verified.
    Forbidden,
    /// It is accepted after this time, whether or not its client still waits. Its key is taken from the beginning.
    Slow(Duration),
    /// It is accepted, and the connection breaks before the reply.
    Lost,
    /// Nothing is accepted or said, ever.
    Hang,
}

/// Where mails are handed in. Clones are the same room.
#[derive(Clone, Debug)]
pub struct Mailroom {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    token: String,
    faults: Turns<Fault>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    mails: Vec<Mail>,
    keys: Keys,
    rate: Rate,
    asked: usize,
}

/// A mail on its way in.
struct Draft {
    letter: Letter,
    key: Option<String>,
}

impl Mailroom {
    /// For whoever has the API key `token`. It takes `rate` requests a second; Resend's figure has been 2, and more.
    pub fn new(token: &str, rate: u32) -> Self {
        let state = State { mails: Vec::new(), keys: Keys::default(), rate: Rate::new(rate), asked: 0 };
        let inner = Inner { token: token.to_owned(), faults: Turns::default(), state: Mutex::new(state) };
        Self { inner: Arc::new(inner) }
    }

    /// The next request that no fault waits for meets this one.
    pub fn queue(&self, fault: Fault) {
        self.inner.faults.push(fault);
    }

    /// Forgets the faults that were not met.
    pub fn calm(&self) {
        self.inner.faults.clear();
    }

    /// Everything that was accepted, in its order.
    pub fn mails(&self) -> Vec<Mail> {
        self.state().mails.clone()
    }

    /// How many requests came, whatever became of them.
    pub fn asked(&self) -> usize {
        self.state().asked
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn meet(&self, request: Request<Bytes>, fault: Fault) -> Result<Response<Bytes>, Broken> {
        match fault {
            Fault::Spared => Ok(self.take(&request)),
            Fault::TooMany(seconds) => Ok(too_many(seconds)),
            Fault::Failing => {
                let text = "An unexpected error occurred.";
                Ok(refuse(StatusCode::INTERNAL_SERVER_ERROR, "application_error", text))
            }
            Fault::Unauthorized => Ok(invalid_key()),
            Fault::Forbidden => {
                let text = "The example.com domain is not verified. Please, add and verify your domain on \
                     https://resend.com/domains";
                Ok(refuse(StatusCode::FORBIDDEN, "validation_error", text))
            }
            Fault::Slow(time) => {
                let draft = match self.begin(&request) {
                    Ok(draft) => draft,
                    Err(response) => return Ok(*response),
                };
                let this = self.clone();
                carried_out(async move {
                    sleep(time).await;
                    this.accept(draft)
                })
                .await
            }
            Fault::Lost => {
                self.take(&request);
                Err(Broken)
            }
            Fault::Hang => pending().await,
        }
    }

    fn take(&self, request: &Request<Bytes>) -> Response<Bytes> {
        match self.begin(request) {
            Ok(draft) => self.accept(draft),
            Err(response) => *response,
        }
    }

    /// All that can be said before a mail is accepted; from then on its key is in use.
    fn begin(&self, request: &Request<Bytes>) -> Result<Draft, Box<Response<Bytes>>> {
        if header(request, "user-agent").is_none_or(str::is_empty) {
            let page = typed(StatusCode::FORBIDDEN, "text/plain; charset=UTF-8", "error code: 1010");
            return Err(Box::new(page));
        }
        match bearer(request) {
            None => {
                return Err(Box::new(refuse(StatusCode::UNAUTHORIZED, "missing_api_key", "Missing API Key")));
            }
            Some(token) if token != self.inner.token => return Err(Box::new(invalid_key())),
            Some(_) => {}
        }
        let mut state = self.state();
        if let Err(seconds) = state.rate.count() {
            let mut response = too_many(seconds);
            state.rate.tell(&mut response);
            return Err(Box::new(response));
        }
        state.admit(request).map_err(|mut response| {
            state.rate.tell(&mut response);
            response
        })
    }

    fn accept(&self, draft: Draft) -> Response<Bytes> {
        let mut state = self.state();
        let id = format!("{:08x}-0000-4000-8000-000000000000", state.mails.len() + 1);
        if let Some(key) = &draft.key {
            state.keys.done(key, &id);
        }
        let Letter { from, to, subject, text, html } = draft.letter;
        let mail = Mail { id, from, to, subject, text, html, key: draft.key, at: Instant::now() };
        let mut response = accepted(&mail.id);
        state.mails.push(mail);
        state.rate.tell(&mut response);
        response
    }
}

impl State {
    fn admit(&mut self, request: &Request<Bytes>) -> Result<Draft, Box<Response<Bytes>>> {
        let refuse = |status, name, text: &str| Err(Box::new(refuse(status, name, text)));
        match (request.uri().path(), request.method()) {
            ("/emails", &Method::POST) => {}
            ("/emails", _) => {
                let text = "Method is not allowed for the requested path.";
                return refuse(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", text);
            }
            _ => {
                let text = "The requested endpoint does not exist.";
                return refuse(StatusCode::NOT_FOUND, "not_found", text);
            }
        }
        let letter = match letter::read(request) {
            Ok(letter) => letter,
            Err(fault) => return refuse(fault.status, fault.name, &fault.text),
        };
        let key = match request.headers().get("idempotency-key").map(|key| key.to_str()) {
            None => None,
            Some(Ok(key)) if (1..=256).contains(&key.len()) => Some(key.to_owned()),
            Some(_) => {
                let text = "The key must be between 1-256 chars.";
                return refuse(StatusCode::BAD_REQUEST, "invalid_idempotency_key", text);
            }
        };
        match key.as_deref().map(|key| self.keys.take(key, request.body())) {
            None | Some(Known::No) => Ok(Draft { letter, key }),
            Some(Known::Done(id)) => Err(Box::new(accepted(&id))),
            Some(Known::Other) => {
                let text = "Same idempotency key used with a different request payload.";
                refuse(StatusCode::CONFLICT, "invalid_idempotent_request", text)
            }
            Some(Known::InFlight) => {
                let text = "Same idempotency key used while original request is still in progress.";
                refuse(StatusCode::CONFLICT, "concurrent_idempotent_requests", text)
            }
        }
    }
}

impl Outside for Mailroom {
    fn answer(&self, request: Request<Bytes>) -> Answer<'_> {
        self.state().asked += 1;
        let fault = self.inner.faults.next().unwrap_or(Fault::Spared);
        Box::pin(self.meet(request, fault))
    }
}

fn accepted(id: &str) -> Response<Bytes> {
    json(StatusCode::OK, &json!({ "id": id }))
}

/// The documentation has `invalid_api_key` and 403 for it; the service says this.
fn invalid_key() -> Response<Bytes> {
    refuse(StatusCode::UNAUTHORIZED, "validation_error", "API key is invalid")
}

fn too_many(seconds: u64) -> Response<Bytes> {
    let text = "Too many requests. You have reached the limit of requests per second.";
    let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", text);
    tell(&mut response, "retry-after", seconds);
    response
}

fn refuse(status: StatusCode, name: &str, message: &str) -> Response<Bytes> {
    json(status, &json!({ "statusCode": status.as_u16(), "message": message, "name": name }))
}
