//! Requests to nodes, and what goes wrong with them by its name.

use std::cell::Cell;
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Once;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::Stream;
use homefire_core::platform::{FetchError, may_be_sent_twice};
use tokio::time::Instant;
use tower::util::MapRequestLayer;

/// A kept connection that was closed meanwhile says so at once.
const JUST_THEN: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// Whether the request has opened a connection, and not taken one that was kept.
    static IS_NEW: Cell<bool>;
}

/// A node's reply, chunk by chunk. Dropping it closes the connection.
pub struct Body(Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>);

/// A client that follows no redirect (Access answers with one to its login page) and asks no proxy.
pub fn client() -> reqwest::ClientBuilder {
    static CRYPTO: Once = Once::new();
    // Fails only if one is installed already, which is as good.
    CRYPTO.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .tcp_nodelay(true)
        .connector_layer(MapRequestLayer::new(note))
}

/// A connection is opened.
fn note<T>(to: T) -> T {
    // The command line asks outside of it.
    let _ = IS_NEW.try_with(|is_new| is_new.set(true));
    to
}

pub(crate) fn build(connect: Duration) -> reqwest::Client {
    client().connect_timeout(connect).build().expect("these settings do not contradict each other")
}

pub(crate) async fn fetch(
    client: &reqwest::Client,
    request: http::Request<Bytes>,
) -> Result<http::Response<Body>, FetchError> {
    let response = execute(client, request).await?;
    let mut reply = http::Response::new(());
    *reply.status_mut() = response.status();
    *reply.headers_mut() = response.headers().clone();
    Ok(reply.map(|()| Body(Box::pin(response.bytes_stream()))))
}

/// Where an instance stands still between two requests, as on Vercel, a kept connection may be closed unseen. A question that
/// breaks there at once was hardly heard by anybody, and is asked again, until it has a connection of its own; what breaks
/// later, or on that one, may have been heard.
async fn execute(
    client: &reqwest::Client,
    request: http::Request<Bytes>,
) -> Result<reqwest::Response, FetchError> {
    let asked = Instant::now();
    loop {
        let sent = reqwest::Request::try_from(request.clone()).map_err(|_| FetchError::Dns)?;
        let asking = async { (client.execute(sent).await, IS_NEW.with(Cell::get)) };
        match IS_NEW.scope(Cell::new(false), asking).await {
            (Ok(response), _) => return Ok(response),
            (Err(error), is_new) => {
                let why = name(&error);
                let is_stale = !is_new && why == FetchError::Broken && asked.elapsed() < JUST_THEN;
                if !(is_stale && may_be_sent_twice(&request)) {
                    return Err(why);
                }
            }
        }
    }
}

impl Stream for Body {
    type Item = Result<Bytes, FetchError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx).map_err(|error| name(&error))
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

fn name(error: &reqwest::Error) -> FetchError {
    if !error.is_connect() {
        return FetchError::Broken;
    }
    if error.is_timeout() {
        return FetchError::ConnectTimeout;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<io::Error>()
            && error.kind() == io::ErrorKind::ConnectionRefused
        {
            return FetchError::Refused;
        }
        // hyper-util keeps the type of this error to itself, and says what it is.
        if cause.to_string() == "dns error" {
            return FetchError::Dns;
        }
        source = cause.source();
    }
    FetchError::Broken
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::stream::TryStreamExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::task::JoinSet;

    use super::*;

    fn request(url: &str) -> http::Request<Bytes> {
        http::Request::post(format!("{url}/api/chat")).body(Bytes::from_static(b"{}")).unwrap()
    }

    async fn check(url: &str, expect: FetchError) {
        let error = fetch(&build(Duration::from_secs(3)), request(url)).await.map(|_| ()).unwrap_err();
        assert_eq!(error, expect, "{url}");
    }

    /// A server that does with each connection what `serve` does, until it is dropped. How many there were is counted.
    async fn server<F>(
        serve: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> (String, Arc<AtomicUsize>, JoinSet<()>)
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (opened, mut server) = (Arc::new(AtomicUsize::new(0)), JoinSet::new());
        let count = Arc::clone(&opened);
        server.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                open.spawn(serve(stream));
            }
        });
        (url, opened, server)
    }

    async fn hear(stream: &mut TcpStream) -> io::Result<()> {
        let mut heard = Vec::new();
        while !heard.ends_with(b"{}") {
            heard.push(stream.read_u8().await?);
        }
        Ok(())
    }

    async fn say(stream: &mut TcpStream) -> io::Result<()> {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await
    }

    /// And closes when it is asked again.
    async fn answers_once(mut stream: TcpStream) -> io::Result<()> {
        hear(&mut stream).await?;
        say(&mut stream).await?;
        hear(&mut stream).await
    }

    async fn ask(client: &reqwest::Client, url: &str) -> Result<Vec<Bytes>, FetchError> {
        fetch(client, request(url)).await?.into_body().try_collect().await
    }

    #[tokio::test]
    async fn failures_have_names() {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        check(&format!("http://{nobody}"), FetchError::Refused).await;
        check("http://nowhere.invalid", FetchError::Dns).await;
        for words in [&b""[..], b"SSH-2.0-OpenSSH\r\n"] {
            let (url, opened, _server) =
                server(move |mut stream| async move { stream.write_all(words).await }).await;
            check(&url, FetchError::Broken).await;
            assert_eq!(opened.load(Ordering::Relaxed), 1, "who is new is not asked twice");
        }
    }

    #[tokio::test]
    async fn closed_just_when_it_is_used_again() {
        let (url, opened, _server) = server(answers_once).await;
        let client = build(Duration::from_secs(3));
        for expect in 1..4 {
            assert_eq!(ask(&client, &url).await.unwrap(), ["ok"]);
            assert_eq!(opened.load(Ordering::Relaxed), expect);
        }
    }

    #[tokio::test]
    async fn what_changes_something_is_not_said_twice() {
        let (url, opened, _server) = server(answers_once).await;
        let client = build(Duration::from_secs(3));
        assert!(ask(&client, &url).await.is_ok());
        let swap = http::Request::post(&url).body(Bytes::from_static(b"{}")).unwrap();
        assert_eq!(fetch(&client, swap).await.map(|_| ()), Err(FetchError::Broken));
        assert_eq!(opened.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_question_that_was_heard_is_not_asked_again() {
        let serve = |mut stream: TcpStream| async move {
            hear(&mut stream).await?;
            say(&mut stream).await?;
            hear(&mut stream).await?;
            tokio::time::sleep(JUST_THEN).await;
            Ok(())
        };
        let (url, opened, _server) = server(serve).await;
        let client = build(Duration::from_secs(3));
        assert!(ask(&client, &url).await.is_ok());
        assert_eq!(ask(&client, &url).await, Err(FetchError::Broken));
        assert_eq!(opened.load(Ordering::Relaxed), 1);
    }
}
