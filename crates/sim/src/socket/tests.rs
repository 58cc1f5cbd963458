//! A node over TCP: what is on the wire, and how connections end.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::{Reach, Server};
use crate::node::{End, Node, Pace};
use crate::outside::{Answer, Broken, Outside};
use crate::scenario::MODELS;

async fn server() -> Server {
    Server::start(Node::new(&MODELS, Pace::QUICK), 0, false).await.unwrap()
}

async fn send<S>(server: &Server<S>, method: &str, path: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let length = body.len();
    let request =
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn chat(server: &Server, model: &str) -> TcpStream {
    let body =
        format!(r#"{{"model":"{model}","think":false,"messages":[{{"role":"user","content":"Hi"}}]}}"#);
    send(server, "POST", "/api/chat", &body).await
}

/// Everything up to the end, and how it ended.
async fn rest(mut stream: TcpStream) -> (String, Option<std::io::ErrorKind>) {
    let mut bytes = Vec::new();
    let end = timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await.expect("it ends");
    (String::from_utf8_lossy(&bytes).into_owned(), end.err().map(|error| error.kind()))
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..500 {
        if is_so() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} within five seconds");
}

#[tokio::test]
async fn a_stream_is_go_on_the_wire() {
    let server = server().await;
    let (text, end) = rest(chat(&server, "sim:say").await).await;
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(end, None);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"), "{head}");
    assert!(head.contains("\r\nTransfer-Encoding: chunked"), "{head}");
    assert!(body.ends_with("\r\n0\r\n\r\n"), "{body}");
    assert_eq!(server.node().received()[0].end, Some(End::Finished));
}

#[tokio::test]
async fn a_whole_reply_tells_its_length() {
    let server = server().await;
    let check = async |method, path, head: &str, body: &str| {
        let (text, end) = rest(send(&server, method, path, "").await).await;
        let (seen, said) = text.split_once("\r\n\r\n").unwrap();
        assert!(seen.starts_with(head) && !seen.contains("chunked"), "{method} {path}: {seen}");
        assert_eq!((said, end), (body, None), "{method} {path}");
    };
    let text = |status, length| {
        format!("HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n")
    };
    let json = "Content-Type: application/json; charset=utf-8\r\nContent-Length:";
    check("GET", "/api/version", &format!("HTTP/1.1 200 OK\r\n{json} 21"), r#"{"version":"0.32.15"}"#).await;
    check("HEAD", "/api/version", &format!("HTTP/1.1 200 OK\r\n{json} 21"), "").await;
    check("GET", "/api/ps", &format!("HTTP/1.1 200 OK\r\n{json} 13"), r#"{"models":[]}"#).await;
    check("GET", "/nothing", &text("404 Not Found", 18), "404 page not found").await;
    check("GET", "/api/chat", &text("405 Method Not Allowed", 22), "405 method not allowed").await;
    let missing = r#"{"error":"missing request body"}"#;
    check("POST", "/api/chat", &format!("HTTP/1.1 400 Bad Request\r\n{json} 32"), missing).await;
    assert!(server.node().received().iter().all(|request| request.end == Some(End::Finished)));
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let server = server().await;
    let (text, end) = rest(chat(&server, "sim:reset@3").await).await;
    assert_eq!(end, Some(std::io::ErrorKind::ConnectionReset), "{text}");
    assert_eq!(text.matches("\"done\":false").count(), 3, "what was said before it arrives: {text}");
    assert_eq!(server.node().received()[0].end, Some(End::Reset));
    // Before a head, too.
    let body = r#"{"model":"sim:reset@3","stream":false,"messages":[{"role":"user","content":"Hi"}]}"#;
    let (text, end) = rest(send(&server, "POST", "/api/chat", body).await).await;
    assert_eq!((&*text, end), ("", Some(std::io::ErrorKind::ConnectionReset)));
}

#[tokio::test]
async fn a_client_who_leaves_frees_the_slot() {
    let server = server().await;
    for script in ["sim:stall@2", "sim:hang"] {
        let stream = chat(&server, script).await;
        until("it arrives", || server.node().in_flight() == 1).await;
        drop(stream);
        until("it is seen to leave", || server.node().in_flight() == 0).await;
        assert_eq!(server.node().received().pop().unwrap().end, Some(End::Left), "{script}");
    }
    let (text, _) = rest(chat(&server, MODELS[0]).await).await;
    assert!(text.contains("\"done\":true"), "{text}");
}

#[tokio::test]
async fn a_byte_is_a_segment() {
    let server = server().await;
    let (text, _) = rest(chat(&server, "sim:say,bytes,pace=0").await).await;
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    // Every chunk but the last is `1\r\n?\r\n`; a line's end is a chunk of its own, too.
    assert!(body.starts_with("1\r\n{\r\n1\r\n\"\r\n1\r\nm\r\n"), "{}", &body[..40]);
}

#[tokio::test]
async fn it_falls_and_comes_back() {
    let mut server = server().await;
    let stream = chat(&server, "sim:say,pace=50").await;
    until("it speaks", || server.node().received().iter().any(|request| !request.said.is_empty())).await;
    server.set(Reach::Down).await.unwrap();
    assert_eq!(rest(stream).await.1, Some(std::io::ErrorKind::ConnectionReset));
    let refused = TcpStream::connect(server.addr()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    server.set(Reach::Silent).await.unwrap();
    assert!(timeout(Duration::from_millis(300), TcpStream::connect(server.addr())).await.is_err());
    server.set(Reach::Up).await.unwrap();
    assert!(rest(chat(&server, "sim:say").await).await.0.contains("\"done\":true"));
}

#[tokio::test]
async fn a_person_can_drive_it() {
    let server = server().await;
    let check = async |method, path, body, status: &str, says: &str| {
        let (text, _) = rest(send(&server, method, path, body).await).await;
        assert!(text.starts_with(&format!("HTTP/1.1 {status}")) && text.contains(says), "{path}: {text}");
    };
    check("POST", "/_sim/script", "503\n", "204", "").await;
    check("POST", "/_sim/script", "nonsense", "400", "is no script").await;
    let (text, _) = rest(chat(&server, MODELS[0]).await).await;
    assert!(text.starts_with("HTTP/1.1 503"), "{text}");
    check("GET", "/_sim/requests", "", "200", "\"end\": \"finished\"").await;
    check("POST", "/_sim/reset", "", "204", "").await;
    check("GET", "/_sim/requests", "", "200", "\r\n\r\n[]\n").await;
    check("GET", "/_sim/reset", "", "404", "POST /_sim/reset").await;
}

/// Says where it was asked; breaks what is asked at `/broken`.
#[derive(Clone, Debug)]
struct Echo;

impl Outside for Echo {
    fn answer(&self, request: Request<Bytes>) -> Answer<'_> {
        Box::pin(async move {
            match request.uri().path() {
                "/broken" => Err(Broken),
                path => Ok(Response::new(path.to_owned().into())),
            }
        })
    }
}

#[tokio::test]
async fn a_service_that_is_no_node_listens() {
    let mut server = Server::open(Echo, 0, false).await.unwrap();
    let (text, end) = rest(send(&server, "GET", "/_sim/here", "").await).await;
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\n/_sim/here"), "{text}");
    assert_eq!(end, None);
    let (text, end) = rest(send(&server, "GET", "/broken", "").await).await;
    assert_eq!((&*text, end), ("", Some(std::io::ErrorKind::ConnectionReset)));
    server.set(Reach::Down).await.unwrap();
    let refused = TcpStream::connect(server.addr()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}
