//! Which commands are understood, which are nearly ones, and what is left to the model.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::activity::snapshot::Heard;
use crate::monitor::Health;
use crate::monitor::report::{Availability, NodeReport};
use crate::platform::Moment;
use crate::site::{Account, Act, Activity, Owner};

fn status() -> Status {
    let node = |name: &str, state| NodeReport {
        name: name.to_owned(),
        models: vec!["big".into(), "small".into()],
        state,
        since: (state == Health::Up).then_some(Moment(1_767_225_600_000)),
        why: None,
        availability: Availability { day: None, week: None, month: (state == Health::Up).then_some(0.5) },
    };
    let nodes = vec![node("mini", Health::Up), node("cloud", Health::Unknown)];
    Status { report: Report { checked: None, nodes }, in_flight: 1 }
}

fn ask(query: &str) -> Option<Answer<'static>> {
    static LIVE: LazyLock<Live> = LazyLock::new(|| Live { status: status(), activity: None });
    answer(query, Site::load(), &LIVE)
}

/// As programs read it.
fn json(query: &str) -> Value {
    serde_json::to_value(ask(query)).unwrap()
}

#[test]
fn commands() {
    let check = |query: &str, command: &str, says: &str| {
        let answer = ask(query).unwrap_or_else(|| panic!("{query} was left to the model"));
        assert_eq!(answer.command, command, "{query}");
        assert!(answer.text.contains(says), "{query}: {says:?} is not in\n{}", answer.text);
    };
    for command in TABLE {
        check("help", "help", command.form);
        check("help", "help", command.summary);
    }
    check("list all", "list all", "hearth");
    check("list products", "list products", "paychasers");
    check("LIST  Systems ", "list systems", "lighthouse");
    check("show paychasers", "show paychasers", "PostgreSQL");
    check("Show\tPayChasers  STACK", "show paychasers stack", "TypeScript, Next.js");
    check("show paychasers links", "show paychasers links", "https://paychasers.example.com");
    check("show paychasers customers", "show paychasers customers", "freelancers");
    check("show portfolio since", "show portfolio since", "2026");
    check("show lighthouse links", "show lighthouse links", "has no links");
    check("show activity", "show activity", "As of");
    check("explain hearth", "explain hearth", "Mac mini");
    check("status", "status", "big, then small; up since 2026-01-01");
    check("status", "status", "well 50.0 %");
    check("Status ", "status", "big, then small; unknown");
}

#[test]
fn activity() {
    let now = Moment(1_767_225_600_000);
    let site = &Site::load().activity;
    let act = Act { repo: "quarry".into(), date: "2025-12-31".into(), line: "Sleep".into() };
    let heard =
        |after: u64| Heard { answered: Moment(now.0 - after), acts: vec![act.clone()], ..Heard::default() };
    let (fresh, old) = (heard(0), heard(11_000_000));
    let check = |heard: [Option<&Heard>; 2], says: &str, acts: usize| {
        let live = Live { activity: Some(Doings::new(site, heard, now)), ..Live::default() };
        let answer = answer("show activity", Site::load(), &live).unwrap();
        assert!(answer.text.ends_with(says), "{says:?} is not in\n{}", answer.text);
        assert_eq!(answer.text.matches("2025-12-31  quarry: Sleep").count(), acts, "{}", answer.text);
    };
    check([None, None], "\n\nAs of 2026-11-20.", 0);
    check([Some(&old), Some(&old)], "\n\nAs of 2025-12-31 20:56 UTC, 3 h ago.", 2);
    check(
        [Some(&fresh), None],
        "\n\nGitHub as of 2026-01-01 00:00 UTC, just now; GitLab as of 2026-11-20.",
        1,
    );
    let data = &json("show activity")["data"];
    assert_eq!((&data["as_of"], &data["github"]["user"]), (&site.as_of.into(), &site.github.user.into()));
}

#[test]
fn who_asks_for_what_is_kept() {
    let check = |query: &str, status: bool, activity: bool| {
        assert_eq!((asks_status(query), asks_activity(query)), (status, activity), "{query:?}");
    };
    check(" Status ", true, false);
    check("SHOW \t activity\n", false, true);
    check("show activity of mini", false, false);
    check("help", false, false);
}

#[test]
fn did_you_mean() {
    let check = |query: &str, candidates: &[&str]| {
        let answer = ask(query).unwrap_or_else(|| panic!("{query} was left to the model"));
        assert_eq!(answer.command, "did you mean", "{query}");
        let seen = &json(query)["data"]["candidates"];
        let is_seen = |candidate: &&str| seen.as_array().unwrap().contains(&(*candidate).into());
        assert!(candidates.iter().all(is_seen), "{query}: {seen}");
    };
    check("lst all", &["list all"]);
    check("list", &["list all", "list products", "list systems"]);
    check("list product", &["list products"]);
    check("hlep", &["help"]);
    check("stauts", &["status"]);
    check("show", &["show paychasers", "show hearth", "show activity"]);
    check("explain", &["explain portfolio"]);
    check("show paychaser", &["show paychasers"]);
    check("shw paychasers", &["show paychasers"]);
    check("show paychasers stak", &["show paychasers stack"]);
    check("show paychaser stack", &["show paychasers stack"]);
    check("show paychasers colour", &["show paychasers stack", "show paychasers since"]);
    check("show foobar", &["show paychasers"]);
    check("explain kubernetes", &["explain hearth"]);
    check("show activty", &["show activity"]);
}

#[test]
fn a_known_slug_is_no_other() {
    const fn entry(slug: &'static str) -> Entry {
        Entry { slug, name: "", line: "", text: "", stack: &[], links: &[], more: &[] }
    }
    const ACCOUNT: Account = Account { user: "", url: "", recent: &[] };
    let site = Site {
        owner: Owner { name: "", role: "", line: "", text: "" },
        products: const { &[entry("api"), entry("app")] },
        systems: &[],
        activity: Activity { as_of: "", github: ACCOUNT, gitlab: ACCOUNT },
        prompt: "",
    };
    let check = |query: &str, expect: &str| {
        let live = Live::default();
        let text = answer(query, &site, &live).unwrap().text;
        assert!(text.contains(expect), "{query}: {text}");
    };
    check("show app colour", "  show app stack");
    check("show apq stack", "  show api stack");
}

#[test]
fn free_language_is_the_models() {
    let check =
        |query: &str| assert!(ask(query).is_none(), "{query:?} was taken for a command: {:?}", ask(query));
    check("hello");
    check("what have you built?");
    check("show me what you built");
    check("show me everything");
    check("explain how the failover works");
    check("explain quantum computing to me");
    check("list your skills");
    check("help me choose a stack");
    check("who are you");
    check("status of the union");
    check("why rust");
    check("how hearth works");
    check("");
    check(&"x".repeat(5_000));
}

#[test]
fn an_answer_is_what_the_pages_read() {
    let json = serde_json::to_string(&ask("show quarry status").unwrap()).unwrap();
    let expect = concat!(
        r#"{"type":"answer","source":"local","command":"show quarry status","text":"paused","#,
        r#""data":{"slug":"quarry","field":"status","value":"paused"}}"#
    );
    assert_eq!(json, expect);
}

#[test]
fn what_programs_read_of_it() {
    let check = |query: &str, fields: &[&str]| {
        let answer = json(query);
        let seen: Vec<&String> = answer["data"].as_object().unwrap().keys().collect();
        assert_eq!(seen, fields, "{query}: {answer}");
    };
    check("help", &["commands", "slugs"]);
    check("list all", &["products", "systems"]);
    check("list products", &["products"]);
    check("list systems", &["systems"]);
    check("show hearth", &["slug", "name", "line", "text", "stack", "links", "place"]);
    check("explain hearth", &["slug", "name", "line", "text", "stack", "links", "place"]);
    check("show hearth stack", &["slug", "field", "value"]);
    check("show activity", &["as_of", "github", "gitlab"]);
    check("status", &["checked", "nodes", "in_flight"]);
    check("hlep", &["query", "candidates"]);
    let [form, brief] = [&json("help")["data"]["commands"][0], &json("list all")["data"]["products"][0]];
    assert_eq!(form, &json!({"form": "help", "summary": "this list"}));
    assert_eq!(brief["slug"], "portfolio");
    assert!(brief["name"].is_string() && brief["line"].is_string(), "{brief}");
}

fn fits(answer: &Answer<'_>) -> bool {
    answer.text.lines().all(|line| line.chars().count() <= 78 || line.split_whitespace().count() <= 2)
}

proptest! {
    #[test]
    fn no_query_makes_it_panic(query in "\\PC{0,80}") {
        if let Some(answer) = ask(&query) {
            prop_assert!(fits(&answer), "{}", answer.text);
        }
    }

    #[test]
    fn words_of_the_commands_in_any_order(words in prop::collection::vec("(help|list|show|explain|all|status|activity|paychasers|stack|lst|hearth|x)", 0..5)) {
        if let Some(answer) = ask(&words.join(" ")) {
            prop_assert!(fits(&answer), "{}", answer.text);
            prop_assert!(answer.text.len() < 8_000);
        }
    }

    #[test]
    fn case_and_space_do_not_matter(at in 0..TABLE.len(), space in "[ \t\n]{1,3}", upper in any::<bool>()) {
        let plain = TABLE[at].form.replace("<slug>", "hearth").replace("<field>", "stack");
        let typed = format!("{space}{}{space}", plain.replace(' ', &space));
        let typed = if upper { typed.to_uppercase() } else { typed };
        prop_assert_eq!(json(&typed), json(&plain));
    }
}
