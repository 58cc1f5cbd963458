//! The same node, asked as OpenAI is asked, and for numbers instead of words.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_same_in_openais_words() {
    const PATH: &str = "/v1/chat/completions";
    let node = node();
    let answer = hear(ask(&node, "/api/chat", &chat(MODELS[0]))).await.text();
    let asked = |model: &str, more: Value| {
        let messages = json!([{"role": "user", "content": "Why?"}]);
        with(json!({"model": model, "messages": messages, "reasoning_effort": "none"}), more)
    };
    let events = async |model: &str, more: Value| {
        let more = with(json!({"stream": true, "stream_options": {"include_usage": true}}), more);
        let heard = hear(ask(&node, PATH, &asked(model, more))).await;
        assert_eq!((heard.status, &*heard.kind), (StatusCode::OK, "text/event-stream"));
        let text = String::from_utf8(heard.body).unwrap();
        let events =
            text.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap().to_owned());
        events.collect::<Vec<_>>()
    };
    let words = |events: &[String]| -> String {
        let events = events.iter().filter_map(|event| serde_json::from_str::<Value>(event).ok());
        let words =
            events.filter_map(|event| Some(event["choices"][0]["delta"]["content"].as_str()?.to_owned()));
        words.collect()
    };
    for model in [MODELS[0], "sim:say,split", "sim:say,joined", "sim:say,no-newline"] {
        let said = events(model, json!({})).await;
        assert_eq!(words(&said), answer, "{model}");
        let [.., last, usage, done] = &*said else { panic!("{said:?}") };
        assert!(last.contains(r#""delta":{},"finish_reason":"stop""#) && done == "[DONE]", "{said:?}");
        let usage: Value = serde_json::from_str(usage).unwrap();
        assert!(usage["choices"] == json!([]) && usage["usage"]["completion_tokens"].as_u64() > Some(1));
        assert_eq!(said.iter().filter(|event| event.contains("\"role\"")).count(), 1);
    }
    let called = events("sim:say,tools", json!({})).await;
    assert!(called[called.len() - 3].contains(r#""finish_reason":"tool_calls""#), "{called:?}");
    // Ollama swallows what goes wrong.
    let broken = events("sim:say,error@2", json!({})).await;
    assert!(broken.last().unwrap().contains("\"model\":\"\"") && broken.len() == 3, "{broken:?}");

    let whole = hear(ask(&node, PATH, &asked(MODELS[0], json!({})))).await;
    assert_eq!(
        (&*whole.kind, &whole.last()["choices"][0]["message"]["content"]),
        ("application/json", &json!(answer))
    );
    let short = hear(ask(&node, PATH, &asked(MODELS[0], json!({"max_tokens": 2})))).await.last();
    assert_eq!(short["choices"][0]["finish_reason"], "length");
    assert_eq!(short["usage"]["completion_tokens"], 2);

    let refused = async |body: Value, status: u16, kind: &str, text: &str| {
        let heard = hear(ask(&node, PATH, &body)).await;
        let error = json!({"message": text, "type": kind, "param": null, "code": null});
        assert_eq!((heard.status.as_u16(), &heard.last()["error"]), (status, &error), "{body}");
    };
    refused(asked("nobody", json!({})), 404, "not_found_error", "model 'nobody' not found").await;
    refused(asked("sim:429", json!({"stream": true})), 429, "api_error", "rate limit exceeded").await;
    let none = asked(MODELS[0], json!({"messages": []}));
    refused(none, 400, "invalid_request_error", "[] is too short - 'messages'").await;
}

#[tokio::test(start_paused = true)]
async fn embeddings() {
    let node = node();
    let heard =
        hear(ask(&node, "/api/embed", &json!({"model": MODELS[1], "input": ["one", "two", "one"]}))).await;
    assert_eq!((heard.status, heard.waited), (StatusCode::OK, ms(1100)));
    let numbers = &heard.last()["embeddings"];
    assert!(numbers[0] == numbers[2] && numbers[0] != numbers[1], "{numbers}");
    assert_eq!(node.in_memory()[0]["name"], MODELS[1]);
    let check = async |body: Value, status: u16, rows: Option<usize>| {
        let heard = hear(ask(&node, "/api/embed", &body)).await;
        assert_eq!(heard.status.as_u16(), status, "{body}");
        assert_eq!(heard.last()["embeddings"].as_array().map(Vec::len), rows, "{body}");
    };
    check(json!({"model": MODELS[1], "input": "one"}), 200, Some(1)).await;
    check(json!({"model": MODELS[1]}), 200, Some(0)).await;
    check(json!({"model": MODELS[1], "input": 7}), 400, None).await;
    check(json!({"model": "nobody", "input": "one"}), 404, None).await;
}
