//! What a connection waits for, so that a client who never finishes its head, or never takes its answer, is seen.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::{io, mem::MaybeUninit};

use bytes::{Buf, Bytes};
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use tokio::time::Instant;

use crate::config::Waits;

/// One connection's. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulse(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// Since when the client takes nothing of what waits for it.
    stuck: Option<Instant>,
    /// Another request may follow.
    stays: bool,
    /// The request was read to its end.
    is_taken: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Between two requests.
    #[default]
    Idle,
    /// A head has begun to arrive.
    Head(Instant),
    /// A request is being answered.
    Busy,
}

impl Pulse {
    /// A request's head is there, and another request may follow it if the connection stays.
    pub(crate) fn busy(&self, stays: bool) {
        let mut state = self.state();
        (state.phase, state.stays, state.is_taken) = (Phase::Busy, stays, false);
    }

    /// The request was read to its end: what comes next is another one.
    pub(crate) fn taken(&self) {
        self.state().is_taken = true;
    }

    /// The reply is complete.
    pub(crate) fn idle(&self) {
        self.state().phase = Phase::Idle;
    }

    /// Whether nothing is under way: the request was read to its end, its reply is written, and no other has begun. As long
    /// as a byte of a request's body may still come this is not so, or it would be taken for the next request.
    pub(crate) fn is_quiet(&self) -> bool {
        let state = self.state();
        state.phase == Phase::Idle && state.stays && state.is_taken && state.stuck.is_none()
    }

    pub(crate) fn is_overdue(&self, now: Instant, waits: &Waits) -> bool {
        let state = self.state();
        let is_slow = match state.phase {
            Phase::Idle | Phase::Busy => false,
            Phase::Head(since) => now.duration_since(since) >= waits.head,
        };
        is_slow || state.stuck.is_some_and(|since| now.duration_since(since) >= waits.stalled)
    }

    fn heard(&self) {
        let mut state = self.state();
        if state.phase == Phase::Idle {
            state.phase = Phase::Head(Instant::now());
        }
    }

    fn wrote(&self, is_stuck: bool) {
        let mut state = self.state();
        match is_stuck {
            true => state.stuck = state.stuck.or_else(|| Some(Instant::now())),
            false => state.stuck = None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection whose comings and goings are noticed.
pub(crate) struct Heard<T> {
    pub(crate) stream: T,
    pub(crate) pulse: Pulse,
    /// What has been read already, and comes first.
    pub(crate) ahead: Bytes,
}

impl<T: Read + Unpin> Read for Heard<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let length = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead[..length]);
            self.ahead.advance(length);
            self.pulse.heard();
            return Poll::Ready(Ok(()));
        }
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
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.pulse.wrote(polled.is_pending());
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.pulse.wrote(polled.is_pending());
        polled
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
        let stuck = |pulse: &Pulse| pulse.wrote(true);
        check(&stuck, waits.head, false);
        check(&stuck, waits.stalled, true);
        let freed = |pulse: &Pulse| {
            pulse.wrote(true);
            pulse.wrote(false);
        };
        check(&freed, waits.stalled, false);
        let answered = |pulse: &Pulse| {
            pulse.heard();
            pulse.busy(true);
            pulse.heard();
        };
        check(&answered, waits.stalled, false);
    }

    #[test]
    fn when_nothing_is_under_way() {
        type Act<'a> = &'a dyn Fn(&Pulse);
        let check = |story: &[Act<'_>], expect: bool| {
            let pulse = Pulse::default();
            story.iter().for_each(|act| act(&pulse));
            assert_eq!(pulse.is_quiet(), expect, "{pulse:?}");
        };
        let [heard, taken, idle]: [Act<'_>; 3] = [&Pulse::heard, &Pulse::taken, &Pulse::idle];
        let [busy, last]: [Act<'_>; 2] = [&|pulse| pulse.busy(true), &|pulse| pulse.busy(false)];
        let [stuck, freed]: [Act<'_>; 2] = [&|pulse| pulse.wrote(true), &|pulse| pulse.wrote(false)];
        check(&[], false);
        check(&[heard, busy, taken], false);
        check(&[heard, busy, taken, idle], true);
        check(&[heard, busy, idle], false);
        check(&[heard, last, taken, idle], false);
        check(&[heard, busy, taken, idle, stuck], false);
        check(&[heard, busy, taken, idle, stuck, freed], true);
        check(&[heard, busy, taken, idle, heard], false);
        check(&[heard, busy, taken, idle, heard, busy, idle], false);
    }
}
