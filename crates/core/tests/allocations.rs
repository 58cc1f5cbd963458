//! What a chunk of an answer costs in allocations, once its relay has run warm.

use allocation_counter::measure;
use bytes::Bytes;
use homefire_core::relay::{Dialect, Relay, State};
use homefire_core::told::Told;

const CHUNK: &[u8] = b"{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00.000000000Z\",\"message\":\
    {\"role\":\"assistant\",\"content\":\" word\"},\"done\":false}\n";

const FRAME: &[u8] = b"data: {\"type\":\"token\",\"content\":\" word\"}\n\n";

/// Chunks until every buffer has the size that it keeps.
const WARM: usize = 10_000;

const CHUNKS: u64 = 1_000;

/// Allocations of [`CHUNKS`] chunks; `keep` is given the events of each.
fn allocations(dialect: Dialect, chunk: &[u8], mut keep: impl FnMut(Bytes)) -> u64 {
    let mut relay = Relay::<Told>::default().reading(dialect);
    let mut pass = || {
        assert_eq!(relay.push(chunk), Ok(&State::Speaking));
        keep(relay.output_mut().take());
    };
    (0..WARM).for_each(|_| pass());
    measure(|| (0..CHUNKS).for_each(|_| pass())).count_total
}

/// What waits for a socket is gone before the next chunk comes: then its memory is used again.
#[test]
fn a_chunk_allocates_nothing() {
    assert_eq!(allocations(Dialect::Ollama, CHUNK, drop), 0);
    assert_eq!(allocations(Dialect::Lane, FRAME, drop), 0);
}

/// Where the reader is slower than the node: the bytes, and who shares them.
#[test]
fn a_chunk_behind_one_that_is_still_held_allocates_twice() {
    for (dialect, chunk) in [(Dialect::Ollama, CHUNK), (Dialect::Lane, FRAME)] {
        let mut last = Bytes::new();
        assert!(allocations(dialect, chunk, |events| last = events) <= 2 * CHUNKS);
    }
}
