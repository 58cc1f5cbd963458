//! What a reader has heard so far: events to a text and an end.

use serde_json::Value;

/// A stream of events, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Heard {
    rest: Vec<u8>,
    pub(super) text: String,
    pub(super) tokens: usize,
    pub(super) restarts: usize,
    pub(super) failovers: usize,
    pub(super) end: Option<End>,
    /// What no reader should ever hear.
    pub(super) wrong: Option<String>,
    /// The events but for the tokens, for whoever looks for a reason.
    pub(super) marks: Vec<String>,
}

/// The last event.
#[derive(Debug)]
pub(super) enum End {
    Done { reason: String },
    Error { code: String, delivered: Option<usize> },
}

impl Heard {
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.rest.extend_from_slice(chunk);
        while let Some(at) = self.rest.windows(2).position(|two| two == b"\n\n") {
            let frame: Vec<u8> = self.rest.drain(..at + 2).collect();
            if let Err(wrong) = self.hear(&frame[..at]) {
                self.wrong.get_or_insert(wrong);
            }
        }
    }

    /// The stream has ended.
    pub(super) fn finish(&mut self) {
        if !self.rest.is_empty() {
            self.wrong.get_or_insert_with(|| "half an event at the end".to_owned());
        }
    }

    fn hear(&mut self, frame: &[u8]) -> Result<(), String> {
        let frame = std::str::from_utf8(frame).map_err(|_| "an event that is no UTF-8")?;
        if self.end.is_some() {
            return Err(format!("behind the last event: {frame}"));
        }
        if frame == ":" {
            return Ok(());
        }
        let data = frame.strip_prefix("data: ").ok_or_else(|| format!("no event: {frame}"))?;
        let event: Value = serde_json::from_str(data).map_err(|_| format!("no JSON: {data}"))?;
        let text = |name: &str| event[name].as_str().map(str::to_owned).ok_or(format!("no {name}: {data}"));
        let kind = text("type")?;
        if kind == "token" {
            self.text += &text("content")?;
            self.tokens += 1;
            return Ok(());
        }
        self.marks.push(format!("after {} tokens {data}", self.tokens));
        match &*kind {
            "restart" => {
                self.text.clear();
                self.restarts += 1;
            }
            "failover" => self.failovers += 1,
            "status" => {}
            "done" => self.end = Some(End::Done { reason: text("reason")? }),
            "error" => {
                let delivered = event["delivered"].as_u64().and_then(|count| usize::try_from(count).ok());
                self.end = Some(End::Error { code: text("code")?, delivered });
            }
            _ => return Err(format!("an event of an unknown type: {data}")),
        }
        Ok(())
    }
}
