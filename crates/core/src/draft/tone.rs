//! How a reminder sounds: decided by the days, never by a model.

use serde::{Deserialize, Serialize};

/// How a reminder sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// Up to six days late.
    Friendly,
    /// From seven days on.
    Firm,
    /// From fourteen days on.
    Urgent,
}

impl Tone {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Friendly, Self::Firm, Self::Urgent];

    /// The tone for an invoice that is so many days overdue.
    pub fn of(days: u64) -> Self {
        match days {
            14.. => Self::Urgent,
            7.. => Self::Firm,
            _ => Self::Friendly,
        }
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Friendly => "friendly",
            Self::Firm => "firm",
            Self::Urgent => "urgent",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_days() {
        let check = |days, expect| assert_eq!(Tone::of(days), expect, "{days}");
        check(0, Tone::Friendly);
        check(6, Tone::Friendly);
        check(7, Tone::Firm);
        check(13, Tone::Firm);
        check(14, Tone::Urgent);
        check(3650, Tone::Urgent);
    }
}
