//! How much one address, and all of them together, may take.

use super::Reader;

/// What a question must not stand over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `RATE_LIMIT`, 20: questions of one address within a minute; 0 for as many as it likes.
    pub rate: usize,
    /// `STREAMS_PER_ADDRESS`, 4: answers of one address at once, in one instance.
    pub streams_per_address: usize,
    /// `MOST_STREAMS`, 200: answers of an instance at once.
    pub streams: usize,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Limits {
    Limits {
        rate: reader.count("RATE_LIMIT", 20, 0..=1_000),
        streams_per_address: reader.count("STREAMS_PER_ADDRESS", 4, 1..=10_000),
        streams: reader.count("MOST_STREAMS", 200, 1..=10_000),
    }
}
