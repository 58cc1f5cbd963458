//! Chunks as the network cuts them, to lines as the node wrote them, in bounded memory.

use memchr::memchr;

/// How a reply says that it is in lines.
pub const KIND: &str = "application/x-ndjson";

/// Cuts chunks into lines. Holds at most one unfinished line.
#[derive(Debug)]
pub struct Lines {
    unfinished: Vec<u8>,
    limit: usize,
}

/// A line was longer than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl Lines {
    /// Lines of at most `limit` bytes, the line's end not counted.
    pub fn new(limit: usize) -> Self {
        Self { unfinished: Vec::new(), limit }
    }

    /// Hands each line that `chunk` completes to `each`; blank ones, which keep a connection awake, are skipped.
    ///
    /// Stops at the first error.
    pub fn push<E: From<TooLong>>(
        &mut self,
        mut chunk: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(end) = memchr(b'\n', chunk) {
            let (head, rest) = (&chunk[..end], &chunk[end + 1..]);
            chunk = rest;
            if self.unfinished.is_empty() {
                self.fits(head)?;
                hand_over(head, &mut each)?;
            } else {
                self.fits(head)?;
                self.unfinished.extend_from_slice(head);
                let result = hand_over(&self.unfinished, &mut each);
                self.unfinished.clear();
                result?;
            }
        }
        self.fits(chunk)?;
        self.unfinished.extend_from_slice(chunk);
        Ok(())
    }

    /// The stream ended: what stands without a line's end is the last line.
    pub fn finish<E>(&mut self, mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let last = std::mem::take(&mut self.unfinished);
        hand_over(&last, &mut each)
    }

    fn fits(&self, more: &[u8]) -> Result<(), TooLong> {
        match self.unfinished.len() + more.len() > self.limit {
            true => Err(TooLong),
            false => Ok(()),
        }
    }
}

fn hand_over<E>(line: &[u8], each: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    match line.trim_ascii() {
        [] => Ok(()),
        line => each(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(limit: usize, chunks: &[&[u8]]) -> (Vec<String>, Result<(), TooLong>) {
        let mut seen = Vec::new();
        let mut lines = Lines::new(limit);
        let mut each = |line: &[u8]| {
            seen.push(String::from_utf8_lossy(line).into_owned());
            Ok::<_, TooLong>(())
        };
        let result = chunks
            .iter()
            .try_for_each(|chunk| lines.push(chunk, &mut each))
            .and_then(|()| lines.finish(&mut each));
        (seen, result)
    }

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let check = |text: &str, expect: &[&str]| {
            for cut in 0..=text.len() {
                let (a, b) = text.as_bytes().split_at(cut);
                assert_eq!(lines(8, &[a, b]).0, expect, "{text:?} cut at {cut}");
            }
        };
        check("", &[]);
        check("a\nbc\n", &["a", "bc"]);
        check("a\r\n\r\n\n  \nbc", &["a", "bc"]);
        check("12345678\nx", &["12345678", "x"]);
        check("a\n123456789\nb\n", &["a"]);
    }

    #[test]
    fn an_endless_line_is_refused_before_it_is_kept() {
        let mut lines = Lines::new(1000);
        let chunk = [b'x'; 300];
        for _ in 0..3 {
            lines.push(&chunk, |_| Ok::<_, TooLong>(())).unwrap();
        }
        assert_eq!(lines.push(&chunk, |_| Ok::<_, TooLong>(())), Err(TooLong));
        assert!(lines.unfinished.capacity() <= 2000);
    }
}
