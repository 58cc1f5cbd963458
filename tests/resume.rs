//! An answer that breaks off after its first word goes on at the next node. In virtual time, at every place where it can
//! break.

use std::time::Duration;

use futures_util::stream::StreamExt;
use homefire_core::platform::{Event, Platform};
use homefire_core::reply::{Body, Reply};
use homefire_sim::house::{self, House};
use homefire_sim::scenario::MODELS;
use homefire_sim::{InProcess, Node, Pace, Reach};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::time::Instant;

/// What a model says: Latin, CJK, emoji with joiners, code, from right to left, lists, a word that is meant twice.
const ANSWERS: [&str; 8] = [
    "I build small tools that keep working when the lights go out: a terminal, a reminder service, and the thing \
     that watches both. It has been a very very long night, and we had had enough of outages.",
    "我在家里的小机器上运行语言模型。停电的时候，云端的虚拟机会接着回答问题；等到电来了，它又会把工作还回去。这样做既便宜，又不会把别人的话交给陌生人。",
    "家のサーバーが落ちても、答えは止まりません。まず小さな機械に尋ね、だめなら雲の上の機械に尋ねます。ひらがなもカタカナも漢字も、途中で切れてはいけません。",
    "A family at home 👨‍👩‍👧‍👦 and a flag 🏳️‍🌈, a thumb 👍🏽 and a heart ❤️‍🔥: none of them may be torn apart, not even \
     between two machines 🔥🔥.",
    "Here is how to ask:\n\n```rust\nfn main() {\n    let answer = ask(\"What do you build?\");\n    for word in \
     answer.words() {\n        print!(\"{word} \");\n    }\n    println!();\n}\n```\n\nThat is all.\n",
    "البيت لا يسقط عندما تنقطع الكهرباء: يجيب الجهاز الصغير أولاً، ثم يجيب الجهاز البعيد، ولا تضيع كلمة واحدة في \
     الطريق بينهما.",
    "Three things matter:\n\n- say who answers\n- say why nobody does\n- say when it ends\n\n1. First the mini.\n2. \
     Then the cloud.\n\n| node | state |\n|---|---|\n| mini | up |\n| cloud | up |\n",
    "Das Haus fällt nicht, auch wenn nachts der Strom ausfällt – „größer“ ist nicht besser, und ein \\\"Zitat\\\" mit \
     <b>Markup</b> & Zeichen bleibt, wie es ist.",
];

const FAULTS: [&str; 6] = ["reset", "end", "error", "garbage", "long-line", "stall"];

/// What a reader has in the end.
#[derive(Debug, Default)]
struct Seen {
    text: String,
    restarts: usize,
    failovers: Vec<String>,
    last: Value,
}

/// No breaker: each question is to find both nodes in their order.
fn house(more: &[(&str, &str)]) -> House {
    House::new(&[more, &[("BREAK_AFTER", "0"), ("IDLE_MS", "2000")]].concat())
}

impl Seen {
    async fn of(reply: Reply) -> Self {
        let text = house::read(reply).await;
        let mut seen = Self::default();
        for frame in text.split_terminator("\n\n") {
            let Some(data) = frame.strip_prefix("data: ") else { continue };
            let event: Value = serde_json::from_str(data).expect("JSON");
            match event["type"].as_str() {
                Some("token") => seen.text += event["content"].as_str().expect("a text"),
                Some("restart") => {
                    seen.restarts += 1;
                    seen.text.clear();
                }
                Some("failover") => {
                    let word = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
                    seen.failovers.push(format!("{} {} {}", word("from"), word("to"), word("why")));
                }
                _ => {
                    assert_eq!(seen.last, Value::Null, "an event after the last one");
                    seen.last = event;
                }
            }
        }
        seen
    }
}

async fn ask(house: &House) -> Seen {
    Seen::of(house.ask().await).await
}

/// Everything is over: no lease is out, no node is at work.
async fn is_quiet(house: &House) {
    house.platform.sleep(Duration::from_secs(5)).await;
    assert_eq!(house.service.memory.in_flight(house.platform.now()), 0);
    for nth in 0..2 {
        assert_eq!(house.platform.node(nth).in_flight(), 0);
        house.platform.node(nth).reset();
    }
    house.platform.take_events();
}

fn says(text: &str, more: &str) -> String {
    format!("say,text={}{more}", utf8_percent_encode(text, NON_ALPHANUMERIC))
}

/// Another answer to the same question, by a model that begins in the same way.
fn other(answer: &str) -> String {
    answer.chars().take(14).chain(", or so I thought until yesterday.".chars()).collect()
}

/// So many answers are cut.
const CUTS: usize = 10_000;

#[tokio::test(start_paused = true)]
async fn wherever_it_breaks_off_the_sentence_goes_on() {
    let house = house(&[]);
    let mut pieces = Vec::new();
    for answer in ANSWERS {
        house.script(0, &says(answer, ""));
        let seen = ask(&house).await;
        assert_eq!((&*seen.text, &seen.last["node"]), (answer, &"mini".into()));
        pieces.push(seen.last["tokens"].as_u64().expect("a number"));
        is_quiet(&house).await;
    }
    let places = || {
        let answers = ANSWERS.iter().zip(&pieces);
        answers.flat_map(|(answer, pieces)| (1..=*pieces).map(move |at| (answer, at)))
    };
    let every = places().flat_map(|(answer, at)| FAULTS.map(|fault| (answer, at, fault)));
    let (mut continued, mut cleared) = (0, 0);
    for (nth, (answer, at, fault)) in every.cycle().take(CUTS).enumerate() {
        // Odd against the faults: each place meets every fault with every node behind it.
        let starts_over = nth % 5 == 0;
        let next = if starts_over { other(answer) } else { (*answer).to_owned() };
        house.script(0, &says(answer, &format!(",{fault}@{at}")));
        house.script(1, &says(&next, ""));
        let seen = ask(&house).await;
        let place = format!("{fault} before piece {at}: {seen:?}");
        assert_eq!(seen.text, next, "{place}");
        assert!(!starts_over || seen.restarts == 1, "{place}");
        assert_eq!((&seen.last["type"], &seen.last["node"]), (&"done".into(), &"cloud".into()), "{place}");
        assert_eq!(seen.failovers.len(), 1, "{place}");
        assert_eq!(seen.last["tokens"], Value::Null, "one counts half of them: {place}");
        is_quiet(&house).await;
        if seen.restarts > 0 { cleared += 1 } else { continued += 1 }
    }
    assert!(continued > CUTS / 2 && cleared > 0, "{continued} went on, {cleared} were cleared");
}

/// A reader whose instance died comes back with what he holds; and then a node breaks off, too.
#[tokio::test(start_paused = true)]
async fn whatever_is_held_the_sentence_goes_on() {
    let house = house(&[]);
    let mut continued = 0;
    for answer in ANSWERS {
        for (at, _) in answer.char_indices().skip(1) {
            let held = &answer[..at];
            house.script(0, &says(answer, ",reset@5"));
            house.script(1, &says(answer, ""));
            let seen = Seen::of(house.ask_behind(held).await).await;
            let whole = if seen.restarts == 0 { held.to_owned() + &seen.text } else { seen.text.clone() };
            assert_eq!((&*whole, &seen.last["type"]), (answer, &"done".into()), "{held:?} {seen:?}");
            is_quiet(&house).await;
            continued += usize::from(seen.restarts == 0);
        }
    }
    let all: usize = ANSWERS.iter().map(|answer| answer.chars().count()).sum();
    assert!(continued > all * 4 / 5, "{continued} of {all} went on");
}

#[tokio::test(start_paused = true)]
async fn a_few_words_may_come_twice() {
    let house = house(&[]);
    let answer = ANSWERS[0];
    for (at, repeat) in (8..30).flat_map(|at| [(at, 2), (at, 3), (at, 5)]) {
        house.script(0, &says(answer, &format!(",reset@{at}")));
        house.script(1, &says(answer, &format!(",repeat={repeat}")));
        let seen = ask(&house).await;
        assert_eq!((seen.restarts, &*seen.text), (0, answer), "{repeat} words at {at}");
        is_quiet(&house).await;
    }
}

/// While the other node says again what the reader has, nothing is new for him, and he is kept company all the same.
#[tokio::test(start_paused = true)]
async fn who_waits_behind_a_seam_is_kept_company() {
    let house = house(&[("HEARTBEAT_MS", "500")]);
    house.script(0, &says(ANSWER, ",reset@20"));
    house.script(1, &says(ANSWER, ",anew,pace=200"));
    let Body::Events(mut events) = house.ask().await.into_body() else { panic!("a stream") };
    let (mut last, mut longest, mut text) = (Instant::now(), Duration::ZERO, String::new());
    while let Some(bytes) = events.next().await {
        longest = longest.max(last.elapsed());
        last = Instant::now();
        text += str::from_utf8(&bytes).expect("text");
    }
    assert!(text.contains(r#""node":"cloud""#) && text.contains("\n:\n\n"), "{text}");
    assert!(longest <= Duration::from_millis(750), "{longest:?} of silence: {text}");
}

/// What `mini` says before it breaks off, what `cloud` does, what the reader has in the end, and what ends it.
async fn check(house: &House, mini: &str, cloud: &str, text: &str, restarts: usize, end: &str) -> Seen {
    house.script(0, mini);
    cloud.split(';').for_each(|script| house.script(1, script));
    let seen = ask(house).await;
    assert_eq!((&*seen.text, seen.restarts, &seen.last["type"]), (text, restarts, &end.into()), "{seen:?}");
    is_quiet(house).await;
    seen
}

const ANSWER: &str = ANSWERS[0];
const BEGINNING: &str = "I build small tools that keep";

#[tokio::test(start_paused = true)]
async fn who_refuses_is_asked_anew() {
    let house = house(&[]);
    let cut = says(ANSWER, ",reset@6");
    for refusal in ["400", "500", "error@0"] {
        let cloud = format!("{refusal};{}", says(ANSWER, ""));
        let seen = check(&house, &cut, &cloud, ANSWER, 1, "done").await;
        assert_eq!(seen.failovers, ["mini cloud broken"], "{refusal}");
    }
    // Another node took the question: it is not the question's fault.
    for refusal in ["503", "400;400"] {
        let seen = check(&house, &cut, refusal, BEGINNING, 0, "error").await;
        assert_eq!((&seen.last["code"], &seen.last["delivered"]), (&"cut".into(), &BEGINNING.len().into()));
    }
    check(&house, &cut, "hang", BEGINNING, 0, "error").await;
    house.platform.set(1, Reach::Down);
    check(&house, &cut, "say", BEGINNING, 0, "error").await;
}

/// Who does not go on with another's words may be well.
#[tokio::test(start_paused = true)]
async fn who_goes_on_with_nothing_is_not_out() {
    let house = House::new(&[("BREAK_AFTER", "2")]);
    house.script(0, &says(ANSWER, ",reset@6"));
    house.script(1, "500");
    house.script(1, "503");
    ask(&house).await;
    let order = house.service.outlook.order(&house.service.config, house.platform.now());
    assert_eq!(order.well, 2, "{order:?}");
}

#[tokio::test(start_paused = true)]
async fn one_hop_and_no_more_unless_it_is_set() {
    let cut = says(ANSWER, ",reset@6");
    let again = says(ANSWER, ",reset@3");
    let further = "I build small tools that keep working when";
    let seen = check(&house(&[]), &cut, &again, further, 0, "error").await;
    assert_eq!(seen.last["delivered"], further.len());
    let seen = check(&house(&[("CONTINUE_HOPS", "0")]), &cut, &says(ANSWER, ""), BEGINNING, 0, "error").await;
    assert!(seen.failovers.is_empty());
}

/// A house with a third node between the two.
fn house_of_three(more: &[(&str, &str)]) -> House {
    let names = ["mini", "attic", "cloud"];
    let nodes = names.map(|name| format!(r#"{{"name":"{name}","url":"http://{name}"}}"#)).join(",");
    let mut house = house(&[more, &[("HOMEFIRE_NODES", &*format!("[{nodes}]"))]].concat());
    let nodes = names.map(|name| (name.to_owned(), Node::new(&MODELS, Pace::QUICK)));
    house.platform = InProcess::new(nodes, house.service.config.deadlines.connect);
    house
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_go_on_is_passed_over() {
    let check = async |more: &[(&str, &str)], attic: &str, failovers: &[&str]| {
        let house = house_of_three(more);
        let scripts = [says(ANSWER, ",reset@6"), attic.to_owned(), says(ANSWER, "")];
        scripts.iter().enumerate().for_each(|(nth, script)| house.script(nth, script));
        let seen = ask(&house).await;
        assert_eq!((&*seen.text, seen.restarts), (ANSWER, 0), "{seen:?}");
        assert_eq!((&seen.last["type"], &seen.last["node"]), (&"done".into(), &"cloud".into()), "{seen:?}");
        assert_eq!(seen.failovers, failovers);
        is_quiet(&house).await;
    };
    check(&[], "503", &["mini cloud broken"]).await;
    // Each seam is a hop of its own.
    let both = ["mini attic broken", "attic cloud broken"];
    check(&[("CONTINUE_HOPS", "2")], &says(ANSWER, ",reset@3"), &both).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_a_model_is_not_tried() {
    let pinned = |continues: &str| {
        let nodes = format!(
            r#"[{{"name":"mini","url":"http://mini"}},{{"name":"cloud","url":"http://cloud","continues":{continues}}}]"#
        );
        house(&[("HOMEFIRE_NODES", &*nodes)])
    };
    let cut = says(ANSWER, ",reset@6");
    for never in ["false", r#"{"qwen3.5:latest":false}"#] {
        let house = pinned(never);
        house.script(0, &cut);
        house.script(1, &says(ANSWER, ""));
        let seen = ask(&house).await;
        let sent: Value = serde_json::from_slice(&house.platform.node(1).received()[0].body).expect("JSON");
        let last = sent["messages"].as_array().and_then(|messages| messages.last()).expect("messages");
        assert_eq!((seen.restarts, &*seen.text, &last["role"]), (1, ANSWER, &"user".into()));
    }
    // Who is trusted is never taken for one who starts over.
    let other = "I build small tools that rest.";
    let both = format!("{BEGINNING}{other}");
    check(&pinned("true"), &cut, &says(other, ""), &both, 0, "done").await;
    check(&pinned("{}"), &cut, &says(other, ""), other, 1, "done").await;
}

#[tokio::test(start_paused = true)]
async fn what_was_complete_stays() {
    let house = house(&[]);
    let short = "All was said already.";
    let seen = check(&house, &says(short, ",end@4"), &says(short, ""), short, 0, "done").await;
    assert_eq!(seen.failovers, ["mini cloud ended_early"]);
    // What ends within a sentence was not: whoever has nothing to add is asked anew.
    let half = "It was not said to its";
    let end = format!("say,empty;{}", says(short, ""));
    check(&house, &says(half, ",end@6"), &end, short, 1, "done").await;
    // It has nothing to add, and its stream is at its end when that is known.
    check(&house, &says(short, ",end@5"), &says(short, ",no-newline"), short, 0, "done").await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_node_is_hedged() {
    let house = house(&[]);
    house.script(0, "hang");
    let began = Instant::now();
    let seen = ask(&house).await;
    assert_eq!((&seen.last["node"], began.elapsed().as_secs()), (&"cloud".into(), 5), "{seen:?}");
    let reasons = house.platform.take_events();
    assert!(!reasons.iter().any(|event| matches!(event, Event::Failed { .. })), "{reasons:?}");
    is_quiet(&house).await;
    // The budget is used up: the next one waits for as long as a first word may take.
    house.script(0, "hang");
    let began = Instant::now();
    let seen = ask(&house).await;
    assert_eq!((&seen.last["node"], began.elapsed().as_secs()), (&"cloud".into(), 15), "{seen:?}");
    is_quiet(&house).await;
    // Who was outrun can still go on with what the other one has begun.
    let outrunning = self::house(&[("HEDGE_BUDGET", "100")]);
    outrunning.script(0, &says(ANSWER, ",first=6000,reset@6"));
    outrunning.script(1, &says(ANSWER, ",first=4000"));
    outrunning.script(1, &says(ANSWER, ""));
    let seen = ask(&outrunning).await;
    assert_eq!((&*seen.text, &seen.last["node"]), (ANSWER, &"cloud".into()), "{seen:?}");
    // Twenty well ones later there is another hedge, and who is late but first wins.
    for _ in 0..20 {
        ask(&house).await;
        is_quiet(&house).await;
    }
    house.script(0, "say,first=6000");
    house.script(1, "say,first=4000");
    let seen = ask(&house).await;
    assert_eq!(seen.last["node"], "mini", "{seen:?}");
    is_quiet(&house).await;
}

/// He takes what keeps him company, and then nothing for longer than a node is waited for.
#[tokio::test(start_paused = true)]
async fn a_node_that_was_not_asked_yet_is_not_blamed_for_a_slow_reader() {
    let house = house(&[("LAST_FIRST_WORD_MS", "5000")]);
    house.script(0, &says(ANSWERS[0], ",reset@4"));
    house.script(1, &says(ANSWERS[0], ""));
    let Body::Events(mut events) = house.ask().await.into_body() else { panic!("a stream") };
    let mut text = Vec::new();
    while let Some(bytes) = events.next().await {
        text.extend_from_slice(&bytes);
        if bytes.starts_with(b":") {
            house.platform.sleep(Duration::from_secs(6)).await;
        }
    }
    let text = String::from_utf8(text).expect("text");
    assert!(text.contains(r#""type":"done","node":"cloud""#), "{text}");
}
