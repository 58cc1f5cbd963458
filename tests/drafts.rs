//! Whatever a model says, what leaves is a draft that keeps the contract, or the template. In virtual time.

use std::borrow::Cow;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use homefire_core::platform::Event;
use homefire_core::reply::Body;
use homefire_core::service::{self, Service};
use homefire_sim::scenario::{MODELS, SETTINGS, keeps_contract, nodes_variable};
use homefire_sim::script::{Say, Text};
use homefire_sim::{InProcess, Node, Pace, Script};
use http::Request;
use proptest::prelude::*;
use serde_json::Value;

const KEY: &str = "Bearer hunter2-draft-key";
const SENDER: [&str; 2] = ["Ada Example", "Quarry & Sons"];
const ASK: &str = r#"{"daysOverdue":9,"sender":{"name":"Ada Example","business":"Quarry & Sons"}}"#;

/// A service with two nodes that say what they are given.
struct House {
    platform: InProcess,
    service: Service,
}

impl House {
    fn new() -> Self {
        let nodes = nodes_variable("http://mini", "http://cloud");
        let read = |name: &str| match name {
            "HOMEFIRE_NODES" => Some(nodes.clone()),
            _ => SETTINGS.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        };
        let service = Service::from_reader(read).expect("the settings are sound");
        let nodes = ["mini", "cloud"].map(|host| (host.to_owned(), Node::new(&MODELS, Pace::QUICK)));
        Self { platform: InProcess::new(nodes, service.config.deadlines.connect), service }
    }

    /// All four asks that one draft can cost are answered with `words`.
    fn say(&self, words: &str) {
        let text = Text::Words(Cow::Owned(words.to_owned()));
        let script = Script::Say(Say { text, ..Say::default() });
        for nth in [0, 0, 1, 1] {
            self.platform.node(nth).queue(script.clone());
        }
    }

    async fn ask(&self, path: &str, accept: &str, body: &str) -> Vec<u8> {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header("authorization", KEY)
            .header("accept", accept)
            .body(Box::pin(stream::iter([Ok::<_, String>(Bytes::copy_from_slice(body.as_bytes()))])))
            .expect("the request is well formed");
        match service::handle(&self.platform, &self.service, request).await.into_body() {
            Body::Whole(bytes) => bytes.to_vec(),
            Body::Events(events) => events.collect::<Vec<Bytes>>().await.concat(),
        }
    }
}

fn in_virtual_time<T>(task: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(task)
}

/// What `draft` holds is fit to be sent; the template says of itself that it is one.
fn check(draft: &Value) -> Result<(), String> {
    let text = |name: &str| draft[name].as_str().ok_or(format!("no {name}: {draft}"));
    keeps_contract(text("subject")?, text("body")?, &SENDER)?;
    match text("source")? {
        "template" if text("subject")? != "Payment reminder: {amount}, due on {dueDate}" => {
            Err(format!("that is not the template: {draft}"))
        }
        "template" | "model" | "repaired" => Ok(()),
        other => Err(format!("who is {other}?")),
    }
}

/// The body as a reader pieces it together, and the last event.
fn read(events: &[u8]) -> Result<(String, Value), String> {
    let text = std::str::from_utf8(events).map_err(|error| error.to_string())?;
    let (mut shown, mut last) = (String::new(), Value::Null);
    for frame in text.split_terminator("\n\n").filter_map(|frame| frame.strip_prefix("data: ")) {
        last = serde_json::from_str(frame).map_err(|error| format!("{error}: {frame}"))?;
        match last["type"].as_str() {
            Some("token") => shown += last["content"].as_str().unwrap_or_default(),
            Some("restart") => shown.clear(),
            _ => {}
        }
    }
    Ok((shown, last))
}

fn whatever_is_said(words: &str) -> Result<(), String> {
    in_virtual_time(async {
        let house = House::new();
        house.say(words);
        let whole = house.ask("/api/draft", "application/json", ASK).await;
        check(&serde_json::from_slice(&whole).map_err(|error| error.to_string())?)?;
        house.platform.node(0).reset();
        house.platform.node(1).reset();
        house.say(words);
        let (shown, last) = read(&house.ask("/api/draft", "text/event-stream", ASK).await)?;
        check(&last)?;
        match Some(&*shown) == last["body"].as_str() {
            true => Ok(()),
            false => Err(format!("shown was {shown:?}, and the draft is {last}")),
        }
    })
}

const GOOD: &str = r#"{"subject": "Reminder: {amount} due on {dueDate}", "body": "Dear {clientName},\n\nour invoice is late (days overdue: {daysOverdue}).\n\nKind regards,\nAda Example\nQuarry & Sons"}"#;

/// What makes an answer wrong, odd, or only look so.
const PIECES: &[&str] = &[
    "{", "}", "\"", "\\", "\\n", "\n", "'", "“", "”", ",", ":", "[", "]", "<think>", "</think>", "```json\n",
    "```", "500", "€", " nine days ", " on Friday", "<b>", "&nbsp;", "https://pay.example", "{clientName}",
    "{amount}", "{{amount}}", "[Client Name]", "<dueDate>", "{invoiceNumber}", "Dear John,", "\\u0035",
    "\\ud83d", "５", "½", "$", "@", "\"body\":", "\"subject\":", "null", "\u{0}", "\u{feff}", "\u{202e}",
    "🔥", "// no\n", "ä",
];

/// A good answer after a few accidents: something put in, something taken out, something moved.
fn mangled() -> impl Strategy<Value = String> {
    let accident = (0_usize..400, 0_usize..40, 0..PIECES.len(), any::<bool>());
    prop::collection::vec(accident, 0..6).prop_map(|accidents| {
        let mut text: Vec<char> = GOOD.chars().collect();
        for (at, length, piece, cuts) in accidents {
            let start = at.min(text.len());
            let end = if cuts { (start + length).min(text.len()) } else { start };
            text.splice(start..end, PIECES[piece].chars());
        }
        text.into_iter().collect()
    })
}

/// Something in the right form.
fn formed() -> impl Strategy<Value = String> {
    let text =
        || prop::collection::vec(prop::sample::select(PIECES), 0..12).prop_map(|pieces| pieces.concat());
    (text(), text()).prop_map(|(subject, body)| {
        serde_json::json!({
            "subject": format!("{{amount}} {{dueDate}} {subject}"),
            "body": format!("Dear {{clientName}}, {{daysOverdue}} {body}"),
        })
        .to_string()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 700, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_model_says_a_draft_that_can_be_sent_leaves(
        words in prop_oneof![3 => mangled(), 2 => formed(), 1 => "\\PC{0,200}", 1 => any::<String>()],
    ) {
        whatever_is_said(&words).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn a_good_answer_is_not_the_template() {
    in_virtual_time(async {
        let house = House::new();
        house.say(GOOD);
        let draft: Value =
            serde_json::from_slice(&house.ask("/api/draft", "application/json", ASK).await).expect("JSON");
        assert_eq!(draft["source"], "model", "{draft}");
        assert_eq!(check(&draft), Ok(()));
    });
}

#[test]
fn feedback_on_a_known_draft_tells_how_much_was_changed() {
    in_virtual_time(async {
        let house = House::new();
        house.say(GOOD);
        let draft: Value =
            serde_json::from_slice(&house.ask("/api/draft", "application/json", ASK).await).expect("JSON");
        let edited = draft["body"].as_str().expect("a body").replace("late", "overdue");
        house.platform.take_events();
        let feedback = serde_json::json!({"id": draft["id"], "event": "edited", "body": edited}).to_string();
        assert!(house.ask("/api/feedback", "*/*", &feedback).await.is_empty());
        let events = house.platform.take_events();
        assert!(matches!(events.as_slice(), [Event::Feedback { distance: Some(6), .. }]), "{events:?}");
        let log = serde_json::to_string(&events).expect("events serialize");
        assert!(!log.contains("overdue"), "{log}");
    });
}
