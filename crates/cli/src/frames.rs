//! The events of a reply, as a product would read them.

use anyhow::{Result, ensure};
use bytes::BytesMut;
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;

/// Bytes of an event; what is longer is none of Homefire's.
const LONGEST: usize = 1 << 20;

/// The events in their order, comments left out.
pub(crate) fn events(reply: reqwest::Response) -> impl Stream<Item = Result<Value>> + Unpin {
    let state = (reply.bytes_stream(), Frames::default());
    Box::pin(stream::try_unfold(state, |(mut chunks, mut frames)| async move {
        loop {
            while let Some(frame) = frames.next()? {
                // A line without it is a comment: the service says that it is still there.
                if let Some(json) = frame.strip_prefix(b"data: ") {
                    return Ok(Some((serde_json::from_slice(json)?, (chunks, frames))));
                }
            }
            match chunks.next().await {
                Some(chunk) => frames.push(&chunk?),
                None => return Ok(None),
            }
        }
    }))
}

/// What has come of a reply, and how far it was looked at.
#[derive(Default)]
struct Frames {
    bytes: BytesMut,
    /// No frame ends before it.
    searched: usize,
}

impl Frames {
    fn push(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
    }

    /// The next one that has come to its end.
    fn next(&mut self) -> Result<Option<BytesMut>> {
        let is_end = |two: &[u8]| two == b"\n\n";
        if let Some(found) = self.bytes[self.searched..].windows(2).position(is_end) {
            let length = std::mem::take(&mut self.searched) + found + 2;
            return Ok(Some(self.bytes.split_to(length)));
        }
        ensure!(self.bytes.len() <= LONGEST, "an event is longer than {LONGEST} bytes: that is not Homefire");
        // The first half of an end may have come.
        self.searched = self.bytes.len().saturating_sub(1);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> Result<Vec<String>> {
        let (mut frames, mut read) = (Frames::default(), Vec::new());
        for chunk in chunks {
            frames.push(chunk);
            while let Some(frame) = frames.next()? {
                read.push(String::from_utf8(frame.to_vec())?);
            }
        }
        Ok(read)
    }

    #[test]
    fn frames_end_wherever_chunks_do() {
        let (text, expect) = ("data: 1\n\n: here\n\ndata: {\"a\": 2}\n\ndata", 3);
        let whole = read(&[text.as_bytes()]).unwrap();
        assert_eq!(whole.concat(), text.strip_suffix("data").unwrap());
        assert_eq!(whole.len(), expect);
        for size in 1..text.len() {
            let chunks: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            assert_eq!(read(&chunks).unwrap(), whole, "chunks of {size}");
        }
    }

    #[test]
    fn what_never_ends_is_given_up() {
        let chunk = [b'a'; 4096];
        let short = [&[&chunk[..]; 256][..], &[b"\n\n"]].concat();
        assert_eq!(read(&short).unwrap().len(), 1);
        let short = [&short[..]; 2].concat();
        assert_eq!(read(&short).unwrap().len(), 2);
        assert!(read(&[&chunk[..]; 257]).is_err());
    }
}
