//! A stream of events written by one straight `async` function.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::stream::Stream;

/// Bytes of server-sent events.
///
/// Nothing fails once the head is sent: an error is an event like any other. Dropping the stream drops its writer
/// where it waits, and with it the upstream request and the lease that it holds, and what is kept as long as it.
pub struct Events {
    inner: Arc<Inner>,
}

/// Where the writer of [`Events`] puts its bytes. Holds one buffer: a slow reader slows the writer down.
#[derive(Clone, Debug)]
pub struct Sink {
    inner: Arc<Inner>,
}

/// Sees the end of [`Events`], and can bring it about when a reader neither reads nor leaves.
#[derive(Debug)]
pub struct Watchdog {
    inner: Arc<Inner>,
}

/// Two locks, as the writer fills the slot while it is being polled.
#[derive(Default)]
struct Inner {
    run: Mutex<Run>,
    slot: Mutex<Option<Bytes>>,
    is_ended: AtomicBool,
}

#[derive(Default)]
struct Run {
    writer: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    last: Option<Bytes>,
    reader: Option<Waker>,
    watchdog: Option<Waker>,
    kept: Option<Box<dyn Send>>,
}

impl Events {
    /// `write` is given the [`Sink`] into which it sends, and ends the stream by returning.
    pub fn new<F>(write: impl FnOnce(Sink) -> F) -> (Self, Watchdog)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let inner = Arc::new(Inner::default());
        lock(&inner.run).writer = Some(Box::pin(write(Sink { inner: Arc::clone(&inner) })));
        (Self { inner: Arc::clone(&inner) }, Watchdog { inner })
    }

    /// What knows, whoever holds them then, whether their reader has the end.
    pub fn ending(&self) -> impl Fn() -> bool + Send + 'static {
        let inner = Arc::clone(&self.inner);
        move || inner.is_ended.load(Ordering::Relaxed)
    }

    /// Keeps `value` as long as the writer.
    pub(crate) fn keep(&self, value: impl Send + 'static) {
        let mut run = lock(&self.inner.run);
        if run.writer.is_some() {
            run.kept = Some(Box::new(value));
        }
    }
}

impl Stream for Events {
    type Item = Bytes;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut run = lock(&self.inner.run);
        if let Some(writer) = &mut run.writer
            && writer.as_mut().poll(cx).is_ready()
        {
            run.close();
        }
        match lock(&self.inner.slot).take().or_else(|| run.last.take()) {
            Some(bytes) => Poll::Ready(Some(bytes)),
            None if run.writer.is_none() => Poll::Ready(None),
            None => {
                run.reader.get_or_insert_with(|| cx.waker().clone()).clone_from(cx.waker());
                Poll::Pending
            }
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        lock(&self.inner.run).close();
    }
}

impl Run {
    fn close(&mut self) {
        (self.writer, self.kept) = (None, None);
        for waker in [self.reader.take(), self.watchdog.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

impl Sink {
    /// Hands `bytes` over and resolves when the reader has asked for more.
    pub async fn send(&self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        *lock(&self.inner.slot) = Some(bytes);
        // Whoever polls the writer looks into the slot right afterwards, and polls again only when it wants more:
        // no waker is needed.
        poll_fn(|_| match lock(&self.inner.slot).is_some() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
    }

    /// The same with the event that is the reply's end: from now on its reader is told no other.
    pub fn end(&self, bytes: Bytes) -> impl Future<Output = ()> {
        self.inner.is_ended.store(true, Ordering::Relaxed);
        self.send(bytes)
    }

    /// Whether its reader has the end: whoever polls the writer takes it at once.
    pub(crate) fn is_ended(&self) -> bool {
        self.inner.is_ended.load(Ordering::Relaxed)
    }
}

impl Watchdog {
    /// Resolves when the stream has ended or was dropped.
    pub async fn closed(&self) {
        poll_fn(|cx| {
            let mut run = lock(&self.inner.run);
            if run.writer.is_none() {
                return Poll::Ready(());
            }
            run.watchdog = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Ends the stream now; `last` is the last that its reader can still read, unless he has its end already.
    pub fn cut(&self, last: Bytes) {
        let mut run = lock(&self.inner.run);
        if run.writer.is_some() {
            run.last = (!self.inner.is_ended.load(Ordering::Relaxed)).then_some(last);
            run.close();
        }
    }
}

/// Nothing here is left half done by a panic, so a poisoned lock is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::FutureExt;
    use futures_util::stream::StreamExt;

    use super::*;

    async fn three(sink: Sink) {
        for word in ["a", "b", "c"] {
            sink.send(Bytes::from(word)).await;
        }
    }

    #[tokio::test]
    async fn what_is_sent_arrives_in_order() {
        let (events, watchdog) = Events::new(three);
        assert_eq!(events.collect::<Vec<_>>().await, ["a", "b", "c"]);
        watchdog.closed().await;
    }

    #[tokio::test]
    async fn dropping_the_stream_drops_the_writer() {
        let held = Arc::new(());
        let in_writer = Arc::clone(&held);
        let (mut events, watchdog) = Events::new(|sink| async move {
            three(sink).await;
            drop(in_writer);
        });
        assert_eq!(events.next().await, Some(Bytes::from("a")));
        assert!(watchdog.closed().now_or_never().is_none());
        drop(events);
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(watchdog.closed().now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_reader_who_does_not_read_is_cut_off_and_told() {
        let (mut events, watchdog) = Events::new(three);
        assert_eq!(events.next().await, Some(Bytes::from("a")));
        watchdog.cut(Bytes::from("end"));
        assert_eq!(events.collect::<Vec<_>>().await, ["end"]);
    }
}
