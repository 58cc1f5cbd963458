//! Under which conditions something was measured.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::rounds::{FOREIGN, Played};

/// The machine, and what others did on it.
pub(crate) struct Conditions {
    cores: usize,
    /// MiB
    memory: u64,
    kernel: String,
    /// The largest share that others had.
    foreign: f64,
}

impl Conditions {
    pub(crate) fn of(played: &Played) -> Result<Self> {
        let memory = fs::read_to_string("/proc/meminfo").context("/proc/meminfo")?;
        let total =
            memory.lines().next().and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            memory: total.context("/proc/meminfo reads otherwise than proc(5) says")? / 1024,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            foreign: played.foreign,
        })
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.foreign <= FOREIGN
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = vec![format!(
            "{} cores, {:.1} GiB RAM, Linux {}. Others had {:.0} % of the machine at most.",
            self.cores,
            self.memory as f64 / 1024.0,
            self.kernel,
            self.foreign * 100.0
        )];
        if !self.is_quiet() {
            notes.push(
                "WARNING: the machine was busy with something else. These are no figures to quote."
                    .to_owned(),
            );
        }
        notes
    }

    pub(crate) fn machine(&self) -> Value {
        json!({"cores": self.cores, "memory_mib": self.memory, "kernel": self.kernel})
    }
}
