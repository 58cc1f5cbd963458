//! What is kept of the owner's activity: what was heard last, when it is due again, and how old it is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::calendar::date;
use crate::json;
use crate::platform::Moment;
use crate::site::{self, Act};

/// From one asking to the next, at the least.
pub const EVERY: Duration = Duration::from_secs(3600);

/// What was heard of both places, for all instances.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    /// Of GitHub.
    pub github: Heard,
    /// Of GitLab.
    pub gitlab: Heard,
}

/// What was heard of one place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Heard {
    /// The address that said it: what another user did, or another server says, is not the owner's.
    pub address: String,
    /// When it was last asked, whatever came of it.
    pub asked: Moment,
    /// When it last answered as it should.
    pub answered: Moment,
    /// What it calls its answer.
    pub etag: Option<String>,
    /// The newest first.
    pub acts: Vec<Act>,
}

/// A sound answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It is as it was.
    Same,
    /// This was done, and what the answer is called.
    Acts(Vec<Act>, Option<String>),
}

impl Snapshot {
    /// Reads a record; one that is not understood counts as none.
    pub fn parse(text: &str) -> Self {
        json::read(text).unwrap_or_default()
    }

    /// The record as it is kept.
    pub fn to_text(&self) -> String {
        json::text(self)
    }
}

impl Heard {
    /// Whether it is time to ask `address`. If so it counts as asked, and what another address said is forgotten.
    pub fn claim(&mut self, address: &str, now: Moment) -> bool {
        // A clock that was once far ahead must not silence it for long.
        let is_due = now.since(self.asked) >= EVERY || self.asked.since(now) >= EVERY;
        if is_due {
            if self.address != address {
                *self = Self { address: address.to_owned(), ..Self::default() };
            }
            self.asked = now;
        }
        is_due
    }

    /// Takes in an answer. One without a single act leaves those that are known: they are still the latest.
    pub fn take(&mut self, news: News, now: Moment) {
        self.answered = now;
        if let News::Acts(acts, etag) = news {
            self.etag = etag;
            if !acts.is_empty() {
                self.acts = acts;
            }
        }
    }
}

/// What `show activity` tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// When the older of the two was so.
    pub as_of: String,
    /// On GitHub.
    pub github: Told,
    /// On GitLab.
    pub gitlab: Told,
}

/// What is told of one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The owner's name there.
    pub user: String,
    /// Where to see more.
    pub url: String,
    /// When it was so, to the day or to the minute.
    pub as_of: String,
    /// Seconds since then, where it was heard from the place itself.
    pub age: Option<u64>,
    /// The newest first.
    pub recent: Vec<Act>,
}

impl Report {
    /// What the owner wrote, where nothing was heard.
    pub fn written(site: &site::Activity) -> Self {
        Self::new(site, [None, None], Moment::default())
    }

    /// What was heard of GitHub and of GitLab, each in the place of what the owner wrote.
    pub fn new(site: &site::Activity, heard: [Option<&Heard>; 2], now: Moment) -> Self {
        let [github, gitlab] = heard;
        let github = Told::new(&site.github, site.as_of, github, now);
        let gitlab = Told::new(&site.gitlab, site.as_of, gitlab, now);
        Self { as_of: (&github.as_of).min(&gitlab.as_of).clone(), github, gitlab }
    }
}

impl Told {
    fn new(account: &site::Account, written: &str, heard: Option<&Heard>, now: Moment) -> Self {
        let heard = heard.filter(|heard| !heard.acts.is_empty());
        Self {
            user: account.user.to_owned(),
            url: account.url.to_owned(),
            as_of: heard.map_or_else(|| written.to_owned(), |heard| date(heard.answered)),
            age: heard.map(|heard| now.since(heard.answered).as_secs()),
            recent: heard.map_or_else(|| account.recent(), |heard| heard.acts.clone()),
        }
    }

    /// When it was so, and how long ago that is.
    pub fn when(&self) -> String {
        match self.age {
            Some(age) => format!("{}, {}", self.as_of, ago(age)),
            None => self.as_of.clone(),
        }
    }
}

fn ago(seconds: u64) -> String {
    match seconds {
        0..60 => "just now".to_owned(),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Site;

    const NOW: Moment = Moment(1_767_225_600_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn act(line: &str) -> Act {
        Act { repo: "quarry".to_owned(), date: "2026-01-01".to_owned(), line: line.to_owned() }
    }

    fn heard() -> Heard {
        let mut heard = Heard::default();
        assert!(heard.claim("a", NOW), "what was never asked is due");
        heard.take(News::Acts(vec![act("one")], Some("\"1\"".to_owned())), NOW);
        heard
    }

    #[test]
    fn at_most_once_an_hour() {
        let check = |address: &str, now: Moment, expect: bool| {
            let mut heard = heard();
            assert_eq!(heard.claim(address, now), expect, "{now:?}");
            assert_eq!(heard.asked, if expect { now } else { NOW });
            let stays = heard.address == "a" && heard.etag.is_some() && heard.acts == [act("one")];
            assert_eq!(stays, address == "a" || !expect, "{address} {now:?}");
        };
        check("a", NOW, false);
        check("a", Moment(NOW.0 + 3_599_999), false);
        check("a", NOW + HOUR, true);
        check("b", NOW + HOUR / 2, false);
        check("b", NOW + HOUR, true);
        check("a", Moment(NOW.0 - 1), false);
        check("a", Moment(NOW.0 - 3_600_000), true);
        let mut heard = heard();
        assert!(heard.claim("a", NOW + HOUR));
        assert!(!heard.claim("a", NOW + HOUR + HOUR / 2), "nobody asks again soon after a failure");
        assert_eq!(heard.answered, NOW, "to be asked is not to answer");
    }

    #[test]
    fn what_an_answer_changes() {
        let check = |news: News, acts: &[&str], etag: Option<&str>| {
            let mut heard = heard();
            heard.take(news.clone(), NOW + HOUR);
            let lines: Vec<&str> = heard.acts.iter().map(|act| act.line.as_str()).collect();
            assert_eq!((&*lines, heard.etag.as_deref()), (acts, etag), "{news:?}");
            assert_eq!(heard.answered, NOW + HOUR);
        };
        check(News::Same, &["one"], Some("\"1\""));
        check(News::Acts(vec![act("two")], Some("\"2\"".to_owned())), &["two"], Some("\"2\""));
        check(News::Acts(vec![act("two")], None), &["two"], None);
        check(News::Acts(Vec::new(), Some("\"2\"".to_owned())), &["one"], Some("\"2\""));
    }

    #[test]
    fn records() {
        let snapshot = Snapshot { github: heard(), gitlab: Heard::default() };
        assert_eq!(Snapshot::parse(&snapshot.to_text()), snapshot);
        for unreadable in ["", "7", "[]x", r#"{"github":7}"#, r#"{"github":{"acts":[{"repo":7}]}}"#] {
            assert_eq!(Snapshot::parse(unreadable), Snapshot::default(), "{unreadable}");
        }
    }

    #[test]
    fn ages() {
        let check = |after: Duration, expect: &str| {
            let report = Report::new(&Site::load().activity, [Some(&heard()), None], NOW + after);
            assert_eq!(report.github.when(), format!("2026-01-01 00:00 UTC, {expect}"));
        };
        check(Duration::ZERO, "just now");
        check(Duration::from_secs(59), "just now");
        check(Duration::from_secs(60), "1 min ago");
        check(HOUR * 3 + HOUR / 2, "3 h ago");
        check(HOUR * 47, "47 h ago");
        check(HOUR * 48, "2 d ago");
        check(HOUR * 24 * 40, "40 d ago");
    }

    #[test]
    fn the_owner_speaks_where_nothing_was_heard() {
        let site = &Site::load().activity;
        let (github, gitlab) = (site.github.recent(), site.gitlab.recent());
        let check = |heard: [Option<&Heard>; 2], github: &[Act], gitlab: &[Act], as_of: &str| {
            let report = Report::new(site, heard, NOW);
            assert_eq!((&*report.github.recent, &*report.gitlab.recent), (github, gitlab));
            assert_eq!(report.as_of, as_of);
        };
        let (heard, silent, one) = (heard(), Heard::default(), [act("one")]);
        let minute = "2026-01-01 00:00 UTC";
        check([None, None], &github, &gitlab, site.as_of);
        check([Some(&silent), None], &github, &gitlab, site.as_of);
        check([Some(&heard), None], &one, &gitlab, minute.min(site.as_of));
        check([Some(&heard), Some(&heard)], &one, &one, minute);
        assert_eq!(Report::written(site), Report::new(site, [None, None], NOW));
    }
}
