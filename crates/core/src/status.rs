//! `GET /api/status`: how the nodes are, for everybody. The terminal's `status` tells the same.

use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use serde::Serialize;

use crate::error::Error;
use crate::monitor::Record;
use crate::monitor::report::{Report, report};
use crate::platform::Platform;
use crate::reply::{self, Reply};
use crate::service::Service;
use crate::store::{self, Record as Kept};

#[derive(Serialize)]
#[serde(tag = "type", rename = "status")]
struct Status<'a> {
    #[serde(flatten)]
    report: &'a Report,
}

/// Answers from the record that the monitor keeps.
pub async fn handle<P: Platform>(platform: &P, service: &Service) -> Result<Reply, Error> {
    let report = read(platform, service).await;
    let mut reply = reply::json(StatusCode::OK, &Status { report: &report });
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=15, s-maxage=15"));
    Ok(reply)
}

/// How the nodes are, as this instance has heard a moment ago. Where the keeper is away it is what was heard last.
pub(crate) async fn read<P: Platform>(platform: &P, service: &Service) -> Report {
    let now = platform.now();
    let record = match service.outlook.fresh(now) {
        Some(record) => record,
        None => {
            let kept = store::load(platform, service, Kept::Monitor).await.ok().flatten();
            service.outlook.read(kept.as_deref().map(Record::parse).as_ref(), now)
        }
    };
    report(&record, &service.config, platform.now())
}
