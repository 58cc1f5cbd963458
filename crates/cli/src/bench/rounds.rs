//! Rounds in which every lane has its turn, and which of them count.

use anyhow::{Result, ensure};

use super::fast::{Auditor, FastNode};
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

/// Who takes part in a round.
pub(crate) struct Cast {
    /// Where all lanes lead.
    pub(crate) node: FastNode,
    /// Asks it what it said.
    pub(crate) auditor: Auditor,
    pub(crate) lanes: Vec<Lane>,
}

impl Cast {
    /// All processes that belong to the bench.
    fn processes(&self) -> Vec<u32> {
        let between = self.lanes.iter().flat_map(|lane| &lane.processes).copied();
        let mut processes: Vec<u32> = between.chain([std::process::id(), self.node.id]).collect();
        processes.sort_unstable();
        processes.dedup();
        processes
    }
}

/// What all rounds brought.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// Those of each lane that count, in the order of the lanes.
    pub(crate) turns: Vec<Vec<Turn>>,
    /// Those before them, for warming up.
    pub(crate) warm: Vec<Vec<Turn>>,
    /// Answers that arrived as they were said.
    pub(crate) answers: u64,
    pub(crate) discarded: usize,
    /// The largest share of the machine that others had in a round that counts.
    pub(crate) foreign: f64,
}

/// Plays with the same programs until enough rounds count. The first is for warming up and never does.
pub(crate) async fn play(
    plan: Plan,
    cast: &mut Cast,
    mut turn: impl AsyncFnMut(&mut Lane, &mut Auditor) -> Result<Turn>,
) -> Result<Played> {
    let mut tally = Tally::new(plan);
    warm_up(&mut tally, cast, &mut turn).await?;
    while tally.counted < plan.rounds {
        round(&mut tally, cast, &mut turn).await?;
    }
    tally.played.answers = cast.auditor.asked;
    Ok(tally.played)
}

/// Plays each round with programs that have begun anew and warmed up.
pub(crate) async fn play_anew(
    plan: Plan,
    mut begin: impl AsyncFnMut() -> Result<Cast>,
    mut turn: impl AsyncFnMut(&mut Lane, &mut Auditor) -> Result<Turn>,
) -> Result<Played> {
    let mut tally = Tally::new(plan);
    while tally.counted < plan.rounds {
        let mut cast = begin().await?;
        warm_up(&mut tally, &mut cast, &mut turn).await?;
        round(&mut tally, &mut cast, &mut turn).await?;
        tally.played.answers += cast.auditor.asked;
    }
    Ok(tally.played)
}

struct Tally {
    plan: Plan,
    counted: usize,
    played: Played,
}

impl Tally {
    fn new(plan: Plan) -> Self {
        Self { plan, counted: 0, played: Played::default() }
    }

    /// Counts a round, unless others had too much of the machine.
    fn count(&mut self, turns: Vec<(usize, Turn)>, foreign: f64) -> Result<()> {
        let Self { plan, counted, played } = self;
        if foreign > FOREIGN && !plan.anyway {
            played.discarded += 1;
            tell!("round discarded: {:.0} % of the machine were others'", foreign * 100.0);
            ensure!(
                played.discarded <= plan.rounds * SPARE,
                "the machine is too busy: {counted} of {} rounds were quiet (--anyway reports all the same)",
                plan.rounds
            );
            return Ok(());
        }
        add(&mut played.turns, turns);
        *counted += 1;
        played.foreign = played.foreign.max(foreign);
        tell!("round {counted} of {}: {:.0} % of the machine were others'", plan.rounds, foreign * 100.0);
        Ok(())
    }
}

async fn warm_up(
    tally: &mut Tally,
    cast: &mut Cast,
    turn: &mut impl AsyncFnMut(&mut Lane, &mut Auditor) -> Result<Turn>,
) -> Result<()> {
    let lanes = 0..cast.lanes.len();
    let turns = take_turns(cast, lanes, turn).await?;
    add(&mut tally.played.warm, turns);
    Ok(())
}

async fn round(
    tally: &mut Tally,
    cast: &mut Cast,
    turn: &mut impl AsyncFnMut(&mut Lane, &mut Auditor) -> Result<Turn>,
) -> Result<()> {
    let processes = cast.processes();
    let before = Usage::read(&processes)?;
    let lanes = order(tally.counted, cast.lanes.len());
    let turns = take_turns(cast, lanes, turn).await?;
    let foreign = Usage::read(&processes)?.foreign_since(&before);
    tally.count(turns, foreign)
}

/// Each turn with the lane that had it.
async fn take_turns(
    cast: &mut Cast,
    lanes: impl IntoIterator<Item = usize>,
    turn: &mut impl AsyncFnMut(&mut Lane, &mut Auditor) -> Result<Turn>,
) -> Result<Vec<(usize, Turn)>> {
    let mut turns = Vec::new();
    for nth in lanes {
        turns.push((nth, turn(&mut cast.lanes[nth], &mut cast.auditor).await?));
    }
    Ok(turns)
}

fn add(to: &mut Vec<Vec<Turn>>, turns: Vec<(usize, Turn)>) {
    to.resize_with(turns.len(), Vec::new);
    for (nth, turn) in turns {
        to[nth].push(turn);
    }
}
