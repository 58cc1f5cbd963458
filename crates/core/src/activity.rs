//! What the owner did lately on GitHub and GitLab: asked for behind the monitor's rounds, kept for `show activity`.
//!
//! Whatever a place says is read field by field; whatever goes wrong, what was heard before stays, with its age.

mod field;
pub mod github;
pub mod gitlab;
pub mod snapshot;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, USER_AGENT};
use http::{Method, Request, StatusCode};

use crate::config::Forge;
use crate::event::Event;
use crate::platform::{FetchError, Moment, Platform, all, gather, within};
use crate::service::Service;
use crate::site::{Account, Act};
use crate::store::{self, Record as Kept, StoreError};
use crate::upstream::AGENT;
use snapshot::{Heard, News, Report, Snapshot};

/// Until a place has answered to the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of an answer; a longer one is refused.
const LONGEST_ANSWER: usize = 512 * 1024;

/// Bytes of an answer's name; a longer one is forgotten.
const LONGEST_ETAG: usize = 256;

/// Where activity is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    GitHub,
    GitLab,
}

const PLACES: [Place; 2] = [Place::GitHub, Place::GitLab];

/// Why a place was not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Miss {
    Fetch(FetchError),
    Timeout,
    Redirect,
    Status(u16),
    TooLarge,
    Garbage,
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fetch(FetchError::Dns) => "dns",
            Self::Fetch(FetchError::Refused) => "refused",
            Self::Fetch(FetchError::ConnectTimeout) => "connect_timeout",
            Self::Fetch(FetchError::Broken) => "broken",
            Self::Timeout => "timeout",
            Self::Redirect => "redirect",
            Self::Status(status) => return write!(f, "status_{status}"),
            Self::TooLarge => "too_large",
            Self::Garbage => "garbage",
        })
    }
}

impl From<FetchError> for Miss {
    fn from(error: FetchError) -> Self {
        Self::Fetch(error)
    }
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
        }
    }

    fn accept(self) -> &'static str {
        match self {
            Self::GitHub => "application/vnd.github+json",
            Self::GitLab => "application/json",
        }
    }

    fn forge(self, service: &Service) -> &Forge {
        match self {
            Self::GitHub => &service.config.activity.github,
            Self::GitLab => &service.config.activity.gitlab,
        }
    }

    fn account(self, service: &Service) -> &'static Account {
        match self {
            Self::GitHub => &service.site.activity.github,
            Self::GitLab => &service.site.activity.gitlab,
        }
    }

    /// Where the owner's events are; none where the owner has no account.
    fn address(self, service: &Service) -> Option<String> {
        let (url, user) = (&self.forge(service).url, self.account(service).user);
        let events = match self {
            Self::GitHub => "events/public",
            Self::GitLab => "events",
        };
        (!user.is_empty()).then(|| format!("{url}/users/{user}/{events}"))
    }

    fn heard(self, snapshot: &mut Snapshot) -> &mut Heard {
        match self {
            Self::GitHub => &mut snapshot.github,
            Self::GitLab => &mut snapshot.gitlab,
        }
    }

    fn acts(self, body: &[u8], user: &str) -> Option<Vec<Act>> {
        match self {
            Self::GitHub => github::acts(body, user),
            Self::GitLab => gitlab::acts(body),
        }
    }
}

/// Asks the places that are due, and keeps what they say. What goes wrong is in the log.
pub async fn refresh<P: Platform>(platform: &P, service: &Service) {
    if let Err(error) = play(platform, service).await {
        platform.log(&Event::ActivityFailed { place: "store", reason: error.to_string() });
    }
}

/// Who loses a race, before or after asking, changes nothing.
async fn play<P: Platform>(platform: &P, service: &Service) -> Result<(), StoreError> {
    let old = store::load(platform, service, Kept::Activity).await?;
    let mut snapshot = old.as_deref().map(Snapshot::parse).unwrap_or_default();
    let now = platform.now();
    let due: Vec<(Place, String)> = PLACES
        .into_iter()
        .filter_map(|place| Some((place, place.address(service)?)))
        .filter(|(place, address)| place.heard(&mut snapshot).claim(address, now))
        .collect();
    if due.is_empty() {
        return Ok(());
    }
    // Kept before anybody is asked: rounds that overlap ask once.
    let claimed = snapshot.to_text();
    if !store::swap(platform, service, Kept::Activity, old.as_deref(), &claimed).await? {
        return Ok(());
    }
    let asks = due.into_iter().map(|(place, address)| {
        let etag = place.heard(&mut snapshot).etag.clone();
        async move { (place, ask(platform, service, place, &address, etag).await) }
    });
    let answers = all(asks).await;
    let now = platform.now();
    for (place, answer) in answers {
        match answer {
            Ok(news) => place.heard(&mut snapshot).take(news, now),
            Err(miss) => {
                platform.log(&Event::ActivityFailed { place: place.name(), reason: miss.to_string() });
            }
        }
    }
    let heard = snapshot.to_text();
    let is_kept =
        heard == claimed || store::swap(platform, service, Kept::Activity, Some(&claimed), &heard).await?;
    if is_kept {
        service.lately.keep(snapshot, now);
    }
    Ok(())
}

async fn ask<P: Platform>(
    platform: &P,
    service: &Service,
    place: Place,
    address: &str,
    etag: Option<String>,
) -> Result<News, Miss> {
    let ask = async {
        let request = request(place, place.forge(service), address, etag.as_deref());
        let is_conditional = request.headers().contains_key(IF_NONE_MATCH);
        let (head, mut body) = platform.fetch(request).await?.into_parts();
        if judge(head.status, is_conditional)? == Answer::Same {
            return Ok(News::Same);
        }
        let body = gather(&mut body, LONGEST_ANSWER + 1).await?;
        if body.len() > LONGEST_ANSWER {
            return Err(Miss::TooLarge);
        }
        let acts = place.acts(&body, place.account(service).user).ok_or(Miss::Garbage)?;
        Ok(News::Acts(acts, name(&head.headers)))
    };
    within(platform, PATIENCE, ask).await.unwrap_or(Err(Miss::Timeout))
}

fn request(place: Place, forge: &Forge, address: &str, etag: Option<&str>) -> Request<Bytes> {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::GET;
    *request.uri_mut() =
        address.parse().expect("the configuration and the owner's data hold only sound names");
    let headers = request.headers_mut();
    headers.insert(USER_AGENT, AGENT);
    headers.insert(ACCEPT, HeaderValue::from_static(place.accept()));
    if let Some(token) = &forge.token {
        headers.insert(AUTHORIZATION, token.clone());
    }
    if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
        headers.insert(IF_NONE_MATCH, etag);
    }
    request
}

/// What a head promises.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Same,
    Body,
}

fn judge(status: StatusCode, is_conditional: bool) -> Result<Answer, Miss> {
    match status.as_u16() {
        200 => Ok(Answer::Body),
        304 if is_conditional => Ok(Answer::Same),
        301..=303 | 307 | 308 => Err(Miss::Redirect),
        status => Err(Miss::Status(status)),
    }
}

/// What the answer is called, for the next time.
fn name(headers: &HeaderMap) -> Option<String> {
    let etag = headers.get(ETAG)?.to_str().ok()?;
    (1..=LONGEST_ETAG).contains(&etag.len()).then(|| etag.to_owned())
}

/// What `show activity` tells. Where nothing was heard, or the keeper is away, it is what the owner wrote.
pub async fn read<P: Platform>(platform: &P, service: &Service) -> Report {
    let now = platform.now();
    let lately = &service.lately;
    if lately.is_due(now) {
        let kept = store::load(platform, service, Kept::Activity).await;
        let read = kept.map(|kept| kept.as_deref().map(Snapshot::parse).unwrap_or_default());
        // Where the keeper is away, what is known holds for as long.
        lately.keep(read.unwrap_or_else(|_| lately.snapshot()), now);
    }
    let mut snapshot = lately.snapshot();
    let heard = PLACES.map(|place| {
        let heard = std::mem::take(place.heard(&mut snapshot));
        (place.address(service)? == heard.address).then_some(heard)
    });
    let [github, gitlab] = &heard;
    Report::new(&service.site.activity, [github.as_ref(), gitlab.as_ref()], platform.now())
}

/// What this instance has read of the record: a command counts for nobody, and the keeper is not asked for each. Clones
/// share it.
#[derive(Clone, Debug, Default)]
pub struct Lately(Arc<Mutex<Option<(Moment, Snapshot)>>>);

impl Lately {
    /// From one reading to the next, at the least.
    const EVERY: Duration = Duration::from_secs(15);

    /// Whether it is time to read it; if so, nobody else is told so for as long. Before the first reading everybody is: there
    /// is nothing else to tell.
    fn is_due(&self, now: Moment) -> bool {
        let mut inner = self.inner();
        let Some((read, _)) = &mut *inner else { return true };
        let is_due = *read > now || now.since(*read) >= Self::EVERY;
        if is_due {
            *read = now;
        }
        is_due
    }

    fn keep(&self, snapshot: Snapshot, now: Moment) {
        *self.inner() = Some((now, snapshot));
    }

    fn snapshot(&self) -> Snapshot {
        self.inner().as_ref().map(|(_, snapshot)| snapshot.clone()).unwrap_or_default()
    }

    /// Nothing here is left half done by a panic, so a poisoned lock is as good as any.
    fn inner(&self) -> MutexGuard<'_, Option<(Moment, Snapshot)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
