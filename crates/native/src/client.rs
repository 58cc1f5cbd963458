//! Requests to nodes, and what goes wrong with them by its name.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Once;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::Stream;
use homefire_core::platform::FetchError;

/// A node's reply, chunk by chunk. Dropping it closes the connection.
pub struct Body(Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>);

/// A client that follows no redirect (Access answers with one to its login page), asks no proxy and tries once.
pub fn client() -> reqwest::ClientBuilder {
    static CRYPTO: Once = Once::new();
    // Fails only if one is installed already, which is as good.
    CRYPTO.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .tcp_nodelay(true)
}

pub(crate) fn build(connect: Duration) -> reqwest::Client {
    client().connect_timeout(connect).build().expect("these settings do not contradict each other")
}

pub(crate) async fn fetch(
    client: &reqwest::Client,
    request: http::Request<Bytes>,
) -> Result<http::Response<Body>, FetchError> {
    let request = reqwest::Request::try_from(request).map_err(|_| FetchError::Dns)?;
    let response = client.execute(request).await.map_err(|error| name(&error))?;
    let mut reply = http::Response::new(());
    *reply.status_mut() = response.status();
    *reply.headers_mut() = response.headers().clone();
    Ok(reply.map(|()| Body(Box::pin(response.bytes_stream()))))
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
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    async fn check(url: String, expect: FetchError) {
        let request = http::Request::get(&url).body(Bytes::new()).unwrap();
        let error = fetch(&build(Duration::from_secs(3)), request).await.map(|_| ()).unwrap_err();
        assert_eq!(error, expect, "{url}");
    }

    /// A server that says `words` to everyone and closes.
    async fn saying(words: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        drop(tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.write_all(words).await.unwrap();
            }
        }));
        format!("http://{addr}")
    }

    #[tokio::test]
    async fn failures_have_names() {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        check(format!("http://{nobody}"), FetchError::Refused).await;
        check("http://nowhere.invalid".to_owned(), FetchError::Dns).await;
        check(saying(b"").await, FetchError::Broken).await;
        check(saying(b"SSH-2.0-OpenSSH\r\n").await, FetchError::Broken).await;
    }
}
