//! Connections to Ollama: kept while they are good, taken by one request at a time.
//!
//! Whoever waits for what comes on one reads it: hyper's client would have a task of its own between, or be moved along by
//! hand, and a word cost half as much again (`docs/performance.md`).

mod reply;

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{HeaderName, HeaderValue, Method};
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use reply::{Begun, Next, Rest};

pub(crate) use reply::Head;

/// Connections that are kept while nobody uses them.
const MOST_KEPT: usize = 64;

/// Bytes that are read at once.
const PIECE: usize = 8 * 1024;

/// A connection that nobody used is closed at once when a question meets its end, if it is.
const JUST_THEN: Duration = Duration::from_secs(1);

/// A reply that is awaited. Dropping it closes its connection.
pub(crate) type Asking = Pin<Box<dyn Future<Output = io::Result<Reply>> + Send>>;

/// A request as it goes over the wire, in one piece. What a `HeaderValue` holds ends no line.
pub(crate) struct Question(Vec<u8>);

/// What is said to it.
pub(crate) struct Reply {
    pub(crate) head: Head,
    pub(crate) body: Coming,
}

/// All of them. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Wires(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    host: String,
    port: u16,
    patience: Duration,
    /// Those that nobody uses.
    wires: Mutex<Vec<TcpStream>>,
}

/// A reply's body. Dropping it before its end closes its connection.
pub(crate) struct Coming {
    /// Whether another request may follow on it; none once it is given back.
    wire: Option<(TcpStream, bool)>,
    /// What was read and not yet handed on.
    read: BytesMut,
    rest: Rest,
    kept: Arc<Kept>,
}

impl Wires {
    /// To `host`, which must take a connection within `patience`.
    pub(crate) fn new(host: &str, port: u16, patience: Duration) -> Self {
        // Brackets are of an address in a URL, and not of an address.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Self(Arc::new(Kept { host, port, patience, wires: Mutex::default() }))
    }

    /// What a kept connection takes at once is written at once, before anybody waits for the reply.
    pub(crate) fn send(&self, question: Question) -> Asking {
        let (kept, Question(text)) = (Arc::clone(&self.0), question);
        let mut taken = kept.take().map(|stream| (stream.try_write(&text).unwrap_or(0), stream));
        Box::pin(async move {
            let asked = Instant::now();
            while let Some((written, stream)) = taken {
                match ask(stream, &text[written..], &kept).await {
                    // It was closed just then, and Ollama has heard nothing. What is closed later may have been heard, and
                    // nobody is asked twice.
                    Err(error) if is_gone(&error) && asked.elapsed() < JUST_THEN => {
                        taken = kept.take().map(|stream| (0, stream));
                    }
                    reply => return reply,
                }
            }
            ask(kept.open().await?, &text, &kept).await
        })
    }
}

impl Question {
    pub(crate) fn new<'a>(
        method: &Method,
        path: &'static str,
        headers: impl IntoIterator<Item = (HeaderName, &'a HeaderValue)>,
        body: &[u8],
    ) -> Self {
        let mut text = Vec::with_capacity(512 + body.len());
        let mut add = |words: &[&[u8]]| words.iter().for_each(|word| text.extend_from_slice(word));
        add(&[method.as_str().as_bytes(), b" ", path.as_bytes(), b" HTTP/1.1\r\n"]);
        for (name, value) in headers {
            add(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
        }
        if !body.is_empty() {
            add(&[CONTENT_LENGTH.as_str().as_bytes(), b": ", body.len().to_string().as_bytes(), b"\r\n"]);
        }
        add(&[b"\r\n", body]);
        Self(text)
    }
}

/// Writes the rest of a question, and waits for the reply's head.
async fn ask(mut stream: TcpStream, rest: &[u8], kept: &Arc<Kept>) -> io::Result<Reply> {
    let written = stream.write_all(rest).await;
    // Who does not listen to the end may have said why.
    let (read, Begun { head, rest, stays }) = head(&mut stream).await?;
    let wire = Some((stream, stays && written.is_ok()));
    Ok(Reply { head, body: Coming { wire, read, rest, kept: Arc::clone(kept) } })
}

/// Whether the connection was closed before a byte came.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof)
}

/// The head of a reply, and what was read behind it.
async fn head(stream: &mut TcpStream) -> io::Result<(BytesMut, Begun)> {
    let mut read = BytesMut::new();
    loop {
        match poll_fn(|cx| more(stream, &mut read, cx)).await {
            Ok(0) | Err(_) if !read.is_empty() => return Err(io::Error::other("half a head")),
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) => return Err(error),
        }
        if let Some(begun) = reply::begin(&mut read)? {
            return Ok((read, begun));
        }
    }
}

/// Reads what is there, and says how many bytes it is: none at the end.
fn more(stream: &mut TcpStream, read: &mut BytesMut, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
    let mut piece = [MaybeUninit::uninit(); PIECE];
    let mut piece = ReadBuf::uninit(&mut piece);
    ready!(Pin::new(stream).poll_read(cx, &mut piece))?;
    read.extend_from_slice(piece.filled());
    Poll::Ready(Ok(piece.filled().len()))
}

impl Kept {
    fn take(&self) -> Option<TcpStream> {
        let mut wires = self.wires();
        std::iter::from_fn(|| wires.pop()).find(is_good)
    }

    fn keep(&self, stream: TcpStream) {
        let mut wires = self.wires();
        // The one that was used longest ago: of those that are kept, each comes to this place if none is used.
        if wires.len() == MOST_KEPT || wires.first().is_some_and(|first| !is_good(first)) {
            wires.remove(0);
        }
        wires.push(stream);
    }

    async fn open(&self) -> io::Result<TcpStream> {
        let stream = timeout(self.patience, TcpStream::connect((&*self.host, self.port))).await??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn wires(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.wires.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it is open, and nothing has come that nobody asked for.
fn is_good(stream: &TcpStream) -> bool {
    matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

impl Coming {
    fn next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Next>> {
        loop {
            match self.rest.next(&mut self.read)? {
                Next::Later => {}
                next @ (Next::Data(_) | Next::End) => return Poll::Ready(Ok(next)),
            }
            // It was broken, and is asked once more.
            let Some((stream, _)) = &mut self.wire else {
                return Poll::Ready(Err(ErrorKind::NotConnected.into()));
            };
            if ready!(more(stream, &mut self.read, cx))? == 0 {
                self.wire = None;
                return Poll::Ready(self.rest.closed());
            }
        }
    }

    /// The reply is complete, or broken.
    fn give_back(&mut self) {
        if let Some((stream, true)) = self.wire.take().filter(|_| self.rest.is_over() && self.read.is_empty())
        {
            self.kept.keep(stream);
        }
    }
}

impl Body for Coming {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = ready!(self.next(cx));
        if let Ok(Next::Data(data)) = next {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        self.give_back();
        Poll::Ready(next.err().map(Err))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        match self.rest {
            Rest::Bytes(left) => SizeHint::with_exact(left),
            Rest::Nothing => SizeHint::with_exact(0),
            Rest::Size | Rest::Chunk(_) | Rest::Line | Rest::Trailers | Rest::All => SizeHint::default(),
        }
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;

    /// A server whose every connection answers so often, the last time saying `last`, and closes when it is asked again. How
    /// many there were is counted.
    async fn server(answers: usize, last: &'static str) -> (Wires, Arc<AtomicUsize>, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wires = Wires::new("127.0.0.1", listener.local_addr().unwrap().port(), Duration::from_secs(3));
        let (opened, mut server) = (Arc::new(AtomicUsize::new(0)), JoinSet::new());
        let count = Arc::clone(&opened);
        server.spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                open.spawn(async move {
                    for nth in 1..=answers {
                        let mut heard = Vec::new();
                        while !heard.ends_with(b"\r\n\r\n") {
                            heard.push(stream.read_u8().await?);
                        }
                        let end = if nth == answers { last } else { "" };
                        let said = format!("HTTP/1.1 200 OK\r\n{end}content-length: 2\r\n\r\nok");
                        stream.write_all(said.as_bytes()).await?;
                    }
                    stream.read_u8().await
                });
            }
        });
        (wires, opened, server)
    }

    fn question() -> Question {
        Question::new(&Method::GET, "/", [], b"")
    }

    async fn ask(wires: &Wires) {
        let reply = wires.send(question()).await.unwrap();
        assert_eq!(reply.body.collect().await.unwrap().to_bytes(), "ok");
    }

    #[tokio::test]
    async fn kept_while_they_are_good() {
        let (wires, opened, _server) = server(2, "connection: close\r\n").await;
        for (nth, expect) in (0..5).zip([1, 1, 2, 2, 3]) {
            ask(&wires).await;
            assert_eq!(opened.load(Ordering::Relaxed), expect, "{nth}");
        }
        tokio::join!(ask(&wires), ask(&wires));
        assert_eq!(opened.load(Ordering::Relaxed), 4, "one goes where there is room, the other finds none");
    }

    #[tokio::test]
    async fn closed_just_when_it_is_used_again() {
        let (wires, opened, _server) = server(1, "").await;
        for expect in 1..4 {
            ask(&wires).await;
            assert_eq!(opened.load(Ordering::Relaxed), expect);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_was_heard_is_not_asked_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wires = Wires::new("127.0.0.1", listener.local_addr().unwrap().port(), Duration::from_secs(3));
        let mut server = JoinSet::new();
        server.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for work in [Duration::ZERO, JUST_THEN] {
                let mut heard = Vec::new();
                while !heard.ends_with(b"\r\n\r\n") {
                    heard.push(stream.read_u8().await.unwrap());
                }
                tokio::time::sleep(work).await;
                if work == Duration::ZERO {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
                }
            }
            drop(stream);
            timeout(JUST_THEN, listener.accept()).await.is_err()
        });
        ask(&wires).await;
        assert!(wires.send(question()).await.is_err());
        assert!(server.join_next().await.unwrap().unwrap(), "it was asked on a connection of its own");
    }

    #[tokio::test]
    async fn longer_than_what_is_taken_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wires = Wires::new("127.0.0.1", listener.local_addr().unwrap().port(), Duration::from_secs(3));
        let body: Vec<u8> = (0..8_000_000_u32).map(|at| (at % 251) as u8).collect();
        let (expect, mut server) = (body.clone(), JoinSet::new());
        server.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for _ in 0..2 {
                let mut heard = Vec::new();
                while !heard.ends_with(b"\r\n\r\n") {
                    heard.push(stream.read_u8().await.unwrap());
                }
                let mut said = vec![0; expect.len()];
                stream.read_exact(&mut said).await.unwrap();
                assert!(said == expect, "what comes is what was asked");
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            }
        });
        // The first opens the connection, and the second finds it.
        for _ in 0..2 {
            let reply = wires.send(Question::new(&Method::POST, "/", [], &body)).await.unwrap();
            assert_eq!(reply.body.collect().await.unwrap().to_bytes(), "ok");
        }
        server.join_all().await;
    }

    #[tokio::test]
    async fn nobody_that_answers() {
        let (wires, opened, _server) = server(0, "").await;
        assert!(wires.send(question()).await.is_err());
        assert_eq!(opened.load(Ordering::Relaxed), 1, "who is new is not asked twice");
    }

    #[tokio::test]
    async fn nobody_there() {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let wires = Wires::new("[::1]", port, Duration::from_secs(3));
        assert!(wires.send(question()).await.is_err());
    }
}
