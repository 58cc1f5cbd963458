//! An event stream as a reader has it in the end.

use serde_json::Value;

use super::check::same;

/// An event stream, read.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) text: String,
    pub(super) heartbeats: usize,
    pub(super) restarts: usize,
    pub(super) failovers: Vec<(String, String)>,
    pub(super) end: Option<Value>,
}

impl Stream {
    /// How often it was begun anew, and how often another node went on.
    pub(super) fn seams(&self) -> (usize, usize) {
        (self.restarts, self.failovers.len())
    }

    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let body = std::str::from_utf8(body).map_err(|_| "the events are not UTF-8")?;
        let whole = body.strip_suffix("\n\n").ok_or(format!("the events end within a frame: {body:?}"))?;
        let mut stream = Self::default();
        for frame in whole.split("\n\n") {
            if frame.starts_with(':') {
                stream.heartbeats += 1;
                continue;
            }
            let data = frame.strip_prefix("data: ").ok_or(format!("not a frame: {frame:?}"))?;
            let event: Value = serde_json::from_str(data).map_err(|error| format!("{error}: {data}"))?;
            same("an event after the last one", &stream.end, &None)?;
            match event["type"].as_str() {
                Some("token") => {
                    let piece = event["content"].as_str().ok_or(format!("no content: {data}"))?;
                    same("a placeholder is whole", &piece.matches('{').count(), &piece.matches('}').count())?;
                    stream.text += piece;
                }
                Some("failover") => {
                    let name = |place: &str| event[place].as_str().unwrap_or_default().to_owned();
                    stream.failovers.push((name("from"), name("to")));
                }
                Some("restart") => {
                    stream.restarts += 1;
                    stream.text.clear();
                }
                _ => stream.end = Some(event),
            }
        }
        Ok(stream)
    }
}
