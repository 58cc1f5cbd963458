//! What a connection waits for, so that a client who never finishes its head, or never takes its answer, is seen.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::{io, mem::MaybeUninit};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use tokio::time::Instant;

use crate::config::Waits;

/// One connection's. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Pulse(Arc<Mutex<Phase>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Between two requests.
    Idle,
    /// A head has begun to arrive.
    Head(Instant),
    /// The guard is at work.
    Busy,
    /// The client has something to take.
    Handed(Instant),
}

impl Default for Pulse {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Phase::Idle)))
    }
}

impl Pulse {
    /// A request's head is there, or the reply's next piece is being made.
    pub(crate) fn busy(&self) {
        *self.phase() = Phase::Busy;
    }

    /// A piece of the reply is on its way to the client.
    pub(crate) fn handed(&self) {
        *self.phase() = Phase::Handed(Instant::now());
    }

    /// The reply is complete.
    pub(crate) fn idle(&self) {
        *self.phase() = Phase::Idle;
    }

    pub(crate) fn is_overdue(&self, now: Instant, waits: &Waits) -> bool {
        match *self.phase() {
            Phase::Idle | Phase::Busy => false,
            Phase::Head(since) => now.duration_since(since) >= waits.head,
            Phase::Handed(since) => now.duration_since(since) >= waits.stalled,
        }
    }

    fn heard(&self) {
        let mut phase = self.phase();
        if *phase == Phase::Idle {
            *phase = Phase::Head(Instant::now());
        }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection whose incoming bytes are noticed.
pub(crate) struct Heard<T> {
    pub(crate) stream: T,
    pub(crate) pulse: Pulse,
}

impl<T: Read + Unpin> Read for Heard<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        const PIECE: usize = 16 * 1024;
        let mut piece = [MaybeUninit::uninit(); PIECE];
        let room = buf.remaining().min(PIECE);
        let mut read = ReadBuf::uninit(&mut piece[..room]);
        let polled = Pin::new(&mut self.stream).poll_read(cx, read.unfilled());
        if let Poll::Ready(Ok(())) = polled
            && !read.filled().is_empty()
        {
            self.pulse.heard();
            buf.put_slice(read.filled());
        }
        polled
    }
}

impl<T: Write + Unpin> Write for Heard<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long() {
        let waits = Waits::DEFAULT;
        let check = |set: &dyn Fn(&Pulse), after, expect: bool| {
            let pulse = Pulse::default();
            set(&pulse);
            assert_eq!(pulse.is_overdue(Instant::now() + after, &waits), expect, "{pulse:?}");
        };
        check(&|_| {}, waits.idle, false);
        check(&Pulse::heard, waits.head / 2, false);
        check(&Pulse::heard, waits.head, true);
        check(&Pulse::handed, waits.head, false);
        check(&Pulse::handed, waits.stalled, true);
        let answered = |pulse: &Pulse| {
            pulse.heard();
            pulse.busy();
            pulse.heard();
        };
        check(&answered, waits.stalled, false);
    }
}
