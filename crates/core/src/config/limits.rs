//! How much one address, and all of them together, may take.

use std::ops::RangeInclusive;

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
        rate: read_count(reader, "RATE_LIMIT", 20, 0..=1_000),
        streams_per_address: read_count(reader, "STREAMS_PER_ADDRESS", 4, 1..=10_000),
        streams: read_count(reader, "MOST_STREAMS", 200, 1..=10_000),
    }
}

fn read_count(reader: &mut Reader<'_>, name: &str, default: usize, range: RangeInclusive<usize>) -> usize {
    let Some(text) = reader.text(name) else { return default };
    match text.parse() {
        Ok(count) if range.contains(&count) => count,
        _ => {
            let (least, most) = range.into_inner();
            reader.fault(name, format!("{text:?} is not a count from {least} to {most}"));
            default
        }
    }
}
