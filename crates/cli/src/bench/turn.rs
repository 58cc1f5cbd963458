//! One lane's turn: questions on all of its connections at once, and what stands in between meanwhile.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::{try_join, try_join_all};
use tokio::time::{sleep, timeout};

use super::fast::Auditor;
use super::heard::Heard;
use super::lanes::Lane;
use super::line::Line;
use super::machine;
use super::rounds::Turn;
use super::wire::{Question, Wire};

/// What each connection asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    /// One after the other.
    pub(crate) answers: u64,
    /// Words of an answer.
    pub(crate) words: u64,
    /// Milliseconds between two words of an answer.
    pub(crate) pace: u64,
}

impl Course {
    pub(crate) fn lasts(&self) -> Duration {
        Duration::from_millis(self.answers * self.words * self.pace)
    }
}

/// For what happened before to be over.
const SETTLE: Duration = Duration::from_millis(200);

/// For answers that are late.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn turn(lane: &mut Lane, course: Course, auditor: &mut Auditor) -> Result<Turn> {
    play(lane, course, auditor).await.with_context(|| lane.name.to_owned())
}

async fn play(lane: &mut Lane, course: Course, auditor: &mut Auditor) -> Result<Turn> {
    let Lane { streams, processes, wires, .. } = lane;
    let wires = *wires;
    sleep(SETTLE).await;
    let (began, before) = (machine::now(), machine::cpu(processes)?);
    // They do not all begin at once.
    let apart = Duration::from_millis(course.pace) / u32::try_from(streams.len())?;
    let first = auditor.asked;
    let each = (0..).zip(streams.iter_mut());
    let listen = try_join_all(each.map(|(nth, line)| async move {
        sleep(apart * nth).await;
        listen(line, wires[1], course, first + u64::from(nth) * course.answers).await
    }));
    let look = async {
        sleep(course.lasts() / 2).await;
        machine::resident(processes)
    };
    let (heard, resident) =
        timeout(course.lasts() * 2 + PATIENCE, try_join(listen, look)).await.map_err(Into::into).flatten()?;
    let mut turn = Turn {
        cpu: machine::cpu(processes)?.saturating_sub(before),
        resident,
        lasted: machine::now() - began,
        ..Turn::default()
    };
    for heard in heard.into_iter().flatten() {
        auditor.check(&heard, wires).await?;
        auditor.asked += 1;
        turn.first.push(heard.first);
        turn.opening.extend(heard.late.first());
        turn.chunks.extend(&heard.late[1..]);
    }
    Ok(turn)
}

async fn listen(line: &mut Line, wire: Wire, course: Course, first: u64) -> Result<Vec<Heard>> {
    let mut heard = Vec::new();
    for id in first..first + course.answers {
        heard.push(line.ask(wire, Question { id, words: course.words, pace: course.pace }).await?);
    }
    Ok(heard)
}
