//! The events of a reply, as a product would read them.

use anyhow::Result;
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;

/// The events in their order, comments left out.
pub(crate) fn events(reply: reqwest::Response) -> impl Stream<Item = Result<Value>> + Unpin {
    let state = (reply.bytes_stream(), Vec::new());
    Box::pin(stream::try_unfold(state, |(mut chunks, mut buffer)| async move {
        loop {
            while let Some(end) = buffer.windows(2).position(|two| two == b"\n\n") {
                let frame: Vec<u8> = buffer.drain(..end + 2).collect();
                // A line without it is a comment: the service says that it is still there.
                if let Some(json) = frame.strip_prefix(b"data: ") {
                    return Ok(Some((serde_json::from_slice(json)?, (chunks, buffer))));
                }
            }
            match chunks.next().await {
                Some(chunk) => buffer.extend_from_slice(&chunk?),
                None => return Ok(None),
            }
        }
    }))
}
