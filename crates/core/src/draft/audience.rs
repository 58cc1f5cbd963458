//! Whoever watches a draft being written. He may be shown something that turns out to be no good.

use super::growing::Growing;
use crate::events::Sink;
use crate::hidden::is_hidden;
use crate::sse::Frame;

/// A reader behind a sink, or nobody.
pub(super) struct Audience<'a> {
    pub(super) sink: Option<&'a Sink>,
    growing: Growing,
    shown: String,
}

impl<'a> Audience<'a> {
    pub(super) fn new(sink: Option<&'a Sink>) -> Self {
        Self { sink, growing: Growing::default(), shown: String::new() }
    }

    /// The model's answer has grown by `piece`. Whether there was something in it to be shown.
    pub(super) async fn hear(&mut self, piece: &str) -> bool {
        let Some(sink) = self.sink else { return false };
        // The draft will be without what is hidden, too; and a terminal would obey it.
        let mut content = self.growing.push(piece);
        content.retain(|character| !is_hidden(character));
        if content.is_empty() {
            return false;
        }
        self.shown.push_str(&content);
        sink.send(Frame::Token { content: &content }.to_bytes()).await;
        true
    }

    /// What was shown so far is no good.
    pub(super) async fn restart(&mut self) {
        self.growing = Growing::default();
        if !self.shown.is_empty() {
            self.shown.clear();
            self.send(Frame::Restart).await;
        }
    }

    /// Shows the body that counts, unless it has been shown already.
    pub(super) async fn finish(&mut self, body: &str) {
        if self.shown != body {
            self.restart().await;
            self.send(Frame::Token { content: body }).await;
        }
    }

    async fn send(&self, frame: Frame<'_>) {
        if let Some(sink) = self.sink {
            sink.send(frame.to_bytes()).await;
        }
    }
}
