//! A place at a model, when its reader leaves or its slot is lost: it is free again, and nothing is loaded twice.

mod home;

use std::time::Duration;

use homefire_node::config::Waits;
use homefire_sim::{End, Pace, Script};
use serde_json::{Value, json};
use tokio::time::sleep;

use home::{BEST, Home, NEW, chat, until, until_says};

#[tokio::test]
async fn who_leaves_frees_the_slot() {
    let home = Home::start(|config| config.waits.drain = Duration::from_millis(500)).await;
    let check = async |script: &str, end: End, logged: &str| {
        // A model that is in memory: one that is being loaded has more time.
        assert_eq!(home.asks("say", &[]).await.status, 200);
        let before = home.received();
        home.node().queue(script.parse().unwrap());
        let stream = home.open("POST", "/api/chat", &chat(BEST)).await;
        until("it arrives", || home.node().in_flight() == 1).await;
        drop(stream);
        until("it is over", || home.in_flight() == 0).await;
        until("Ollama sees it", || home.node().in_flight() == 0).await;
        assert_eq!(home.node().received()[before].end, Some(end), "{script}");
        until("it is logged", || home.log().contains(logged)).await;
        let next = home.asks("say", &[]).await;
        assert!(next.body.contains("\"done\":true"), "{script}: {next:?}");
    };
    check("say,pace=5", End::Finished, "\"left_drained\"").await;
    check("say,stall@2", End::Left, "\"left_dropped\"").await;
    check("hang", End::Left, "\"left_dropped\"").await;
}

/// Ollama breaks a load off with the request that it is for, and begins it anew for the next.
#[tokio::test]
async fn who_leaves_does_not_end_a_load() {
    let load = Duration::from_secs(1);
    let slow = Pace { load, ..Pace::QUICK };
    for lists_early in [false, true] {
        let home = Home::with(slow, |config| config.waits.drain = load / 2).await;
        home.node().list_early(lists_early);
        home.node().queue("say,pace=0".parse().unwrap());
        let stream = home.open("POST", "/api/chat", &chat(BEST)).await;
        until("it arrives", || home.node().in_flight() == 1).await;
        drop(stream);
        until("it is over", || home.in_flight() == 0).await;
        until("it is logged", || home.log().contains("\"left_drained\"")).await;
        assert_eq!(home.asks("say", &[]).await.status, 200);
        assert_eq!(home.node().received().iter().filter(|request| request.loads).count(), 1);
        let memory: Value = serde_json::from_str(&home.direct("GET", "/api/ps", "").await.body).unwrap();
        assert_eq!(memory["models"][0]["name"], BEST);
    }
}

#[tokio::test]
async fn a_load_that_does_not_end_is_broken_off() {
    let slow = Pace { load: Duration::from_secs(3600), ..Pace::QUICK };
    let home = Home::with(slow, |config| {
        config.waits.load = Duration::from_millis(200);
        config.waits.drain = Duration::from_millis(100);
    })
    .await;
    let stream = home.open("POST", "/api/chat", &chat(BEST)).await;
    until("it arrives", || home.node().in_flight() == 1).await;
    drop(stream);
    until("it is over", || home.in_flight() == 0).await;
    until("it is logged", || home.log().contains("\"left_dropped\"")).await;
}

#[tokio::test]
async fn who_leaves_before_he_is_let_in() {
    let home = Home::start(|config| config.waits.queue = Duration::from_secs(10)).await;
    home.node().queue("say,stall@2".parse().unwrap());
    let _first = home.open("POST", "/api/chat", &chat(BEST)).await;
    until("it arrives", || home.received() == 1).await;
    let second = home.open("POST", "/api/chat", &chat(BEST)).await;
    until_says(&home, "queued", json!(1)).await;
    drop(second);
    until_says(&home, "queued", json!(0)).await;
    until("it is logged", || home.log().contains("\"/api/chat\"")).await;
    let log = home.log();
    let line = log.lines().find(|line| line.contains("\"/api/chat\"")).unwrap();
    assert!(line.contains("\"status\":0,\"end\":\"left\""), "{line}");
    let metrics = home.ask("GET", "/metrics", None, &[], "").await.body;
    assert!(metrics.contains("homefire_node_ends_total{end=\"left\"} 1\n"), "{metrics}");
}

#[tokio::test]
async fn who_neither_takes_nor_leaves_is_gone() {
    let home = Home::start(|config| {
        config.waits.stalled = Duration::from_millis(300);
        config.waits.drain = Duration::from_millis(300);
    })
    .await;
    // More than the sockets between hold.
    home.node().queue("say,long-line@2".parse().unwrap());
    let _deaf = home.open("POST", "/api/chat", &chat(BEST)).await;
    until("it arrives", || home.received() == 1).await;
    until("its place is free", || home.in_flight() == 0).await;
    assert_eq!(home.asks("say", &[]).await.status, 200);
}

#[tokio::test]
async fn who_asks_ollama_directly_has_not_lost_its_slot() {
    let file = home::place("not-restarted");
    let command = format!("echo once >> {}", file.display());
    let home = Home::start(|config| {
        config.waits =
            Waits { look: Duration::from_millis(100), word: Duration::from_millis(50), ..config.waits };
        config.restart_command = Some(command);
    })
    .await;
    assert_eq!(home.asks("say", &[]).await.status, 200);
    home.node().queue("say,stall@2".parse().unwrap());
    let (chat, before) = (chat(BEST), home.received());
    let owner = home.direct("POST", "/api/chat", &chat);
    tokio::select! {
        said = owner => panic!("{said:?}"),
        // Himself, and four looks at two lists and for a word each.
        () = until("the guard has looked in vain", || home.received() > before + 1 + 4 * 3) => {}
    }
    assert_eq!(home.health().await["status"], "ok");
    assert!(!file.exists(), "Ollama is restarted");
}

#[tokio::test]
async fn a_look_leaves_the_model_as_it_was_loaded() {
    let body = json!({
        "model": BEST,
        "messages": [{"role": "user", "content": "Hi"}],
        "keep_alive": -1,
        "options": {"num_ctx": 8192, "temperature": 0.2},
    })
    .to_string();
    for was_asked in [true, false] {
        let home = Home::start(|config| {
            let (look, drain) = (Duration::from_millis(200), Duration::from_millis(100));
            config.waits = Waits { look, drain, ..config.waits };
        })
        .await;
        if was_asked {
            assert_eq!(home.ask("POST", "/api/chat", Some(NEW), &[], &body).await.status, 200);
            // Whoever leaves before a word leaves a doubt.
            home.node().queue_for("Hi", Script::Hang);
            let stream = home.open("POST", "/api/chat", &body).await;
            until("it arrives", || home.node().works_on("Hi")).await;
            drop(stream);
        } else {
            // As before this guard was started: how the model was loaded only Ollama's list says.
            assert_eq!(home.direct("POST", "/api/chat", &body).await.status, 200);
        }
        let looks = || {
            let mut asked = home.node().received();
            asked.retain(|request| String::from_utf8_lossy(&request.body).contains("Say ok."));
            asked
        };
        until("a look has its word", || looks().iter().any(|look| look.end == Some(End::Finished))).await;
        assert_eq!(home.node().received().iter().filter(|request| request.loads).count(), 1, "{was_asked}");
        let memory: Value = serde_json::from_str(&home.direct("GET", "/api/ps", "").await.body).unwrap();
        let memory = &memory["models"][0];
        assert_eq!((&memory["name"], &memory["context_length"]), (&json!(BEST), &json!(8192)));
        assert!(memory["expires_at"].as_str() > Some("2300"), "{memory}");
    }
}

#[tokio::test]
async fn a_lost_slot_is_told() {
    let file = home::place("restarted");
    let command = format!("echo once >> {}", file.display());
    let home = Home::start(|config| {
        config.waits = Waits {
            look: Duration::from_millis(200),
            word: Duration::from_millis(300),
            drain: Duration::from_millis(100),
            ..config.waits
        };
        config.restart_command = Some(command);
    })
    .await;
    assert_eq!(home.asks("say", &[]).await.status, 200);
    let health = home.health().await;
    assert_eq!((&health["status"], &health["wedged"]), (&json!("ok"), &json!(false)), "{health}");
    assert_eq!(health["warm"], json!([BEST]));
    home.node().queue(Script::Wedge);
    drop(home.open("POST", "/api/chat", &chat(BEST)).await);
    until_says(&home, "status", json!("wedged")).await;
    until("it is restarted", || file.exists()).await;
    sleep(Duration::from_millis(600)).await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "once\n", "not again within ten minutes");
    let metrics = home.ask("GET", "/metrics", None, &[], "").await.body;
    assert!(
        metrics.contains("homefire_node_wedged 1\n") && metrics.contains("homefire_node_restarts_total 1\n"),
        "{metrics}"
    );
    // As after a restart that helped.
    home.node().reset();
    assert!(home.asks("say", &[]).await.body.contains("\"done\":true"));
    assert_eq!(home.health().await["status"], "ok");
    let _ = std::fs::remove_file(file);
}

/// The guard breaks an answer off itself that takes too long.
#[tokio::test]
async fn a_slot_that_is_lost_to_a_patient_reader_is_told() {
    let home = Home::start(|config| {
        let (answer, word) = (Duration::from_secs(1), Duration::from_millis(300));
        config.waits = Waits { answer, word, ..config.waits };
    })
    .await;
    assert_eq!(home.asks("say,pace=0", &[]).await.status, 200);
    let said = home.asks("wedge", &[]).await;
    assert_eq!((said.status, &*said.body), (503, r#"{"error":"overdue"}"#));
    until_says(&home, "status", json!("wedged")).await;
}
