//! `homefire chaos`: the storm over sockets, on each runtime.

mod town;

use std::time::{Duration, SystemTime};

use anyhow::{Result, ensure};
use clap::Args;
use homefire_sim::chaos;

use crate::bench::machine::allow_files;
use crate::edge::{self, On};
use town::{Keeper, SocketTown};

#[derive(Args)]
pub(crate) struct Options {
    /// For so long, a day at most.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// What is drawn; another one each time unless it is given.
    #[arg(long)]
    seed: Option<u64>,
    /// Where the service runs.
    #[arg(long, value_enum, default_value_t = On::Native)]
    on: On,
    /// What keeps the records.
    #[arg(long, value_enum, default_value_t = Keeper::Upstash)]
    keeper: Keeper,
    /// The machine may be slow: more time is given, and nothing expected of how soon local commands are answered.
    #[arg(long)]
    slow: bool,
}

/// Sockets that readers and nodes may have open at once.
const FILES: u64 = 4096;

pub(crate) async fn run(options: Options) -> Result<()> {
    allow_files(FILES, "raise the hard limit")?;
    edge::prepare(options.on)?;
    let seed = options.seed.unwrap_or_else(drawn);
    tell!("{} seconds on {:?}, seed {seed}", options.seconds, options.on);
    let town = SocketTown::open(options.on, options.keeper, options.slow).await?;
    let report = chaos::storm(&town, seed, Duration::from_secs(options.seconds)).await;
    tell!("\n{report}");
    ensure!(report.breaches == 0, "{} breaches with the seed {seed}", report.breaches);
    let log = town.log()?;
    ensure!(!log.contains("panicked"), "the service has panicked");
    let is_shared = options.keeper == Keeper::Upstash || options.on == On::Workerd;
    let is_counted = log.contains(r#""counted":"fleet""#);
    ensure!(is_counted || !is_shared, "no question was counted among all instances");
    Ok(())
}

fn drawn() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "any seed will do")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(1, |since| since.as_secs())
}
