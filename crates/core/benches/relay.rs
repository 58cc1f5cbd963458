//! How long it takes to relay an answer, in bytes of the node's lines a second: cut into lines, turned into events, and,
//! of a draft, read while it is being written.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use homefire_core::ndjson::{Lines, TooLong};
use homefire_core::relay::Relay;
use homefire_core::told::Told;

// It is the draft's own affair, and stands alone.
#[expect(dead_code, reason = "its tests are no part of this")]
#[path = "../src/draft/growing.rs"]
mod growing;

use growing::Growing;

const TOKENS: usize = 1000;

fn token(nth: usize) -> String {
    let content = [" reminder", " of", " \\\"{amount}\\\"", " für", ",\\n\\n", " 😀"][nth % 6];
    format!(
        "{{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00.000000000Z\",\"message\":{{\"role\":\"assistant\",\
         \"content\":\"{content}\"}},\"done\":false}}\n"
    )
}

/// The chunks of an answer: as they are said, several at once as a slow network has them, and cut anywhere.
fn deliveries() -> [(&'static str, Vec<Vec<u8>>); 3] {
    let tokens: Vec<String> = (0..TOKENS).map(token).collect();
    let whole = tokens.concat().into_bytes();
    let paced = tokens.into_iter().map(String::into_bytes).collect();
    let cut = |size| whole.chunks(size).map(<[u8]>::to_vec).collect();
    [("paced", paced), ("coalesced", cut(16 * 1024)), ("cut", cut(100))]
}

fn lines(criterion: &mut Criterion) {
    each_delivery(criterion, "lines", |chunks| {
        let mut lines = Lines::new(64 * 1024);
        for chunk in chunks {
            let each = |line: &[u8]| {
                black_box(line);
                Ok::<_, TooLong>(())
            };
            lines.push(chunk, each).expect("no line is too long");
        }
    });
}

fn relay(criterion: &mut Criterion) {
    each_delivery(criterion, "relay", |chunks| {
        let mut relay = Relay::<Told>::default();
        for chunk in chunks {
            relay.push(chunk).expect("the node says tokens");
            black_box(relay.output_mut().take());
        }
    });
}

fn growing(criterion: &mut Criterion) {
    let body =
        "Dear {clientName},\\n\\n{amount} has been due \\u2013 for {daysOverdue} days \\ud83d\\ude00. "
            .repeat(60);
    let text = format!("{{\"subject\":\"Reminder: {{amount}}\",\"body\":\"{body}\"}}");
    let characters: Vec<char> = text.chars().collect();
    let pieces: Vec<String> = characters.chunks(5).map(|piece| piece.iter().collect()).collect();
    let mut group = criterion.benchmark_group("growing");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("draft", |bencher| {
        bencher.iter(|| {
            let mut growing = Growing::default();
            for piece in &pieces {
                black_box(growing.push(black_box(piece)));
            }
        });
    });
    group.finish();
}

fn each_delivery(criterion: &mut Criterion, name: &str, read: fn(&[Vec<u8>])) {
    let mut group = criterion.benchmark_group(name);
    for (delivery, chunks) in deliveries() {
        group.throughput(Throughput::Bytes(chunks.iter().map(|chunk| chunk.len() as u64).sum()));
        group.bench_function(delivery, |bencher| bencher.iter(|| read(black_box(&chunks))));
    }
    group.finish();
}

criterion_group!(benches, lines, relay, growing);
criterion_main!(benches);
