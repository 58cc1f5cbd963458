//! What was measured, as a table for a person and as JSON for a program.

use std::fmt;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::bench::conditions::Conditions;
use crate::bench::rounds::{Plan, Played, Turn};
use crate::bench::stats::{Range, Spread};
use crate::bench::table::{line, megabytes, ratio, table};
use crate::bench::turn::Course;
use crate::edge::On;

/// Lanes that the others are compared with.
const BASES: [&str; 3] = ["js", "bare", "pass"];

pub(super) struct Measured {
    pub(super) on: On,
    pub(super) streams: usize,
    pub(super) course: Course,
    /// Answers that arrived as they were said.
    pub(super) answers: u64,
    /// The node's own turn, without anything between.
    pub(super) node: Turn,
    pub(super) plan: Plan,
    /// The lanes, in the order of what was played.
    pub(super) names: Vec<&'static str>,
    pub(super) played: Played,
}

pub(super) struct Report {
    rows: Vec<Row>,
    json: Value,
    notes: Vec<String>,
}

/// One lane. Times are in nanoseconds.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// CPU time of a token, round by round.
    pub(super) cpu: Range,
    /// From the node's saying the first word to its arrival.
    opening: Spread,
    /// The same of the words behind it.
    chunk: Spread,
    /// KiB while it streams.
    resident: Range,
}

impl Report {
    pub(super) fn of(measured: &Measured) -> Result<Self> {
        let Measured { on, streams, course, answers, node, plan, names, played } = measured;
        let rows = names.iter().zip(&played.turns).map(|(name, turns)| Row::of(name, turns));
        let rows = rows.collect::<Result<Vec<_>>>()?;
        let conditions = Conditions::of(played)?;
        let mut notes = vec![
            format!(
                "{on:?}: {streams} readers at once, answers of {} tokens, one every {} ms; {} rounds, {} discarded; {answers} \
                 answers, each as the node said it.",
                course.words, course.pace, plan.rounds, played.discarded
            ),
            format!(
                "The node itself needs {} µs of CPU for a token.",
                tenths(node.cpu / node.words().max(1))
            ),
        ];
        notes.extend(conditions.notes());
        let lanes: Value = rows.iter().map(|row| (row.name.to_owned(), row.json())).collect();
        let json = json!({
            "on": format!("{on:?}").to_lowercase(),
            "streams": streams,
            "tokens": course.words,
            "pace_ms": course.pace,
            "rounds": plan.rounds,
            "discarded": played.discarded,
            "answers": answers,
            "foreign_share": played.foreign,
            "quiet": conditions.is_quiet(),
            "node_cpu_ns_per_token": node.cpu / node.words().max(1),
            "machine": conditions.machine(),
            "lanes": lanes,
        });
        Ok(Self { rows, json, notes })
    }

    pub(super) fn json(&self) -> &Value {
        &self.json
    }
}

impl Row {
    fn of(name: &'static str, turns: &[Turn]) -> Result<Self> {
        let all = |times: fn(&Turn) -> &[u64]| Spread::of(turns.iter().flat_map(times).copied().collect());
        let each = |figure: fn(&Turn) -> u64| Range::of(turns.iter().map(figure).collect());
        Ok(Self {
            name,
            cpu: each(|turn| turn.cpu / turn.words().max(1)).context("no turn was played")?,
            opening: all(|turn| &turn.opening).context("no first word was heard")?,
            chunk: all(|turn| &turn.chunks).context("no word was heard")?,
            resident: each(|turn| turn.resident).context("no turn was played")?,
        })
    }

    fn json(&self) -> Value {
        let spread = |spread: Spread| json!({"p50": spread.p50, "p99": spread.p99});
        let range = |range: Range| json!({"min": range.least, "median": range.middle, "max": range.most});
        json!({
            "cpu_ns_per_token": range(self.cpu),
            "first_word_ns": spread(self.opening),
            "token_ns": spread(self.chunk),
            "resident_kib": range(self.resident),
        })
    }

    fn cells(&self) -> Vec<String> {
        let Range { least, middle, most } = self.cpu;
        let times = [self.opening.p50, self.opening.p99, self.chunk.p50, self.chunk.p99].map(tenths);
        let apart = format!("{} – {}", tenths(least), tenths(most));
        [vec![tenths(middle), apart], times.to_vec(), vec![megabytes(self.resident.middle)]].concat()
    }
}

const HEAD: [&str; 8] = [
    "", "CPU a token, µs", "min – max", "first word p50, µs", "p99, µs", "token p50, µs", "p99, µs",
    "memory, MB",
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bases = || self.rows.iter().filter(|row| BASES.contains(&row.name));
        let head =
            HEAD.map(str::to_owned).into_iter().chain(bases().map(|base| format!("CPU / {}", base.name)));
        let mut rows = vec![head.collect()];
        rows.extend(self.rows.iter().map(|row| {
            let ratios = bases().map(|base| ratio(row.cpu.middle, base.cpu.middle)).collect();
            line(row.name, &[row.cells(), ratios].concat())
        }));
        writeln!(f, "{}", table(&rows))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

fn tenths(nanos: u64) -> String {
    format!("{:.1}", nanos as f64 / 1e3)
}
