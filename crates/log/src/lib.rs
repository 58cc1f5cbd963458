//! Lines on their way to standard error, which may be a pipe that nobody reads: who logs never waits for it.
//!
//! In scope: whatever shows as one line, and how many are lost. Out of scope: what a line says.

use std::fmt::Display;
use std::io::{Write, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, SystemTime};

/// Lines that wait; further ones are lost, and counted.
const MOST_LINES: usize = 1024;

/// How long lines are gathered: a line is most often the end of an answer, and who writes it must not be woken just then.
const GATHER: Duration = Duration::from_millis(100);

/// Between two looks at whether they are written.
const LOOK: Duration = Duration::from_millis(5);

/// The way to a thread that writes. What it is given is put into words there.
#[derive(Debug)]
pub struct Writer<T> {
    queue: SyncSender<T>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    waiting: AtomicUsize,
    lost: AtomicU64,
    /// Of the lost ones those that no line has told of.
    untold: AtomicU64,
}

impl<T: Display + Send + 'static> Writer<T> {
    /// Writes to standard error.
    pub fn stderr() -> Self {
        Self::new(MOST_LINES, |line| {
            // One write, so that lines stay whole. Whoever closed the pipe does not want them.
            let _ = stderr().write_all(line.as_bytes());
        })
    }

    fn new(room: usize, write: impl FnMut(&str) + Send + 'static) -> Self {
        let (queue, lines) = sync_channel(room);
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        drop(std::thread::spawn(move || shared.write(&lines, write)));
        Self { queue, counts }
    }

    /// Takes a line along, or loses it where too many wait.
    pub fn push(&self, line: T) {
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(line).is_err() {
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
            self.counts.untold.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lines that were lost.
    pub fn lost(&self) -> u64 {
        self.counts.lost.load(Ordering::Relaxed)
    }

    /// Waits until everything is written, `patience` at most. It blocks.
    pub fn flush(&self, patience: Duration) {
        let mut left = patience;
        while self.counts.waiting.load(Ordering::Acquire) > 0 && !left.is_zero() {
            std::thread::sleep(LOOK);
            left = left.saturating_sub(LOOK);
        }
    }
}

impl Counts {
    fn write<T: Display>(&self, lines: &Receiver<T>, mut write: impl FnMut(&str)) {
        while let Ok(first) = lines.recv() {
            std::thread::sleep(GATHER);
            for line in std::iter::once(first).chain(lines.try_iter()) {
                // Where one was lost the queue was full, so that a line follows which can tell of it.
                match self.untold.swap(0, Ordering::Relaxed) {
                    0 => {}
                    lost => write(&format!("{{\"at\":{},\"lost\":{lost}}}\n", now())),
                }
                write(&format!("{line}\n"));
                self.waiting.fetch_sub(1, Ordering::Release);
            }
        }
    }
}

/// Milliseconds since the epoch.
pub fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a log says when, by the calendar")]
    let now = SystemTime::now();
    now.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn who_logs_never_waits() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (shared, (go_on, told)) = (Arc::clone(&heard), sync_channel::<()>(0));
        let writer = Writer::new(2, move |line| {
            let _ = told.recv();
            shared.lock().unwrap().push(line.to_owned());
        });
        writer.push("first");
        // The thread has it once there is room for two more.
        while writer.counts.waiting.load(Ordering::Relaxed) < 3 {
            writer.push("next");
        }
        let before = writer.lost();
        for _ in 0..5 {
            writer.push("too much");
        }
        assert_eq!(writer.lost(), before + 5);
        writer.flush(LOOK * 2);
        assert!(heard.lock().unwrap().is_empty(), "what is deaf is not waited for");
        drop(go_on);
        writer.flush(Duration::from_secs(10));
        let heard = heard.lock().unwrap();
        let words: Vec<_> = heard.iter().filter(|line| !line.contains("lost")).collect();
        assert_eq!(words, ["first\n", "next\n", "next\n"]);
        let told = heard.iter().filter_map(|line| {
            let (_, figure) = line.rsplit_once("\"lost\":")?;
            figure.trim_end_matches("}\n").parse::<u64>().ok()
        });
        assert_eq!(told.sum::<u64>(), writer.lost());
    }
}
