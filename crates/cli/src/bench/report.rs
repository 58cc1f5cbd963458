//! What was measured, as a table for a person and as JSON for a program.

use std::fmt;
use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::machine;
use super::rounds::{FOREIGN, Played, Sum};
use super::stats::Spread;
use super::table::table;

pub(crate) struct Measured {
    pub(crate) connections: usize,
    pub(crate) streams: usize,
    /// Answers that arrived byte by byte as they were said.
    pub(crate) answers: u64,
    /// Bytes of the guard's binary.
    pub(crate) size: u64,
    pub(crate) rounds: usize,
    pub(crate) played: Played,
}

pub(crate) struct Report {
    direct: Row,
    nginx: Row,
    guard: Row,
    json: Value,
    notes: Vec<String>,
}

/// One lane. Times are in nanoseconds.
struct Row {
    first: Spread,
    chunk: Spread,
    /// KiB in the first round and in the last.
    resident: (u64, u64),
    cpu: u64,
}

struct Machine {
    cores: usize,
    /// MiB
    memory: u64,
    kernel: String,
}

impl Report {
    pub(crate) fn of(measured: &Measured) -> Result<Self> {
        let played = &measured.played;
        let rows = played.sums.iter().map(Row::of).collect::<Result<Vec<_>>>()?;
        let [direct, nginx, guard] = <[Row; 3]>::try_from(rows).ok().context("three lanes were measured")?;
        let machine = Machine::here()?;
        let is_quiet = played.foreign <= FOREIGN;
        let mut notes = vec![
            format!(
                "{} connections to each lane, {} of them streaming; {} rounds, {} discarded; {} answers, every byte as the \
                 node said it.",
                measured.connections, measured.streams, measured.rounds, played.discarded, measured.answers
            ),
            format!("The release guard is a binary of {:.1} MB.", measured.size as f64 / 1e6),
            format!(
                "{} cores, {:.1} GiB RAM, Linux {}. Others had {:.0} % of the machine at most.",
                machine.cores,
                machine.memory as f64 / 1024.0,
                machine.kernel,
                played.foreign * 100.0
            ),
        ];
        if !is_quiet {
            notes.push(
                "WARNING: the machine was busy with something else. These are no figures to quote."
                    .to_owned(),
            );
        }
        let json = json!({
            "connections": measured.connections,
            "streams": measured.streams,
            "rounds": measured.rounds,
            "discarded": played.discarded,
            "answers": measured.answers,
            "foreign_share": played.foreign,
            "quiet": is_quiet,
            "guard_binary_bytes": measured.size,
            "machine": {"cores": machine.cores, "memory_mib": machine.memory, "kernel": machine.kernel},
            "lanes": {"direct": direct.json(), "nginx": nginx.json(), "guard": guard.json()},
        });
        Ok(Self { direct, nginx, guard, json, notes })
    }

    pub(crate) fn json(&self) -> &Value {
        &self.json
    }
}

impl Row {
    fn of(sum: &Sum) -> Result<Self> {
        ensure!(!sum.chunks.is_empty(), "nothing was heard");
        let words = (sum.chunks.len() + sum.first.len()) as u64;
        Ok(Self {
            first: Spread::of(sum.first.clone()).context("no first word was heard")?,
            chunk: Spread::of(sum.chunks.clone()).context("no word was heard")?,
            resident: sum.resident.first().copied().zip(sum.resident.last().copied()).unwrap_or_default(),
            cpu: sum.ticks * machine::tick() / words,
        })
    }

    fn times(&self) -> [u64; 4] {
        [self.first.p50, self.first.p99, self.chunk.p50, self.chunk.p99]
    }

    /// What this lane takes longer than `direct`.
    fn added(&self, direct: &Self) -> [u64; 4] {
        let (mine, theirs) = (self.times(), direct.times());
        std::array::from_fn(|nth| mine[nth].saturating_sub(theirs[nth]))
    }

    fn json(&self) -> Value {
        json!({
            "first_word_ns": {"p50": self.first.p50, "p99": self.first.p99},
            "chunk_ns": {"p50": self.chunk.p50, "p99": self.chunk.p99},
            "resident_kib": {"begin": self.resident.0, "end": self.resident.1},
            "cpu_ns_per_chunk": self.cpu,
        })
    }
}

impl Machine {
    fn here() -> Result<Self> {
        let memory = fs::read_to_string("/proc/meminfo").context("/proc/meminfo")?;
        let total =
            memory.lines().next().and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            memory: total.context("/proc/meminfo reads otherwise than proc(5) says")? / 1024,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
        })
    }
}

const HEAD: [&str; 8] = [
    "", "first word p50, µs", "p99, µs", "chunk p50, µs", "p99, µs", "memory, MB", "at the end",
    "CPU a chunk, µs",
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lane = |name: &str, row: &Row| {
            let memory = [row.resident.0, row.resident.1].map(megabytes);
            let mut cells = line(name, &row.times().map(micros));
            let is_between = row.resident.0 > 0;
            cells.extend(
                memory
                    .into_iter()
                    .chain([micros(row.cpu)])
                    .map(|cell| if is_between { cell } else { "–".to_owned() }),
            );
            cells
        };
        let (nginx, guard) = (self.nginx.added(&self.direct), self.guard.added(&self.direct));
        let mut whole: Vec<String> = line("guard / nginx", &ratios(self.guard.times(), self.nginx.times()));
        whole.extend(ratios(
            [self.guard.resident.0, self.guard.resident.1, self.guard.cpu],
            [self.nginx.resident.0, self.nginx.resident.1, self.nginx.cpu],
        ));
        let rows = [
            HEAD.map(str::to_owned).to_vec(),
            lane("direct", &self.direct),
            lane("nginx", &self.nginx),
            lane("guard", &self.guard),
            whole,
            line("nginx adds", &nginx.map(micros)),
            line("guard adds", &guard.map(micros)),
            line("guard adds / nginx adds", &ratios(guard, nginx)),
        ];
        writeln!(f, "{}", table(&rows))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

fn line(name: &str, cells: &[String]) -> Vec<String> {
    [&[name.to_owned()], cells].concat()
}

fn ratios<const N: usize>(left: [u64; N], right: [u64; N]) -> [String; N] {
    std::array::from_fn(|nth| ratio(left[nth], right[nth]))
}

fn ratio(left: u64, right: u64) -> String {
    if right == 0 { "–".to_owned() } else { format!("{:.2} ×", left as f64 / right as f64) }
}

fn micros(nanos: u64) -> String {
    format!("{:.0}", nanos as f64 / 1e3)
}

fn megabytes(kib: u64) -> String {
    format!("{:.1}", kib as f64 * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(first: u64, chunk: u64, resident: u64) -> Row {
        let spread = |p50| Spread { p50, p99: p50 * 2 };
        Row { first: spread(first), chunk: spread(chunk), resident: (resident, resident), cpu: 20_000 }
    }

    #[test]
    fn what_is_added_is_beyond_the_direct_way() {
        let (direct, lane) = (row(100, 50, 0), row(130, 40, 1));
        assert_eq!(lane.added(&direct), [30, 60, 0, 0]);
        assert_eq!(ratios([30, 5], [20, 0]), ["1.50 ×", "–"]);
    }

    #[test]
    fn cpu_time_is_of_one_word() {
        let sum = Sum { first: vec![1; 10], chunks: vec![1; 90], ticks: 3, resident: vec![5, 6, 7] };
        let row = Row::of(&sum).unwrap();
        assert_eq!((row.cpu, row.resident), (3 * machine::tick() / 100, (5, 7)));
        assert!(Row::of(&Sum::default()).is_err());
    }
}
