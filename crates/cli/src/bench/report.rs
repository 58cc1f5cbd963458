//! What was measured, as a table for a person and as JSON for a program.

use std::fmt;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::conditions::Conditions;
use super::rounds::{Played, Turn};
use super::stats::{Range, Spread, confident};
use super::table::{line, megabytes, micros, ratio, table};

pub(crate) struct Measured {
    pub(crate) connections: usize,
    pub(crate) streams: usize,
    /// Bytes of the guard's binary.
    pub(crate) size: u64,
    pub(crate) rounds: usize,
    pub(crate) played: Played,
}

pub(crate) struct Report {
    direct: Row,
    nginx: Row,
    logging: Row,
    guard: Row,
    json: Value,
    notes: Vec<String>,
}

/// One lane. Times are in nanoseconds.
struct Row {
    first: Spread,
    chunk: Spread,
    /// The middle ones of each round.
    rounds: Vec<[u64; 2]>,
    /// KiB in a program's first turn and in its second.
    resident: (u64, u64),
    cpu: u64,
}

/// The guard's middle times by those of an nginx in the same round, in thousandths: how far programs that begin anew lie
/// apart, and which way.
struct ByRound {
    first: Ratios,
    chunk: Ratios,
}

struct Ratios {
    range: Range,
    /// Between which the middle one of all rounds lies that could be played.
    sure: Option<[u64; 2]>,
}

impl ByRound {
    fn of(guard: &Row, nginx: &Row) -> Result<Self> {
        let of = |nth: usize| {
            let rounds = guard.rounds.iter().zip(&nginx.rounds);
            let ratios = rounds.map(|(guard, nginx)| guard[nth] * 1000 / nginx[nth].max(1));
            Ratios::of(ratios.collect()).context("no round was played")
        };
        Ok(Self { first: of(0)?, chunk: of(1)? })
    }

    fn note(&self, nginx: &str) -> String {
        format!(
            "The guard's p50 by that of {nginx}, round by round: first word {}; chunk {}.",
            self.first.note(),
            self.chunk.note()
        )
    }

    fn json(&self) -> Value {
        json!({"first_word": self.first.json(), "chunk": self.chunk.json()})
    }
}

impl Ratios {
    fn of(values: Vec<u64>) -> Option<Self> {
        Some(Self { range: Range::of(values.clone())?, sure: confident(values) })
    }

    fn note(&self) -> String {
        let figure = |thousandths| ratio(thousandths, 1000);
        let sure = self.sure.map(|[low, high]| format!(", 95 % sure {} – {}", figure(low), figure(high)));
        let (middle, apart) = (figure(self.range.middle), self.range.apart(figure));
        format!("the middle one {middle}{}, all {apart}", sure.unwrap_or_default())
    }

    fn json(&self) -> Value {
        let mut json = self.range.json();
        json["sure"] = self.sure.map_or(Value::Null, |sure| json!(sure));
        json
    }
}

impl Report {
    pub(crate) fn of(measured: &Measured) -> Result<Self> {
        let played = &measured.played;
        let lanes = played.warm.iter().zip(&played.turns);
        let rows = lanes.map(|(warm, turns)| Row::of(warm, turns)).collect::<Result<Vec<_>>>()?;
        let [direct, nginx, logging, guard] =
            <[Row; 4]>::try_from(rows).ok().context("four lanes were measured")?;
        let conditions = Conditions::of(played)?;
        let (silent, loud) = (ByRound::of(&guard, &nginx)?, ByRound::of(&guard, &logging)?);
        let mut notes = vec![
            format!(
                "{} connections to each lane, {} of them streaming; {} rounds of fresh programs, {} discarded; {} answers, \
                 every byte as the node said it.",
                measured.connections, measured.streams, measured.rounds, played.discarded, played.answers
            ),
            silent.note("nginx"),
            loud.note("nginx that logs"),
            format!("The release guard is a binary of {:.1} MB.", measured.size as f64 / 1e6),
        ];
        notes.extend(conditions.notes());
        let json = json!({
            "connections": measured.connections,
            "streams": measured.streams,
            "rounds": measured.rounds,
            "discarded": played.discarded,
            "answers": played.answers,
            "foreign_share": played.foreign,
            "quiet": conditions.is_quiet(),
            "guard_binary_bytes": measured.size,
            "machine": conditions.machine(),
            "guard_by_nginx_thousandths": silent.json(),
            "guard_by_nginx_logging_thousandths": loud.json(),
            "lanes": {
                "direct": direct.json(),
                "nginx": nginx.json(),
                "nginx_logging": logging.json(),
                "guard": guard.json(),
            },
        });
        Ok(Self { direct, nginx, logging, guard, json, notes })
    }

    pub(crate) fn json(&self) -> &Value {
        &self.json
    }
}

impl Row {
    fn of(warm: &[Turn], turns: &[Turn]) -> Result<Self> {
        let all = |times: fn(&Turn) -> &[u64]| Spread::of(turns.iter().flat_map(times).copied().collect());
        let words: u64 = turns.iter().map(Turn::words).sum();
        ensure!(words > 0, "nothing was heard");
        let resident = |turns: &[Turn]| middle(turns.iter().map(|turn| turn.resident));
        let of_round =
            |turn: &Turn| Ok([middle(turn.first.iter().copied())?, middle(turn.chunks.iter().copied())?]);
        Ok(Self {
            first: all(|turn| &turn.first).context("no first word was heard")?,
            chunk: all(|turn| &turn.chunks).context("no word was heard")?,
            rounds: turns.iter().map(of_round).collect::<Result<_>>()?,
            resident: (resident(warm)?, resident(turns)?),
            cpu: turns.iter().map(|turn| turn.cpu).sum::<u64>() / words,
        })
    }

    fn times(&self) -> [u64; 4] {
        [self.first.p50, self.first.p99, self.chunk.p50, self.chunk.p99]
    }

    fn costs(&self) -> [u64; 3] {
        [self.resident.0, self.resident.1, self.cpu]
    }

    /// What this lane takes longer than `direct`.
    fn added(&self, direct: &Self) -> [u64; 4] {
        let (mine, theirs) = (self.times(), direct.times());
        std::array::from_fn(|nth| mine[nth].saturating_sub(theirs[nth]))
    }

    fn json(&self) -> Value {
        json!({
            "first_word_ns": self.first.json(),
            "chunk_ns": self.chunk.json(),
            "resident_kib": {"first_turn": self.resident.0, "second_turn": self.resident.1},
            "cpu_ns_per_chunk": self.cpu,
        })
    }
}

const HEAD: [&str; 8] = [
    "", "first word p50, µs", "p99, µs", "chunk p50, µs", "p99, µs", "memory, MB", "a turn later",
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
        let by = |name: &str, other: &Row| {
            let mut cells = line(name, &ratios(self.guard.times(), other.times()));
            cells.extend(ratios(self.guard.costs(), other.costs()));
            cells
        };
        let rows = [
            HEAD.map(str::to_owned).to_vec(),
            lane("direct", &self.direct),
            lane("nginx", &self.nginx),
            lane("nginx, logging", &self.logging),
            lane("guard", &self.guard),
            by("guard / nginx", &self.nginx),
            by("guard / nginx, logging", &self.logging),
            line("nginx adds", &nginx.map(micros)),
            line("guard adds", &guard.map(micros)),
            line("guard adds / nginx adds", &ratios(guard, nginx)),
        ];
        writeln!(f, "{}", table(&rows))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

fn middle(values: impl Iterator<Item = u64>) -> Result<u64> {
    Ok(Range::of(values.collect()).context("nothing was heard")?.middle)
}

fn ratios<const N: usize>(left: [u64; N], right: [u64; N]) -> [String; N] {
    std::array::from_fn(|nth| ratio(left[nth], right[nth]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(first: u64, chunk: u64, resident: u64) -> Row {
        let spread = |p50| Spread { p50, p99: p50 * 2 };
        let resident = (resident, resident);
        let rounds = vec![[first, chunk], [first * 2, chunk], [first * 3, chunk]];
        Row { first: spread(first), chunk: spread(chunk), rounds, resident, cpu: 20_000 }
    }

    #[test]
    fn what_is_added_is_beyond_the_direct_way() {
        let (direct, lane) = (row(100, 50, 0), row(130, 40, 1));
        assert_eq!(lane.added(&direct), [30, 60, 0, 0]);
        assert_eq!(ratios([30, 5], [20, 0]), ["1.50 ×", "–"]);
    }

    #[test]
    fn ratios_are_of_one_round() {
        let (mut guard, nginx) = (row(110, 45, 1), row(100, 50, 1));
        guard.rounds[1][0] = 100;
        let rounds = ByRound::of(&guard, &nginx).unwrap();
        assert_eq!(rounds.first.range, Range { least: 500, middle: 1100, most: 1100 });
        assert_eq!(rounds.chunk.range, Range { least: 900, middle: 900, most: 900 });
        assert_eq!(rounds.chunk.note(), "the middle one 0.90 ×, all 0.90 × – 0.90 ×");
        let six = Ratios::of((0..6).map(|nth| 900 + nth * 100).collect()).unwrap();
        assert_eq!(six.note(), "the middle one 1.10 ×, 95 % sure 0.90 × – 1.40 ×, all 0.90 × – 1.40 ×");
    }

    #[test]
    fn cpu_time_is_of_one_word() {
        let turn = |resident| Turn {
            first: vec![1; 10],
            chunks: vec![1; 90],
            cpu: 3000,
            resident,
            ..Turn::default()
        };
        let row = Row::of(&[turn(5), turn(5), turn(4)], &[turn(5), turn(6), turn(7)]).unwrap();
        assert_eq!((row.cpu, row.resident), (30, (5, 6)));
        assert!(Row::of(&[], &[]).is_err());
    }
}
