//! GitHub's public events of one user.
//!
//! After <https://docs.github.com/en/rest/using-the-rest-api/github-event-types>. A push no longer says what is in it, a
//! pull request no longer what it is called; where an older server still does, it is told.

use serde_json::Value;

use super::field::{self, Seen, day, line, name, titled};
use crate::site::Act;

/// What `user` did, the newest first; `None` where the body is no list of events.
pub fn acts(body: &[u8], user: &str) -> Option<Vec<Act>> {
    field::acts(body, |event| {
        Some(Seen {
            repo: repo(event["repo"]["name"].as_str()?, user)?,
            date: day(&event["created_at"])?,
            line: done(event["type"].as_str()?, &event["payload"]),
        })
    })
}

/// Without its owner where that is the user.
fn repo(full: &str, user: &str) -> Option<String> {
    let (owner, own) = full.split_once('/')?;
    let is_sound = name(full).is_some() && !owner.is_empty() && !own.is_empty() && !own.contains('/');
    let shown = if owner.eq_ignore_ascii_case(user) { own } else { full };
    is_sound.then(|| shown.to_owned())
}

fn done(kind: &str, payload: &Value) -> Option<String> {
    match kind {
        "PushEvent" => pushed(payload),
        "PullRequestEvent" => changed("pull request", payload, &payload["pull_request"]),
        "IssuesEvent" => changed("issue", payload, &payload["issue"]),
        "CreateEvent" => match (payload["ref_type"].as_str()?, payload["ref"].as_str().and_then(name)) {
            ("repository", _) => Some("Created the repository".to_owned()),
            (kind @ ("branch" | "tag"), Some(made)) => line(&format!("Created {kind} {made}")),
            _ => None,
        },
        "ReleaseEvent" if payload["action"].as_str() == Some("published") => {
            let release = &payload["release"];
            let title = release["name"].as_str().and_then(line);
            let title = title.or_else(|| release["tag_name"].as_str().and_then(line))?;
            line(&format!("Released {title}"))
        }
        "PublicEvent" => Some("Made the repository public".to_owned()),
        "ForkEvent" => Some("Forked the repository".to_owned()),
        _ => None,
    }
}

/// The last commit's first line, or where it was pushed to.
fn pushed(payload: &Value) -> Option<String> {
    let last = payload["commits"].as_array().and_then(|commits| line(commits.last()?["message"].as_str()?));
    last.or_else(|| {
        let pushed = payload["ref"].as_str()?;
        match (pushed.strip_prefix("refs/heads/"), pushed.strip_prefix("refs/tags/")) {
            (Some(branch), _) => line(&format!("Pushed to {}", name(branch)?)),
            (None, Some(tag)) => line(&format!("Pushed tag {}", name(tag)?)),
            (None, None) => None,
        }
    })
}

fn changed(what: &str, payload: &Value, item: &Value) -> Option<String> {
    let verb = match payload["action"].as_str()? {
        "opened" => "Opened",
        "reopened" => "Reopened",
        "merged" => "Merged",
        "closed" if item["merged"].as_bool() == Some(true) => "Merged",
        "closed" => "Closed",
        _ => return None,
    };
    let number = item["number"].as_u64().or_else(|| payload["number"].as_u64())?;
    titled(&format!("{verb} {what} #{number}"), &item["title"])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(kind: &str, payload: Value) -> Value {
        json!({
            "id": "41234567890",
            "type": kind,
            "actor": {"id": 9, "login": "ada-example", "display_login": "ada-example", "gravatar_id": "",
                "url": "https://api.github.com/users/ada-example", "avatar_url": "https://avatars.example/9"},
            "repo": {"id": 7, "name": "ada-example/portfolio",
                "url": "https://api.github.com/repos/ada-example/portfolio"},
            "payload": payload,
            "public": true,
            "created_at": "2026-11-19T09:30:00Z",
        })
    }

    fn told(events: &Value) -> Option<Vec<String>> {
        let acts = acts(events.to_string().as_bytes(), "Ada-Example")?;
        Some(acts.iter().map(|act| format!("{} {}: {}", act.date, act.repo, act.line)).collect())
    }

    #[test]
    fn events() {
        let check = |kind: &str, payload: Value, expect: Option<&str>| {
            let expect: Vec<String> =
                expect.iter().map(|line| format!("2026-11-19 portfolio: {line}")).collect();
            assert_eq!(told(&json!([event(kind, payload.clone())])), Some(expect), "{kind} {payload}");
        };
        let head = "1f0e6c2b7f4d2a9f6a3c5b8e7d1c0b9a8f7e6d5c";
        let push =
            |of: &str| json!({"repository_id": 7, "push_id": 3, "ref": of, "head": head, "before": head});
        check("PushEvent", push("refs/heads/main"), Some("Pushed to main"));
        check("PushEvent", push("refs/tags/v1.2"), Some("Pushed tag v1.2"));
        check("PushEvent", push("main"), None);
        check("PushEvent", push("refs/heads/<img src=x>"), None);
        let commit = |message: Value| json!({"sha": head, "message": message, "distinct": true});
        let commits = |last: Value| json!({"ref": "refs/heads/main", "size": 2, "commits": [commit(json!("First")), commit(last)]});
        check("PushEvent", commits(json!("Tell the reader\n\nBecause …")), Some("Tell the reader"));
        check("PushEvent", commits(json!(["Tell"])), Some("Pushed to main"));
        let pull = |action: &str, pull: Value| json!({"action": action, "number": 12, "pull_request": pull});
        check("PullRequestEvent", pull("opened", json!({"number": 12})), Some("Opened pull request #12"));
        check("PullRequestEvent", pull("merged", json!(null)), Some("Merged pull request #12"));
        check(
            "PullRequestEvent",
            pull("closed", json!({"number": 12, "merged": true, "title": "Short\nlines"})),
            Some("Merged pull request #12: Short"),
        );
        check("PullRequestEvent", pull("labeled", json!({"number": 12})), None);
        check("PullRequestEvent", json!({"action": "opened", "number": -1}), None);
        let issue =
            json!({"action": "closed", "issue": {"number": 3, "title": "It breaks", "state": "closed"}});
        check("IssuesEvent", issue, Some("Closed issue #3: It breaks"));
        let create = |kind: &str, of: Value| json!({"ref": of, "ref_type": kind, "master_branch": "main"});
        check("CreateEvent", create("repository", json!(null)), Some("Created the repository"));
        check("CreateEvent", create("tag", json!("v1.2")), Some("Created tag v1.2"));
        check("CreateEvent", create("branch", json!({})), None);
        let release =
            |name: Value| json!({"action": "published", "release": {"name": name, "tag_name": "v1.2"}});
        check("ReleaseEvent", release(json!("The quiet one")), Some("Released The quiet one"));
        check("ReleaseEvent", release(json!(null)), Some("Released v1.2"));
        check("PublicEvent", json!({}), Some("Made the repository public"));
        check("WatchEvent", json!({"action": "started"}), None);
        check("SomethingNew", json!(7), None);
    }

    #[test]
    fn foreign_repositories_keep_their_owners() {
        let check = |name: Value, expect: Option<&str>| {
            let mut event = event("PublicEvent", json!({}));
            event["repo"]["name"] = name.clone();
            let sound = self::event("ForkEvent", json!({}));
            let acts = acts(json!([event, sound]).to_string().as_bytes(), "ada-example").unwrap();
            let seen = acts.iter().find(|act| act.line.starts_with("Made")).map(|act| act.repo.as_str());
            assert_eq!(seen, expect, "{name}");
        };
        check(json!("someone/else"), Some("someone/else"));
        check(json!("ADA-example/x"), Some("x"));
        check(json!("ada-example"), None);
        check(json!("ada-example/"), None);
        check(json!("ada-example/<b>x</b>"), None);
        check(json!("ada-example/x\ny"), None);
        check(json!({"a": 1}), None);
    }

    #[test]
    fn hostile_bodies() {
        let check = |body: &str, expect: Option<usize>| {
            let acts = acts(body.as_bytes(), "ada-example");
            assert_eq!(acts.map(|acts| acts.len()), expect, "{}", &body[..body.len().min(80)]);
        };
        check("[]", Some(0));
        check("", None);
        check("{}", None);
        check("<!doctype html><p>Sign in</p>", None);
        check(r#"{"message":"Not Found"}"#, None);
        check(r#"[null,7,"event",[],{},{"type":["PushEvent"],"repo":"a/b","created_at":7}]"#, None);
        check(&"[".repeat(100_000), None);
        check(&format!("{}1{}", "[".repeat(500), "]".repeat(500)), None);
        let sound = event("PublicEvent", json!({}));
        check(&json!([null, {"type": 7}, sound, [[]]]).to_string(), Some(1));
        let many: Vec<Value> = (1..=40)
            .map(|nth| event("IssuesEvent", json!({"action": "opened", "issue": {"number": nth}})))
            .collect();
        check(&Value::from(many).to_string(), Some(10));
        check(&Value::from(vec![sound; 40]).to_string(), Some(1));
    }
}
