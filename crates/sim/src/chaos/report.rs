//! What came of a storm: how often each fault led to what, and the first thing that should not have been.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::judge::{OUTCOMES, Outcome};
use super::plan::Fault;

/// What came of a storm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// From which it can be had again; in virtual time to the letter.
    pub seed: u64,
    /// What became of the questions.
    pub outcomes: BTreeMap<Outcome, usize>,
    /// The same by what they met.
    pub faults: BTreeMap<(&'static str, &'static str, Outcome), usize>,
    /// What befell the town.
    pub weather: BTreeMap<&'static str, usize>,
    /// How long each local command took, in its order.
    pub commands: Vec<Duration>,
    /// Bytes that the service held, once a second; nothing where that cannot be seen.
    pub memory: Vec<u64>,
    /// How often something was that should not have been.
    pub breaches: usize,
    /// The story of the first.
    pub first: Option<String>,
}

impl Report {
    /// Questions that were asked.
    pub fn questions(&self) -> usize {
        self.outcomes.values().sum::<usize>()
    }

    /// The time that such a share of the local commands did not exceed.
    pub fn command(&self, share: f64) -> Duration {
        let mut sorted = self.commands.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a length is a length"
        )]
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or_default()
    }
}

/// The report while it is written, from many sides.
#[derive(Debug)]
pub(super) struct Ledger {
    began: Instant,
    inner: Mutex<(Report, VecDeque<String>)>,
}

/// So much of the weather is told with a breach.
const REMEMBERED: usize = 16;

impl Ledger {
    pub(super) fn new(seed: u64) -> Self {
        let report = Report { seed, ..Report::default() };
        Self { began: Instant::now(), inner: Mutex::new((report, VecDeque::new())) }
    }

    pub(super) fn close(self) -> Report {
        self.inner.into_inner().unwrap_or_else(PoisonError::into_inner).0
    }

    pub(super) fn outcome(&self, outcome: Outcome, met: &[Fault]) {
        let report = &mut self.inner().0;
        *report.outcomes.entry(outcome).or_default() += 1;
        for (point, script) in met {
            *report.faults.entry((point, script, outcome)).or_default() += 1;
        }
    }

    pub(super) fn weather(&self, what: &'static str, nth: usize) {
        let at = self.began.elapsed();
        let (report, recent) = &mut *self.inner();
        *report.weather.entry(what).or_default() += 1;
        recent.push_back(format!("{:>9.3} s {what} ({nth})", at.as_secs_f64()));
        if recent.len() > REMEMBERED {
            recent.pop_front();
        }
    }

    pub(super) fn command(&self, took: Duration) {
        self.inner().0.commands.push(took);
    }

    pub(super) fn memory(&self, bytes: u64) {
        self.inner().0.memory.push(bytes);
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&Report) -> T) -> T {
        read(&self.inner().0)
    }

    pub(super) fn breach(&self, story: String) {
        let at = self.began.elapsed().as_secs_f64();
        let (report, recent) = &mut *self.inner();
        report.breaches += 1;
        report.first.get_or_insert_with(|| {
            let weather: Vec<_> = recent.iter().map(|line| format!("  {line}")).collect();
            format!("at {at:.3} s: {story}\nbefore it:\n{}", weather.join("\n"))
        });
    }

    fn inner(&self) -> MutexGuard<'_, (Report, VecDeque<String>)> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<30}", "met")?;
        OUTCOMES.iter().try_for_each(|outcome| write!(f, "{:>10}", format!("{outcome:?}").to_lowercase()))?;
        let mut row = |name: &str, count: &dyn Fn(Outcome) -> usize| {
            write!(f, "\n{name:<30}")?;
            OUTCOMES.iter().try_for_each(|outcome| match count(*outcome) {
                0 => write!(f, "{:>10}", "·"),
                count => write!(f, "{count:>10}"),
            })
        };
        let mut faults: Vec<_> = self.faults.keys().map(|(point, script, _)| (*point, *script)).collect();
        faults.dedup();
        for (point, script) in faults {
            let count = |outcome| self.faults.get(&(point, script, outcome)).copied().unwrap_or_default();
            row(&format!("{point}: {}", script.trim_start_matches("say,")), &count)?;
        }
        row("questions", &|outcome| self.outcomes.get(&outcome).copied().unwrap_or_default())?;
        writeln!(f, "\n")?;
        self.weather.iter().try_for_each(|(what, count)| writeln!(f, "{count:>7}  {what}"))?;
        let (p99, most) = (self.command(0.99), self.command(1.0));
        writeln!(f, "{:>7}  local commands, p99 {p99:.1?}, at most {most:.1?}", self.commands.len())?;
        if let (Some(middle), Some(end)) = (self.memory.get(self.memory.len() / 2), self.memory.last()) {
            writeln!(f, "{:>4} MB  held in the middle, {} MB at the end", middle >> 20, end >> 20)?;
        }
        write!(f, "{:>7}  questions, {} breaches, seed {}", self.questions(), self.breaches, self.seed)?;
        self.first.iter().try_for_each(|story| write!(f, "\n\nThe first breach, {story}"))
    }
}
