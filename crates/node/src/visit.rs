//! One request from its arrival to its end: its place, its line in the log, its part of the counts.

use std::sync::Arc;

use http::HeaderValue;
use tokio::time::Instant;

use crate::admission::{Lane, Ticket};
use crate::guard::App;
use crate::log::{End, Line};
use crate::routes::Route;

/// A request that is here. Dropping it ends it: the place is free, the line is written.
pub(crate) struct Visit {
    pub(crate) app: Arc<App>,
    pub(crate) line: Line,
    begun: Instant,
    ticket: Option<Ticket>,
    /// The model that works on it.
    speaks: Option<Lane>,
}

impl Visit {
    /// Boxed, for it goes from hand to hand.
    pub(crate) fn new(app: Arc<App>, route: Option<Route>, id: &HeaderValue) -> Box<Self> {
        let line = Line {
            at: homefire_log::now(),
            id: id.to_str().unwrap_or_default().to_owned(),
            route: route.map_or("none", Route::path),
            ..Line::default()
        };
        Box::new(Self { app, line, begun: Instant::now(), ticket: None, speaks: None })
    }

    /// It has its place.
    pub(crate) fn enter(&mut self, lane: Lane, ticket: Ticket) {
        self.line.queued_ms = Some(self.ms());
        self.line.model = self.app.config.models.get(lane).map(|model| model.name.clone());
        self.ticket = Some(ticket);
        self.speaks = self.line.model.as_ref().map(|_| lane);
        let Some(lane) = self.speaks else { return };
        let in_flight = self.app.gate.load(lane).in_flight;
        self.app.watch().enter(lane, in_flight, Instant::now());
    }

    /// A piece of the answer has come.
    pub(crate) fn hear(&mut self, bytes: usize) {
        self.line.bytes += bytes as u64;
        if let Some(lane) = self.speaks {
            self.app.watch().hear(lane, Instant::now());
        }
        if self.line.first_ms.is_none() {
            let ms = self.ms();
            self.line.first_ms = Some(ms);
            if let Some(lane) = self.speaks.filter(|_| self.line.status < 400) {
                self.app.tally.word(ms);
                self.app.watch().spoke(lane);
            }
        }
    }

    /// The model that works on it.
    pub(crate) fn speaks(&self) -> Option<Lane> {
        self.speaks
    }

    fn ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.ticket = None;
        self.line.ms = self.ms();
        // Whoever is answered by the guard hears a status.
        if self.line.end == End::Guard && self.line.status == 0 {
            self.line.end = End::Left;
        }
        self.app.tally.request(&self.line);
        self.app.log.request(std::mem::take(&mut self.line));
    }
}
