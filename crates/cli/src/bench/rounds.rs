//! Rounds in which every lane has its turn, and which of them count.

use anyhow::{Result, bail, ensure};

use super::lanes::{Lane, order};
use super::machine::Usage;

/// The share of the machine that others may have while a round lasts.
pub(crate) const FOREIGN: f64 = 0.10;

/// Rounds that may be repeated for each that counts.
const SPARE: usize = 2;

/// What one lane did in one turn. Times are in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// From the question to the first word.
    pub(crate) first: Vec<u64>,
    /// From the node's saying the first word to its arrival.
    pub(crate) opening: Vec<u64>,
    /// The same of the words behind it.
    pub(crate) chunks: Vec<u64>,
    /// CPU time of what stands in between.
    pub(crate) cpu: u64,
    /// Its memory while it streams, in KiB.
    pub(crate) resident: u64,
    /// From the first question to the end of the last answer.
    pub(crate) lasted: u64,
}

impl Turn {
    pub(crate) fn words(&self) -> u64 {
        (self.first.len() + self.chunks.len()) as u64
    }

    pub(crate) fn cpu_of_a_word(&self) -> u64 {
        self.cpu / self.words().max(1)
    }
}

/// How many rounds, and whether busy ones count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) anyway: bool,
}

/// What all rounds brought.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// Those of each lane that count, in the order of the lanes.
    pub(crate) turns: Vec<Vec<Turn>>,
    pub(crate) discarded: usize,
    /// The largest share of the machine that others had in a round that counts.
    pub(crate) foreign: f64,
}

/// Plays until enough rounds count. The first is for warming up and never does.
pub(crate) async fn play(
    plan: Plan,
    lanes: &mut [Lane],
    processes: &[u32],
    mut turn: impl AsyncFnMut(&mut Lane) -> Result<Turn>,
) -> Result<Played> {
    let mut played = Played { turns: lanes.iter().map(|_| Vec::new()).collect(), ..Played::default() };
    for lane in &mut *lanes {
        turn(lane).await?;
    }
    let mut counted = 0;
    while counted < plan.rounds {
        let before = Usage::read(processes)?;
        let mut turns = Vec::new();
        for nth in order(counted, lanes.len()) {
            turns.push((nth, turn(&mut lanes[nth]).await?));
        }
        let foreign = Usage::read(processes)?.foreign_since(&before);
        if foreign > FOREIGN && !plan.anyway {
            played.discarded += 1;
            println!("round discarded: {:.0} % of the machine were others'", foreign * 100.0);
            if played.discarded > plan.rounds * SPARE {
                bail!(
                    "the machine is too busy: {counted} of {} rounds were quiet (--anyway reports all the same)",
                    plan.rounds
                );
            }
            continue;
        }
        for (nth, turn) in turns {
            played.turns[nth].push(turn);
        }
        counted += 1;
        played.foreign = played.foreign.max(foreign);
        println!("round {counted} of {}: {:.0} % of the machine were others'", plan.rounds, foreign * 100.0);
    }
    ensure!(counted > 0, "no round was asked for");
    Ok(played)
}
