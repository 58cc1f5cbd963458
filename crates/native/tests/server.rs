//! How the server ends, and what it serves beside the routes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use homefire_core::platform::{Event, Line};
use homefire_core::service::Service;
use homefire_native::{Native, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(5);

async fn start() -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    start_with(&[]).await
}

async fn start_with(settings: &[(&str, &str)]) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    start_logging(settings, |_| {}).await
}

async fn start_logging(
    settings: &[(&str, &str)],
    log: impl Fn(&Line<'_>) + Send + Sync + 'static,
) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let settings = [settings, &[("OLLAMA_PRIMARY_URL", "http://127.0.0.1:9")]].concat();
    let read =
        |name: &str| settings.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let service = Service::from_reader(read).expect("one node is configuration enough");
    let platform = Native::with_log(&service.config.deadlines, log);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("some port is free");
    let addr = listener.local_addr().expect("it listens");
    let (stop, stopped) = oneshot::channel();
    let server = serve(listener, platform, Arc::new(service), public(), async {
        let _ = stopped.await;
    });
    #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
    let task = tokio::spawn(server);
    (addr, stop, task)
}

fn public() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

async fn read_all(mut stream: TcpStream) -> String {
    let mut text = String::new();
    timeout(SOON, stream.read_to_string(&mut text))
        .await
        .expect("the server answers soon")
        .expect("and in text");
    text
}

#[tokio::test]
async fn what_is_being_answered_ends_and_nobody_else_is_served() {
    let (addr, stop, task) = start().await;
    let idle = TcpStream::connect(addr).await.unwrap();
    let mut asking = TcpStream::connect(addr).await.unwrap();
    let head = "POST /api/terminal HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n";
    asking.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(addr).await.is_err(), "it should not listen any more");
    asking.write_all(br#"{"query":"help"}"#).await.unwrap();
    let reply = read_all(asking).await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    assert_eq!(read_all(idle).await, "");
    timeout(SOON, task).await.unwrap().unwrap();
}

/// A round, whose caller leaves before it has ended.
#[tokio::test]
async fn what_goes_on_behind_a_reply_ends_too() {
    // It is connected to and says nothing.
    let node = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", node.local_addr().unwrap());
    let settings = [
        ("OLLAMA_PRIMARY_URL", &*url),
        ("PROBE_MS", "1000"),
        ("CRON_SECRET", "0123456789abcdef"),
        ("GITHUB_API_URL", "http://127.0.0.1:9"),
        ("GITLAB_API_URL", "http://127.0.0.1:9"),
    ];
    let played = Arc::new(AtomicBool::new(false));
    let (addr, stop, task) = start_logging(&settings, {
        let played = Arc::clone(&played);
        move |line| {
            if matches!(line.event, Event::Round { .. }) {
                played.store(true, Ordering::Relaxed);
            }
        }
    })
    .await;
    let mut calling = TcpStream::connect(addr).await.unwrap();
    let head = "GET /api/cron/health HTTP/1.1\r\nhost: x\r\nauthorization: Bearer 0123456789abcdef\r\n\r\n";
    calling.write_all(head.as_bytes()).await.unwrap();
    let asked = timeout(SOON, node.accept()).await.unwrap().unwrap();
    drop(calling);
    stop.send(()).unwrap();
    timeout(SOON, task).await.unwrap().unwrap();
    assert!(played.load(Ordering::Relaxed), "the round was dropped");
    drop(asked);
}

#[tokio::test]
async fn files_are_served_beside_the_routes_and_nothing_above_them() {
    let (addr, _stop, _task) = start().await;
    for (line, expect) in [
        ("GET /lib.rs", "200"),
        ("HEAD /lib.rs", "200"),
        ("GET /nothing", "404"),
        ("GET /lib.rs/nothing", "404"),
        ("GET /../Cargo.toml", "404"),
        ("GET /%2e%2e/Cargo.toml", "404"),
        ("POST /lib.rs", "404"),
        ("GET /api/nothing", "404"),
        ("GET /api/terminal", "405"),
    ] {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let request = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let reply = read_all(stream).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {expect}")), "{line}: {reply}");
    }
}

#[tokio::test]
async fn an_address_is_where_the_connection_comes_from_whatever_is_claimed() {
    let (addr, _stop, _task) = start_with(&[("RATE_LIMIT", "1")]).await;
    let forged = [
        "x-forwarded-for", "x-real-ip", "x-vercel-forwarded-for", "cf-connecting-ip", "forwarded",
        "client-ip",
    ];
    let ask = async |headers: &str| {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let body = r#"{"query":"Who are you?"}"#;
        let head =
            "POST /api/terminal HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json";
        let request = format!("{head}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.unwrap();
        read_all(stream).await
    };
    let first = ask("").await;
    assert!(first.starts_with("HTTP/1.1 503") && first.contains("no_node"), "{first}");
    for name in forged {
        let reply = ask(&format!("{name}: 192.0.2.1\r\n")).await;
        assert!(reply.starts_with("HTTP/1.1 429"), "{name}: {reply}");
    }
}
