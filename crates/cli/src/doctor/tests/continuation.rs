//! Models that go on with what another one began, and models that do not.

use super::*;

const WHOLE: &str =
    "The days of the week are Monday, Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday.";

fn says(text: &str, more: &str) -> String {
    format!("say,text={}{more}", text.replace(',', "%2C"))
}

async fn model(scripts: &[&str]) -> Server {
    sim(&MODELS, scripts).await
}

fn entry(name: &str, node: &Server, models: &[&str]) -> Value {
    json!({"name": name, "url": node.url(), "models": models})
}

async fn asked(nodes: Value) -> (Vec<String>, Value) {
    let nodes = nodes.to_string();
    seen(&[("HOMEFIRE_NODES", &*nodes), ("LAST_FIRST_WORD_MS", "1500")], Scope::Continuation).await
}

/// The same script each time, the model's line, and what follows from it.
async fn check(script: &str, begin: &str, words: &str, continues: Option<&str>) {
    let node = model(&[script; 5]).await;
    let (lines, report) = asked(json!([entry("mini", &node, &MODELS[..1])])).await;
    has(&lines, &format!("{begin} mini qwen3.5:latest"), words);
    match continues {
        Some(value) => has(&lines, "ok mini continues", &format!("\"continues\": {{{value}}}")),
        None => assert!(!lines.iter().any(|line| line.contains("continues")), "{lines:?}"),
    }
    assert_eq!(report["ok"], begin != "FAIL");
}

#[tokio::test]
async fn kinds() {
    let yes = Some(r#""qwen3.5:latest": true"#);
    let no = Some(r#""qwen3.5:latest": false"#);
    check(&says(WHOLE, ""), "ok", "goes on 5 of 5 times.", yes).await;
    check(&says(WHOLE, ",no-lead,bytes,pace=0"), "ok", "goes on 5 of 5 times.", yes).await;
    check(&says(WHOLE, ",repeat=2"), "ok", "goes on but repeats words 5 of 5 times.", yes).await;
    check(&says(WHOLE, ",anew"), "warn", "starts over 5 of 5 times.", no).await;
    check(&says("A week has seven days.", ""), "warn", "says something else 5 of 5 times.", no).await;
    for refusal in ["400", "400-capability", "500", "error@0"] {
        check(refusal, "warn", "refuses 5 of 5 times.", no).await;
    }
    check("say,empty", "warn", "says nothing 5 of 5 times.", no).await;
    check("hang", "FAIL", "does not say a word", None).await;
    check("stall@2", "warn", "did not come to the end of an answer (answer_timeout)", None).await;
    check("401", "FAIL", "does not accept the service token", None).await;
    check("404", "FAIL", "ollama pull qwen3.5:latest", None).await;
    check("503", "warn", "did not come to the end of an answer (status_503)", None).await;
}

#[tokio::test]
async fn now_this_now_that() {
    let (on, anew) = (says(WHOLE, ""), says(WHOLE, ",anew"));
    let node = model(&[&on, &on, &anew, &on, "400"]).await;
    let (lines, _) = asked(json!([entry("mini", &node, &MODELS[..1])])).await;
    has(&lines, "ok mini qwen3.5:latest", "goes on 3 of 5 times, starts over 1 of 5 times, refuses 1 of 5");
    has(&lines, "ok mini continues", "\"continues\": {} That is for its entry");
    has(&lines, "ok mini continues", "judged each time");
}

#[tokio::test]
async fn a_node_that_takes_no_question_refuses_no_beginning() {
    for (script, begin, words) in [
        ("500", "FAIL mini qwen3.5:latest", "It answers with the status 500."),
        ("400", "FAIL mini qwen3.5:latest", "It answers with the status 400."),
        ("error@0", "FAIL mini qwen3.5:latest", "It answers with the status 500."),
    ] {
        let node = model(&[script; 6]).await;
        let (lines, report) = asked(json!([entry("mini", &node, &MODELS[..1])])).await;
        has(&lines, begin, words);
        assert!(!lines.iter().any(|line| line.contains("continues")), "{lines:?}");
        assert_eq!(report["ok"], false);
    }
}

#[tokio::test]
async fn a_node_that_hangs_keeps_no_other_waiting() {
    let on = says(WHOLE, "");
    let hanging = model(&["wedge"]).await;
    // The lighter one is asked first, and once more without a beginning.
    let well = model(&[&["400"; 5][..], &[&*on; 6][..]].concat()).await;
    let (lines, report) =
        asked(json!([entry("mini", &hanging, &MODELS), entry("cloud", &well, &MODELS)])).await;
    has(&lines, "FAIL mini qwen2.5-coder:7b", "does not say a word. Restart Ollama");
    has(&lines, "ok cloud continues", r#""continues": {"qwen3.5:latest": true, "qwen2.5-coder:7b": false}"#);
    let names: Vec<_> =
        report["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    let expect = [
        "variables", "mini qwen2.5-coder:7b", "cloud qwen3.5:latest", "cloud qwen2.5-coder:7b",
        "cloud continues",
    ];
    assert_eq!(names, expect);
    assert_eq!(report["ok"], false);
}

#[tokio::test]
async fn what_is_configured_is_held_against_it() {
    for (script, continues, begin) in [
        (says(WHOLE, ""), true, "ok"),
        (says(WHOLE, ""), false, "warn"),
        (says(WHOLE, ",anew"), false, "ok"),
        (says(WHOLE, ",anew"), true, "FAIL"),
    ] {
        let node = model(&[&*script; 5]).await;
        let mut entry = entry("mini", &node, &MODELS[..1]);
        entry["continues"] = continues.into();
        let (lines, _) = asked(json!([entry])).await;
        has(&lines, &format!("{begin} mini qwen3.5:latest"), "5 of 5 times");
    }
}

#[tokio::test]
async fn it_is_asked_as_answers_are() {
    let node = model(&[&*says(WHOLE, ""); 5]).await;
    asked(json!([entry("mini", &node, &MODELS[..1])])).await;
    let received = node.node().received();
    assert_eq!(received.len(), 5);
    let body: Value = serde_json::from_slice(&received[0].body).unwrap();
    assert_eq!((&body["options"]["temperature"], &body["options"]["num_ctx"]), (&json!(0.5), &json!(8192)));
    let last = body["messages"].as_array().and_then(|messages| messages.last()).unwrap();
    assert_eq!(last["role"], "assistant");
    assert!(WHOLE.starts_with(last["content"].as_str().unwrap()));
}
