//! Events on their way to a reader, a few at once: to write them costs more than to make them of what a node says.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::{Fuse, Stream, StreamExt};
use homefire_core::platform::Platform;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::Native;

/// Bytes that are gathered meanwhile. More are handed on at once.
const MOST: usize = 16 * 1024;

/// What a stream says, gathered for [`GATHER`](Platform::GATHER) behind what was handed on last. What is there at once is
/// handed on together; what comes behind a longer silence does not wait, nor does anything at the end.
pub fn gathered(pieces: impl Stream<Item = Bytes> + Unpin) -> impl Stream<Item = Bytes> {
    Gathered { pieces: pieces.fuse(), held: Vec::new(), due: Instant::now(), timer: None }
}

struct Gathered<S> {
    pieces: Fuse<S>,
    held: Vec<Bytes>,
    /// When the next may be handed on.
    due: Instant,
    /// Only set where something has to wait for that: a silence costs no wake.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S: Stream<Item = Bytes> + Unpin> Stream for Gathered<S> {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            match self.pieces.poll_next_unpin(cx) {
                Poll::Ready(Some(piece)) => self.held.push(piece),
                Poll::Ready(None) => return Poll::Ready((!self.held.is_empty()).then(|| self.hand())),
                Poll::Pending if self.held.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
            if self.held.iter().map(Bytes::len).sum::<usize>() > MOST {
                return Poll::Ready(Some(self.hand()));
            }
        }
        if Instant::now() < self.due {
            ready!(self.wait(cx));
        }
        Poll::Ready(Some(self.hand()))
    }
}

impl<S> Gathered<S> {
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let due = self.due;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        timer.as_mut().poll(cx)
    }

    fn hand(&mut self) -> Bytes {
        self.due = Instant::now() + Native::GATHER;
        let together = match &mut self.held[..] {
            [one] => std::mem::take(one),
            several => several.concat().into(),
        };
        self.held.clear();
        together
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::stream;
    use tokio::time::sleep;

    use super::*;

    /// What is handed on, and after how many milliseconds, of pieces that come so many after the one before.
    async fn check(pieces: &[(u64, &str)], expect: &[(u64, &str)]) {
        let begun = Instant::now();
        let pieces = stream::iter(pieces.to_vec()).then(async |(wait, piece)| {
            if wait > 0 {
                sleep(Duration::from_millis(wait)).await;
            }
            Bytes::copy_from_slice(piece.as_bytes())
        });
        let handed: Vec<_> =
            gathered(Box::pin(pieces)).map(|bytes| (begun.elapsed().as_millis(), bytes)).collect().await;
        let expect: Vec<_> =
            expect.iter().map(|(at, said)| (u128::from(*at), Bytes::from(said.to_string()))).collect();
        assert_eq!(handed, expect);
    }

    #[tokio::test(start_paused = true)]
    async fn when_what_is_handed_on() {
        check(&[], &[]).await;
        check(&[(5, "a"), (0, "b")], &[(5, "ab")]).await;
        check(&[(0, "a"), (20, "b"), (20, "c"), (20, "d")], &[(0, "a"), (50, "bc"), (60, "d")]).await;
        check(&[(0, "a"), (70, "b"), (70, "c")], &[(0, "a"), (70, "b"), (140, "c")]).await;
        check(&[(0, "a"), (1, "b"), (100, "c")], &[(0, "a"), (50, "b"), (101, "c")]).await;
        let long = "x".repeat(MOST + 1);
        check(&[(0, "a"), (1, &long), (1, "b")], &[(0, "a"), (1, &long), (2, "b")]).await;
    }
}
