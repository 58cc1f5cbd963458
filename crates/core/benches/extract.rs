//! How long it takes to find a draft in an answer, from 1 KiB to 1 MiB: for each kind of answer the bytes a second stay
//! the same, which is what linear means.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use homefire_core::draft::extract::extract;

const DRAFT: &str =
    r#"{"subject": "Reminder: {amount} due on {dueDate}", "body": "Dear {clientName}, {daysOverdue}."}"#;

/// An answer of about so many bytes: its name, what it is made of, and what it ends with.
const KINDS: &[(&str, &str, &str)] = &[
    ("prose", "I shall write to {clientName} in a moment. ", DRAFT),
    ("open_braces", "{", DRAFT),
    ("open_objects", "{\"subject\":", DRAFT),
    ("open_strings", "{\"body\":\"", DRAFT),
    ("quotes", "\"\" ", DRAFT),
    ("commas", "{\"a\": \"b\",,, ", DRAFT),
    ("comments", "{/* ", DRAFT),
    ("fences", "```json\n", DRAFT),
    ("thoughts", "<think>{\"subject\": \"no\"}</think>", DRAFT),
    ("escapes", "\\\"\\n", DRAFT),
    ("whole_drafts", DRAFT, ""),
];

fn answers(criterion: &mut Criterion) {
    for (kind, piece, end) in KINDS {
        let mut group = criterion.benchmark_group(*kind);
        for kib in [1, 32, 1023] {
            let answer = piece.repeat(kib * 1024 / piece.len()) + end;
            group.throughput(Throughput::Bytes(answer.len() as u64));
            group.bench_with_input(
                BenchmarkId::from_parameter(format!("{kib} KiB")),
                &answer,
                |bencher, answer| {
                    bencher.iter(|| extract(black_box(answer)));
                },
            );
        }
        group.finish();
    }
}

criterion_group!(benches, answers);
criterion_main!(benches);
