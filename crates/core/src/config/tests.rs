//! What is accepted, what is refused, and in which words.

use super::*;

fn config(variables: &[(&str, &str)]) -> Result<Config, Faults> {
    Config::from_reader(|name| {
        variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    })
}

const PRIMARY: (&str, &str) = ("OLLAMA_PRIMARY_URL", "https://mini.example.com/");

#[test]
fn two_urls_make_two_nodes_with_the_default_models() {
    let config = config(&[PRIMARY, ("OLLAMA_FALLBACK_URL", "http://10.0.0.2:11434")]).unwrap();
    let nodes: Vec<_> = config.nodes.iter().map(|node| (node.name.as_str(), node.url.as_str())).collect();
    assert_eq!(nodes, [("primary", "https://mini.example.com"), ("fallback", "http://10.0.0.2:11434")]);
    assert_eq!(config.nodes[0].models.primary, "qwen3.5:latest");
    assert_eq!(config.nodes[1].models.fallback, "qwen2.5-coder:7b");
    assert_eq!(config.deadlines, Deadlines::DEFAULT);
}

#[test]
fn a_fallback_at_the_primarys_address_is_the_same_node() {
    assert_eq!(config(&[PRIMARY]).unwrap().nodes.len(), 1);
    assert_eq!(config(&[PRIMARY, ("OLLAMA_FALLBACK_URL", PRIMARY.1)]).unwrap().nodes.len(), 1);
}

#[test]
fn a_list_of_nodes_with_their_own_models_and_tokens() {
    let list = r#"[{"name":"mini","url":"https://a.example","models":["big","small"],"token":"t1"},
        {"name":"cloud","url":"https://b.example","models":["tiny"]},
        {"name":"spare","url":"http://c.example:8088/x/","token":""}]"#;
    let access = [("CF_ACCESS_CLIENT_ID", "id"), ("CF_ACCESS_CLIENT_SECRET", "secret")];
    let more = [("HOMEFIRE_NODES", list), ("NODE_TOKEN", "t0"), ("PRIMARY_MODEL", "p")];
    let config = config(&[&access[..], &more].concat()).unwrap();
    assert_eq!(config.nodes[0].models, Models { primary: "big".into(), fallback: "small".into() });
    assert_eq!(config.nodes[1].models, Models { primary: "tiny".into(), fallback: "tiny".into() });
    assert_eq!(config.nodes[2].models.primary, "p");
    assert_eq!(config.nodes[2].url, "http://c.example:8088/x");
    for (node, token) in config.nodes.iter().zip(["Bearer t1", "Bearer t0", "Bearer t0"]) {
        let mut told: Vec<_> =
            node.credentials.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        told.sort_unstable();
        let access = [("cf-access-client-id", "id"), ("cf-access-client-secret", "secret")];
        assert_eq!(told, [&[("authorization", token)], &access[..]].concat(), "{}", node.name);
    }
}

#[test]
fn two_models_or_tokens_of_one_address_are_two_nodes() {
    let list = r#"[{"name":"a","url":"http://x","models":["1"],"continues":{"1":true}},
        {"name":"b","url":"http://x","models":["2"],"continues":{}},
        {"name":"c","url":"http://x","models":["2"],"token":"another-token"}]"#;
    assert_eq!(config(&[("HOMEFIRE_NODES", list)]).unwrap().nodes.len(), 3);
}

#[test]
fn all_faults_are_told_at_once() {
    let faults = config(&[
        ("OLLAMA_PRIMARY_URL", "mini.example.com"),
        ("OLLAMA_FALLBACK_URL", "https://user:hunter2@b.example"),
        ("CONNECT_MS", "soon"),
        ("IDLE_MS", "0"),
        ("ALLOWED_ORIGINS", "https://ok.example, example.com"),
        ("CF_ACCESS_CLIENT_ID", "id"),
        ("NODE_TOKEN", "line\nbreak"),
        ("PRIMARY_MODEL", "two words"),
    ])
    .unwrap_err();
    let told: Vec<_> = faults.0.iter().map(|fault| fault.split(':').next().unwrap()).collect();
    assert_eq!(
        told,
        [
            "CONNECT_MS",
            "IDLE_MS",
            "ALLOWED_ORIGINS",
            "PRIMARY_MODEL",
            "CF_ACCESS_CLIENT_SECRET",
            "NODE_TOKEN",
            "OLLAMA_PRIMARY_URL",
            "OLLAMA_FALLBACK_URL"
        ]
    );
    assert!(!faults.to_string().contains("hunter2"));
}

#[test]
fn each_fault_of_a_list_names_its_place() {
    let check = |list: &str, expect: &str| {
        let told = config(&[("HOMEFIRE_NODES", list)]).unwrap_err().to_string();
        assert!(told.contains(expect), "{list}\n  expected {expect}\n  told {told}");
    };
    check("[]", "HOMEFIRE_NODES: names 0 nodes");
    check("{", "HOMEFIRE_NODES: is not a JSON list of {name, url, models?, token?, continues?}");
    check(r#"[{"name":"a","url":"http://x","tokn":"secret"}]"#, "HOMEFIRE_NODES: is not a JSON list");
    check(r#"[{"name":"A b","url":"http://x"}]"#, "HOMEFIRE_NODES[0].name:");
    check(r#"[{"name":"a","url":"http://x"},{"name":"a","url":"http://y"}]"#, "HOMEFIRE_NODES[1].name:");
    for url in ["ftp://x", "http://x/?y", "https://x/#/", "http://x:114340", "http://x:/"] {
        check(&format!(r#"[{{"name":"a","url":"{url}"}}]"#), "HOMEFIRE_NODES[0].url:");
    }
    for token in ["é\\n", "é", "\u{200b}x", "x\u{201d}"] {
        check(&format!(r#"[{{"name":"a","url":"http://x","token":"{token}"}}]"#), "HOMEFIRE_NODES[0].token:");
    }
    check(r#"[{"name":"a","url":"http://x","models":["1","2","3"]}]"#, "HOMEFIRE_NODES[0].models:");
    let twice =
        r#"[{"name":"a","url":"http://x/","models":["1"]},{"name":"b","url":"http://x","models":["1","1"]}]"#;
    check(twice, "HOMEFIRE_NODES[1].url:");
    for continues in [r#"{"1":true,"3":false}"#, r#"{"1:latest":false}"#] {
        let models = format!(r#""models":["1","2"],"continues":{continues}"#);
        check(&format!(r#"[{{"name":"a","url":"http://x",{models}}}]"#), "HOMEFIRE_NODES[0].continues:");
    }
}

#[test]
fn there_is_time_for_another_node() {
    let check = |more: &[(&str, &str)], expect: &[&str]| {
        let told = config(&[&[PRIMARY], more].concat()).map_or_else(|faults| faults.0, |_| Vec::new());
        let told: Vec<_> = told.iter().map(|fault| fault.split(':').next().unwrap()).collect();
        assert_eq!(told, expect, "{more:?}");
    };
    let fallback = ("OLLAMA_FALLBACK_URL", "https://cloud.example.com");
    check(
        &[fallback, ("ANSWER_MS", "15000"), ("DRAFT_BUDGET_MS", "15000")],
        &["ANSWER_MS", "DRAFT_BUDGET_MS"],
    );
    check(&[fallback, ("ANSWER_MS", "15001"), ("DRAFT_BUDGET_MS", "15001")], &[]);
    check(&[("ANSWER_MS", "10000"), ("DRAFT_BUDGET_MS", "9000")], &[]);
    check(&[("OLLAMA_FALLBACK_URL", "cloud"), ("ANSWER_MS", "10000")], &["OLLAMA_FALLBACK_URL"]);
}

#[test]
fn how_long_a_first_word_is_waited_for() {
    let check = |is_last: bool, is_cold: bool, left: u64, expect: u64| {
        let patience = Deadlines::DEFAULT.patience(is_last, is_cold, Duration::from_secs(left));
        assert_eq!(patience, Duration::from_secs(expect), "last {is_last}, cold {is_cold}, {left} s left");
    };
    check(false, false, 120, 15);
    check(false, true, 120, 30);
    check(false, true, 40, 25);
    check(false, true, 30, 15);
    check(false, true, 10, 15);
    check(true, false, 120, 60);
    check(true, true, 120, 60);
}

#[test]
fn no_node_at_all_is_refused() {
    assert!(config(&[]).unwrap_err().to_string().contains("OLLAMA_PRIMARY_URL: is not set"));
    assert!(config(&[("OLLAMA_PRIMARY_URL", " ")]).is_err());
}

#[test]
fn secrets_do_not_show() {
    let list = r#"[{"name":"mini","url":"https://a.example","token":"hunter2"}]"#;
    let secrets = [("CF_ACCESS_CLIENT_ID", "hunter2"), ("CF_ACCESS_CLIENT_SECRET", "hunter2")];
    let tokens = [("GITHUB_TOKEN", "hunter2"), ("GITLAB_TOKEN", "hunter2")];
    let config = config(&[("HOMEFIRE_NODES", list), secrets[0], secrets[1], tokens[0], tokens[1]]).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn every_variable_has_its_name_in_the_list_and_in_the_readers_hands() {
    let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let _ = Config::from_reader(|name| {
        asked.borrow_mut().insert(name.to_owned());
        None
    });
    let listed = VARIABLES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(asked.into_inner(), listed);
    let (example, readme) = (include_str!("../../../../.env.example"), include_str!("../../../../README.md"));
    // A copy of it changes nothing.
    assert!(example.lines().all(|line| line.is_empty() || line.starts_with('#')));
    for name in VARIABLES {
        assert!(
            example.lines().any(|line| line.trim_start_matches('#').starts_with(&format!("{name}="))),
            ".env.example lacks {name}"
        );
        assert!(readme.contains(&format!("`{name}`")), "README lacks {name}");
    }
}

#[test]
fn each_fault_of_drafts_and_monitor_names_its_variable() {
    let check = |variables: &[(&str, &str)], expect: &[&str]| {
        let all: Vec<_> = [PRIMARY].iter().chain(variables).copied().collect();
        let faults = config(&all).map(|_| ()).err().map(|faults| faults.0).unwrap_or_default();
        let told: Vec<_> = faults.iter().map(|fault| fault.split(':').next().unwrap()).collect();
        assert_eq!(told, expect, "{variables:?}");
        assert!(!faults.iter().any(|fault| fault.contains("hunter2")), "{faults:?}");
    };
    let mail = [
        ("RESEND_API_KEY", "re_hunter2"),
        ("MAIL_FROM", "Homefire <a@b.example>"),
        ("MAIL_TO", "a@b.example"),
    ];
    check(&[("DRAFT_KEY", "hunter2")], &["DRAFT_KEY"]);
    check(&[("CRON_SECRET", "hunter2 with spaces in it")], &["CRON_SECRET"]);
    check(&[("CRON_SECRET", "hunter2-and-many-more")], &[]);
    for secret in ["hunter2é", "\u{200b}hunter2", "\u{201c}hunter2\u{201d}"] {
        check(&[("NODE_TOKEN", secret)], &["NODE_TOKEN"]);
    }
    check(&[("FALL_AFTER", "0"), ("RISE_AFTER", "two")], &["FALL_AFTER", "RISE_AFTER"]);
    check(&[("MONITOR_MS", "86400001"), ("PROBE_MS", "x")], &["MONITOR_MS", "PROBE_MS"]);
    check(&mail, &[]);
    check(&mail[..1], &["MAIL_FROM", "MAIL_TO"]);
    check(&[mail[0], mail[1], ("MAIL_TO", "a@b.example, nobody")], &["MAIL_TO"]);
    check(&[mail[0], ("MAIL_FROM", "Homefire"), mail[2]], &["MAIL_FROM"]);
    check(&[("RESEND_BASE_URL", "resend")], &["RESEND_BASE_URL"]);
    check(&[("HEARTBEAT_URL", "ftp://x.example")], &["HEARTBEAT_URL"]);
    check(&[("UPSTASH_REDIS_REST_URL", "https://x.example")], &["UPSTASH_REDIS_REST_TOKEN"]);
    check(&[("UPSTASH_REDIS_REST_TOKEN", "hunter2")], &["UPSTASH_REDIS_REST_URL"]);
    check(&[("HOMEFIRE_STORE", "upstash")], &["HOMEFIRE_STORE"]);
    let odd = ("UPSTASH_REDIS_REST_URL", "x.example");
    let token = ("UPSTASH_REDIS_REST_TOKEN", "hunter2");
    check(&[odd, token, ("HOMEFIRE_STORE", "upstash")], &["UPSTASH_REDIS_REST_URL"]);
    check(&[("HOMEFIRE_STORE", "disk")], &["HOMEFIRE_STORE"]);
    check(&[("HOMEFIRE_STORE", "memory")], &[]);
    check(&[("RATE_LIMIT", "0"), ("STREAMS_PER_ADDRESS", "1"), ("MOST_STREAMS", "10000")], &[]);
    check(&[("RATE_LIMIT", "1001"), ("MOST_STREAMS", "0")], &["RATE_LIMIT", "MOST_STREAMS"]);
    check(&[("RATE_LIMIT", "-1"), ("STREAMS_PER_ADDRESS", "some")], &["RATE_LIMIT", "STREAMS_PER_ADDRESS"]);
}

#[test]
fn origins_are_compared_as_browsers_say_them() {
    let check = |listed: &str, origin: &str, expect: bool| {
        let config = config(&[PRIMARY, ("ALLOWED_ORIGINS", listed)]).unwrap();
        assert_eq!(config.allowed_origins.allow(origin), expect, "{listed} {origin}");
    };
    check("https://Example.com", "https://example.com", true);
    check("https://example.com:443", "https://example.com", true);
    check("http://example.com:80", "http://example.com", true);
    check("http://example.com:443", "http://example.com:443", true);
    check("https://example.com:8443", "https://example.com", false);
    check("*", "https://example.com", true);
    check("http://my_app:3000", "http://my_app:3000", true);
    check("http://[::1]:3000", "http://[::1]:3000", true);
}

#[test]
fn what_no_browser_says_is_no_origin() {
    for origin in [
        "example.com",
        "https://",
        "https://example.com:",
        "https://example.com:84a3",
        "https://example.com:114340",
        "https://example.com/",
        "https://*.example.com",
        "https://user@example.com",
        "ftp://example.com",
    ] {
        let told = config(&[PRIMARY, ("ALLOWED_ORIGINS", origin)]).unwrap_err().to_string();
        assert!(told.contains("ALLOWED_ORIGINS:"), "{origin}: {told}");
    }
}
