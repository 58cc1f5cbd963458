//! Records in Redis, over the REST interface of Upstash.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request};
use serde::Deserialize;
use serde_json::Value;

use super::{LONGEST_RECORD, Record, StoreError};
use crate::json;
use crate::limits::{Key, WINDOW};
use crate::platform::{Moment, Platform, gather, new_id};
use crate::upstream::AGENT;

/// Where records are kept, and the token that opens it.
#[derive(Clone, Debug)]
pub struct Upstash {
    /// `UPSTASH_REDIS_REST_URL`, without the slash at its end.
    pub url: String,
    /// `UPSTASH_REDIS_REST_TOKEN`, as `Authorization`.
    pub token: HeaderValue,
}

/// Compare and swap. Redis 7 has no `SET … IFEQ`; a key that holds something else than a text counts as none.
pub const SWAP: &str = "local old = redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('GET', KEYS[1]) or '' \
                        if old ~= ARGV[1] then return 0 end redis.call('SET', KEYS[1], ARGV[2]) return 1";

/// The leases of all instances: their names, and until when each counts.
const LEASES: &str = "homefire:leases";

/// Those whose time is over go, this one comes or is renewed unless it has no name, and all are counted.
pub const ENTER: &str = "redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1]) \
                         if ARGV[3] ~= '' then redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3]) \
                         redis.call('PEXPIRE', KEYS[1], ARGV[4]) end \
                         return redis.call('ZCARD', KEYS[1])";

/// Visits that no longer count go; this one comes, unless so many count already: then it is how long to wait.
pub const VISIT: &str = "local now, window, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]) \
                         redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window) \
                         local over = redis.call('ZCARD', KEYS[1]) - most \
                         if over >= 0 then \
                         return redis.call('ZRANGE', KEYS[1], over, over, 'WITHSCORES')[2] + window - now end \
                         redis.call('ZADD', KEYS[1], now, ARGV[4]) redis.call('PEXPIRE', KEYS[1], window) return 0";

pub(super) async fn load<P: Platform>(
    platform: &P,
    upstash: &Upstash,
    record: Record,
) -> Result<Option<String>, StoreError> {
    match command(platform, upstash, &["GET", record.key()]).await? {
        Answer::Result(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Answer::Result(Value::Null) => Ok(None),
        Answer::Error(error) if error.starts_with("WRONGTYPE") => Ok(None),
        Answer::Result(_) | Answer::Error(_) => Err(StoreError::Garbage),
    }
}

pub(super) async fn swap<P: Platform>(
    platform: &P,
    upstash: &Upstash,
    record: Record,
    old: Option<&str>,
    new: &str,
) -> Result<bool, StoreError> {
    let eval = ["EVAL", SWAP, "1", record.key(), old.unwrap_or_default(), new];
    match command(platform, upstash, &eval).await? {
        Answer::Result(Value::Number(count)) => Ok(count.as_u64() == Some(1)),
        Answer::Result(_) | Answer::Error(_) => Err(StoreError::Garbage),
    }
}

pub(super) async fn enter<P: Platform>(
    platform: &P,
    upstash: &Upstash,
    lease: &str,
    now: Moment,
    until: Moment,
) -> Result<usize, StoreError> {
    let [lasts, now, until] = [until.millis_since(now), now.0, until.0].map(|millis| millis.to_string());
    let eval = ["EVAL", ENTER, "1", LEASES, &now, &until, lease, &lasts];
    let count = match command(platform, upstash, &eval).await? {
        Answer::Result(Value::Number(count)) => count.as_u64().and_then(|count| count.try_into().ok()),
        Answer::Result(_) | Answer::Error(_) => None,
    };
    count.ok_or(StoreError::Garbage)
}

pub(super) async fn leave<P: Platform>(
    platform: &P,
    upstash: &Upstash,
    lease: &str,
) -> Result<(), StoreError> {
    match command(platform, upstash, &["ZREM", LEASES, lease]).await? {
        Answer::Result(Value::Number(_)) => Ok(()),
        Answer::Result(_) | Answer::Error(_) => Err(StoreError::Garbage),
    }
}

pub(super) async fn visit<P: Platform>(
    platform: &P,
    upstash: &Upstash,
    key: &Key,
    now: Moment,
    most: usize,
) -> Result<Result<(), Duration>, StoreError> {
    let (name, window) = (format!("homefire:visits:{key}"), WINDOW.as_millis().to_string());
    let (now, most, visit) = (now.0.to_string(), most.to_string(), new_id(platform));
    let eval = ["EVAL", VISIT, "1", &name, &now, &window, &most, &visit];
    let wait = match command(platform, upstash, &eval).await? {
        Answer::Result(Value::Number(millis)) => millis.as_u64(),
        Answer::Result(_) | Answer::Error(_) => None,
    };
    match wait.ok_or(StoreError::Garbage)? {
        0 => Ok(Ok(())),
        millis => Ok(Err(Duration::from_millis(millis).min(WINDOW))),
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Result(Value),
    Error(String),
}

async fn command<P: Platform>(
    platform: &P,
    upstash: &Upstash,
    command: &[&str],
) -> Result<Answer, StoreError> {
    let mut request = Request::new(Bytes::from(json::write(command)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = upstash.url.parse().expect("the configuration holds only sound URLs");
    request.headers_mut().insert(AUTHORIZATION, upstash.token.clone());
    request.headers_mut().insert(USER_AGENT, AGENT);
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let (head, mut body) = platform.fetch(request).await.map_err(|_| StoreError::Away)?.into_parts();
    // Quotes and lines take two bytes each.
    let answer = gather(&mut body, 2 * LONGEST_RECORD).await.map_err(|_| StoreError::Away)?;
    match head.status.as_u16() {
        401 | 403 => Err(StoreError::Unauthorized),
        200 | 400 => match json::read(&answer) {
            // The day's requests are used up, say.
            Ok(Answer::Error(error)) if error.starts_with("ERR max ") => Err(StoreError::Away),
            answer => answer.map_err(|_| StoreError::Garbage),
        },
        429 | 500.. => Err(StoreError::Away),
        _ => Err(StoreError::Garbage),
    }
}
