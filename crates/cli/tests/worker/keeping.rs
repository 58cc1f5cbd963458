//! What the Durable Object keeps.

use homefire_sim::chaos::PACE;
use homefire_sim::scenario::{MODELS, nodes_variable};
use homefire_sim::{Node, Server};
use serde_json::json;
use tokio::time::sleep;

use super::served::{PATIENCE, Served, ask, hear};
use super::*;

#[tokio::test]
async fn what_a_round_finds_outlives_the_program() {
    let nowhere = json!("http://127.0.0.1:1");
    let variables = [
        ("CRON_SECRET", json!("the-secret-of-the-test")),
        ("OLLAMA_PRIMARY_URL", nowhere.clone()),
        ("GITHUB_API_URL", nowhere.clone()),
        ("GITLAB_API_URL", nowhere),
    ];
    let served = Served::start(&variables).await.unwrap();
    let round = "GET /api/cron/health HTTP/1.1\r\nhost: homefire\r\nauthorization: Bearer the-secret-of-the-test\r\n\r\n";
    hear(served.port, round.as_bytes()).await.unwrap();
    assert!(!served.log().contains("memory_only"), "{}", served.log());

    let served = served.restart(&variables).await.unwrap();
    let status = hear(served.port, b"GET /api/status HTTP/1.1\r\nhost: homefire\r\n\r\n").await.unwrap();
    assert!(status.contains(r#""why":"unreachable""#), "{status}");
}

#[tokio::test]
async fn questions_are_counted_among_all_instances() {
    let node = Server::start(Node::new(&MODELS, PACE), 0, false).await.unwrap();
    let nodes = nodes_variable(&node.url(), "http://127.0.0.1:1");
    let served = Served::start(&[("HOMEFIRE_NODES", json!(nodes))]).await.unwrap();
    // A count comes within 50 ms or is not waited for: on a busy machine not each time. Who was not counted out would be
    // among the next one's for two minutes.
    let counted = async {
        while served.log().matches(r#""in_flight":1,"counted":"fleet""#).count() < 3 {
            let heard = hear(served.port, ask("Who are you?").as_bytes()).await.unwrap();
            assert!(heard.contains(r#""type":"done""#), "{heard}");
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, counted).await.expect("the object counts");
}
