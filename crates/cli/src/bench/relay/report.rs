//! What was measured, as tables for a person, as a drawing, and as JSON for a program.

use std::fmt;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::plot;
use super::startup::{self, Startup};
use crate::bench::conditions::Conditions;
use crate::bench::rounds::{Plan, Played, Turn};
use crate::bench::stats::{Range, Spread};
use crate::bench::table::{line, megabytes, ratio, table, tenths};
use crate::bench::turn::Course;
use crate::edge::On;

/// Lanes that the others are compared with.
const BASES: [&str; 3] = ["js", "bare", "pass"];

pub(super) struct Measured {
    pub(super) on: On,
    pub(super) streams: usize,
    pub(super) course: Course,
    /// The node's own turns, without anything between: as fast as it can, and at the pace of the lanes.
    pub(super) node: [Turn; 2],
    pub(super) plan: Plan,
    /// The lanes, in the order of what was played.
    pub(super) names: Vec<&'static str>,
    /// Memory of each before it was asked anything, in KiB.
    pub(super) at_rest: Vec<u64>,
    pub(super) played: Played,
    pub(super) startups: Vec<Startup>,
}

pub(super) struct Report {
    rows: Vec<Row>,
    title: String,
    startups: String,
    json: Value,
    notes: Vec<String>,
}

/// One lane. Times are in nanoseconds.
struct Row {
    name: &'static str,
    /// CPU time of a token, and that of each round.
    cpu: Range,
    rounds: Vec<u64>,
    /// From the node's saying the first word to its arrival.
    opening: Spread,
    /// The same of the words behind it.
    chunk: Spread,
    /// KiB while it streams.
    resident: Range,
    /// KiB that one stream needs beyond what the program had at rest.
    stream: f64,
}

/// What the node itself can do.
pub(super) fn of_node(unpaced: &Turn, paced: &Turn) -> String {
    format!(
        "The node says {:.0} lines a second when nobody paces it, at {} µs of CPU each; at the pace of the lanes a token \
         takes {} µs of CPU.",
        lines_a_second(unpaced),
        tenths(unpaced.cpu_of_a_word()),
        tenths(paced.cpu_of_a_word())
    )
}

fn lines_a_second(turn: &Turn) -> f64 {
    turn.words() as f64 / (turn.lasted as f64 / 1e9)
}

impl Report {
    pub(super) fn of(measured: &Measured) -> Result<Self> {
        let Measured { on, streams, course, node: [unpaced, paced], plan, played, .. } = measured;
        let lanes = measured.names.iter().zip(&measured.at_rest).zip(&played.turns);
        let rows = lanes.map(|((name, at_rest), turns)| Row::of(name, *at_rest, *streams, turns));
        let rows = rows.collect::<Result<Vec<_>>>()?;
        let conditions = Conditions::of(played)?;
        let on = format!("{on:?}").to_lowercase();
        let mut notes = vec![
            format!(
                "{on}: {streams} readers at once, answers of {} tokens, one every {} ms; {} rounds, {} discarded; {} \
                 answers, each as the node said it.",
                course.words, course.pace, plan.rounds, played.discarded, played.answers
            ),
            of_node(unpaced, paced),
        ];
        notes.extend(conditions.notes());
        let bases = bases(&rows);
        let lanes: Value = rows.iter().map(|row| (row.name.to_owned(), row.json(&bases))).collect();
        let startups: Value =
            measured.startups.iter().map(|each| (each.name.to_owned(), each.json())).collect();
        let json = json!({
            "on": on,
            "streams": streams,
            "tokens": course.words,
            "pace_ms": course.pace,
            "rounds": plan.rounds,
            "discarded": played.discarded,
            "answers": played.answers,
            "foreign_share": played.foreign,
            "quiet": conditions.is_quiet(),
            "machine": conditions.machine(),
            "node": {
                "lines_per_second": lines_a_second(unpaced),
                "cpu_ns_per_line": unpaced.cpu_of_a_word(),
                "cpu_ns_per_paced_token": paced.cpu_of_a_word(),
            },
            "lanes": lanes,
            "startup": startups,
        });
        let title =
            format!("CPU time of a token on {on}: {streams} readers, a token every {} ms", course.pace);
        Ok(Self { rows, title, startups: startup::told(&measured.startups), json, notes })
    }

    pub(super) fn json(&self) -> &Value {
        &self.json
    }

    pub(super) fn svg(&self) -> String {
        let bars: Vec<_> = self.rows.iter().map(|row| (row.name, row.cpu)).collect();
        plot::svg(&self.title, &bars)
    }
}

impl Row {
    fn of(name: &'static str, at_rest: u64, streams: usize, turns: &[Turn]) -> Result<Self> {
        let all = |times: fn(&Turn) -> &[u64]| Spread::of(turns.iter().flat_map(times).copied().collect());
        let each = |figure: fn(&Turn) -> u64| Range::of(turns.iter().map(figure).collect());
        let resident = each(|turn| turn.resident).context("no turn was played")?;
        let rounds: Vec<u64> = turns.iter().map(Turn::cpu_of_a_word).collect();
        Ok(Self {
            name,
            cpu: Range::of(rounds.clone()).context("no turn was played")?,
            rounds,
            opening: all(|turn| &turn.opening).context("no first word was heard")?,
            chunk: all(|turn| &turn.chunks).context("no word was heard")?,
            stream: resident.middle.saturating_sub(at_rest) as f64 / streams as f64,
            resident,
        })
    }

    /// Thousandths of what `base` needed in the same round: a machine is not as fast in each.
    fn against(&self, base: &Self) -> Range {
        let rounds = self.rounds.iter().zip(&base.rounds).map(|(ours, theirs)| ours * 1000 / theirs.max(&1));
        Range::of(rounds.collect()).expect("a row is of one round at least")
    }

    fn json(&self, bases: &[&Self]) -> Value {
        let ratios: Value =
            bases.iter().map(|base| (base.name.to_owned(), self.against(base).json())).collect();
        json!({
            "cpu_ns_per_token": self.cpu.json(),
            "cpu_thousandths_of": ratios,
            "first_word_ns": self.opening.json(),
            "token_ns": self.chunk.json(),
            "resident_kib": self.resident.json(),
            "kib_per_stream": self.stream,
        })
    }

    fn cells(&self) -> Vec<String> {
        let times = [self.opening.p50, self.opening.p99, self.chunk.p50, self.chunk.p99].map(tenths);
        let memory = [megabytes(self.resident.middle), format!("{:.0}", self.stream * 1.024)];
        [vec![tenths(self.cpu.middle), self.cpu.apart(tenths)], times.to_vec(), memory.to_vec()].concat()
    }
}

fn bases(rows: &[Row]) -> Vec<&Row> {
    rows.iter().filter(|row| BASES.contains(&row.name)).collect()
}

const HEAD: [&str; 9] = [
    "", "CPU a token, µs", "min – max", "first word p50, µs", "p99, µs", "token p50, µs", "p99, µs",
    "memory, MB", "kB a stream",
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bases = bases(&self.rows);
        let ratios = bases.iter().map(|base| format!("CPU / {}", base.name));
        let mut rows = vec![HEAD.map(str::to_owned).into_iter().chain(ratios).collect()];
        rows.extend(self.rows.iter().map(|row| {
            let ratios = bases.iter().map(|base| ratio(row.against(base).middle, 1000)).collect();
            line(row.name, &[row.cells(), ratios].concat())
        }));
        writeln!(f, "{}\n{}", table(&rows), self.startups)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(cpu: u64, resident: u64) -> Turn {
        let (first, opening) = (vec![9; 10], vec![5; 10]);
        Turn { first, opening, chunks: vec![4; 90], cpu, resident, lasted: 1_000_000_000 }
    }

    #[test]
    fn the_middle_round_counts() {
        let row =
            Row::of("ours", 24, 10, &[turn(300_000, 64), turn(100_000, 74), turn(200_000, 64)]).unwrap();
        assert_eq!(row.cpu, Range { least: 1_000, middle: 2_000, most: 3_000 });
        assert_eq!((row.opening.p50, row.chunk.p50, row.resident.middle), (5, 4, 64));
        assert!((row.stream - 4.0).abs() < 1e-9);
        assert_eq!(row.cells()[..2], ["2.0", "1.0 – 3.0"]);
        assert!(Row::of("ours", 0, 10, &[]).is_err());
    }

    #[test]
    fn lanes_are_compared_with_the_others() {
        let row = |name, cpu| Row::of(name, 0, 1, &[turn(cpu, 1)]).unwrap();
        let rows = vec![row("js", 400_000), row("pass", 100_000), row("ours", 200_000)];
        let (title, startups) = (String::new(), String::new());
        let slow = Row::of("ours", 0, 1, &[turn(1_000, 1), turn(90_000, 1), turn(30_000, 1)]).unwrap();
        let fast = Row::of("js", 0, 1, &[turn(2_000, 1), turn(30_000, 1), turn(10_000, 1)]).unwrap();
        assert_eq!(slow.against(&fast), Range { least: 500, middle: 3_000, most: 3_000 });
        let report = Report { rows, title, startups, json: Value::Null, notes: Vec::new() };
        let text = report.to_string();
        let last = text.lines().find(|line| line.starts_with("| ours")).unwrap();
        assert!(last.ends_with("|   0.50 × |     2.00 × |"), "{text}");
    }

    #[test]
    fn the_node_tells_what_it_can() {
        assert!((lines_a_second(&turn(1, 1)) - 100.0).abs() < 1e-9);
        assert!(of_node(&turn(200_000, 1), &turn(900_000, 1)).contains("says 100 lines a second"));
    }
}
