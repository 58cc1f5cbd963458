//! GitLab's events of one user.
//!
//! After <https://docs.gitlab.com/api/events/>. An event knows its project by number alone, so that is what it is called.

use serde_json::Value;

use super::field::{self, Seen, day, line, name, titled};
use crate::site::Act;

/// What the user did, the newest first; `None` where the body is no list of events.
pub fn acts(body: &[u8]) -> Option<Vec<Act>> {
    field::acts(body, |event| {
        let action = event["action_name"].as_str()?;
        Some(Seen {
            repo: format!("project {}", event["project_id"].as_u64()?),
            date: day(&event["created_at"])?,
            line: match event["push_data"].is_object() {
                true => pushed(&event["push_data"]),
                false => changed(action, event),
            },
        })
    })
}

/// The last commit's first line, or what was made.
fn pushed(push: &Value) -> Option<String> {
    let (action, kind) = (push["action"].as_str()?, push["ref_type"].as_str()?);
    let of = push["ref"].as_str().and_then(name);
    let title = push["commit_title"].as_str().and_then(line);
    match (action, kind, title, of) {
        ("created", "tag", _, Some(tag)) => line(&format!("Created tag {tag}")),
        ("pushed" | "created", _, Some(title), _) => Some(title),
        ("created", "branch", None, Some(branch)) => line(&format!("Created branch {branch}")),
        ("pushed", "branch", None, Some(branch)) => line(&format!("Pushed to {branch}")),
        _ => None,
    }
}

fn changed(action: &str, event: &Value) -> Option<String> {
    let verb = match action {
        "opened" => "Opened",
        "reopened" => "Reopened",
        "closed" => "Closed",
        "accepted" | "merged" => "Merged",
        "approved" => "Approved",
        "created" => "Created",
        _ => return None,
    };
    let what = match (event["target_type"].as_str(), verb) {
        (Some("MergeRequest"), _) => "merge request !",
        (Some("Issue" | "WorkItem"), _) => "issue #",
        (None | Some("Project"), "Created") => return Some("Created the project".to_owned()),
        _ => return None,
    };
    titled(&format!("{verb} {what}{}", event["target_iid"].as_u64()?), &event["target_title"])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(action: &str, fields: Value) -> Value {
        let mut event = json!({
            "id": 5, "project_id": 7, "action_name": action, "target_id": null, "target_iid": null,
            "target_type": null, "author_id": 9, "target_title": null,
            "created_at": "2026-11-11T21:05:12.456Z", "imported": false, "imported_from": "none",
            "author": {"id": 9, "username": "ada-example", "name": "Ada Example", "state": "active",
                "avatar_url": null, "web_url": "https://gitlab.com/ada-example"},
            "author_username": "ada-example",
        });
        for (name, value) in fields.as_object().into_iter().flatten() {
            event[name] = value.clone();
        }
        event
    }

    fn push(action: &str, kind: &str, of: &str, title: Value) -> Value {
        json!({"push_data": {"commit_count": 1, "action": action, "ref_type": kind, "commit_from": null,
            "commit_to": "1f0e6c2b", "ref": of, "commit_title": title, "ref_count": null}})
    }

    #[test]
    fn events() {
        let check = |action: &str, fields: Value, expect: Option<&str>| {
            let acts = acts(json!([event(action, fields.clone())]).to_string().as_bytes()).unwrap();
            let told: Vec<_> = acts.iter().map(|act| (&*act.date, &*act.repo, &*act.line)).collect();
            let expect: Vec<_> = expect.iter().map(|line| ("2026-11-11", "project 7", *line)).collect();
            assert_eq!(told, expect, "{action} {fields}");
        };
        let title = || json!("Index scanned pages\nat night");
        check("pushed to", push("pushed", "branch", "main", title()), Some("Index scanned pages"));
        check("pushed new", push("created", "branch", "ocr", title()), Some("Index scanned pages"));
        check("pushed new", push("created", "branch", "ocr", json!(null)), Some("Created branch ocr"));
        check("pushed new", push("created", "tag", "v3", title()), Some("Created tag v3"));
        check("pushed to", push("pushed", "branch", "main", json!(7)), Some("Pushed to main"));
        check("deleted", push("removed", "branch", "ocr", json!(null)), None);
        check("pushed to", push("pushed", "branch", "<i>", json!(null)), None);
        let target = |kind: &str, title: Value| json!({"target_type": kind, "target_id": 77, "target_iid": 4, "target_title": title});
        check(
            "opened",
            target("MergeRequest", json!("Read TIFF")),
            Some("Opened merge request !4: Read TIFF"),
        );
        check(
            "accepted",
            target("MergeRequest", json!("Read TIFF")),
            Some("Merged merge request !4: Read TIFF"),
        );
        check("closed", target("Issue", json!("No text")), Some("Closed issue #4: No text"));
        check("opened", target("WorkItem", json!({})), Some("Opened issue #4"));
        check("opened", target("Milestone", json!("1.0")), None);
        check("commented on", target("Note", json!("No text")), None);
        check("created", json!({}), Some("Created the project"));
        check("joined", json!({}), None);
        check("closed", json!({"target_type": "Issue", "target_iid": "4"}), None);
    }

    #[test]
    fn hostile_bodies() {
        let check = |body: &str, expect: Option<usize>| {
            let acts = acts(body.as_bytes());
            assert_eq!(acts.map(|acts| acts.len()), expect, "{}", &body[..body.len().min(80)]);
        };
        check("[]", Some(0));
        check(r#"{"message":"404 User Not Found"}"#, None);
        check("<html>", None);
        check(r#"[null,7,[],{},{"action_name":7,"project_id":"7","push_data":[],"created_at":{}}]"#, None);
        check(&"[{\"push_data\":".repeat(50_000), None);
        let sound = event("created", json!({}));
        check(&json!([{"project_id": {}}, sound, "x"]).to_string(), Some(1));
        let many: Vec<Value> =
            (1..=40).map(|nth| event("opened", json!({"target_type": "Issue", "target_iid": nth}))).collect();
        check(&Value::from(many).to_string(), Some(10));
    }
}
