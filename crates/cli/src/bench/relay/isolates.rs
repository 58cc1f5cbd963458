//! From the start of a Worker in a fresh isolate to the end of its first answer, in a process that runs already, as they
//! are started in production.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use homefire::process::Group;
use homefire::workerd;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::startup::listening;
use super::ways::{Site, Way, peer};
use crate::bench::lanes::order;
use crate::bench::line::Line;
use crate::bench::listening::free_address;
use crate::bench::machine::now;

/// Isolates of each lane.
const STARTS: usize = 40;

/// As many of each before them: the process itself does things for the first time, too.
const WARM: usize = 3;

const PATIENCE: Duration = Duration::from_secs(60);

/// Nanoseconds of each lane's isolates. Each lane is first in turn.
pub(super) async fn measure(ways: &[&Way], site: &Site<'_>) -> Result<Vec<Vec<u64>>> {
    let address = free_address().await?;
    let mut command = workerd::loader(address.port(), &peer("isolates.mjs"), site.folder)?;
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = Group::spawn(command)?;
    timeout(PATIENCE, listening(&mut process, address)).await??;
    let mut line = Line::open(address).await?;
    let workers = ways.iter().map(|way| Worker::of(way, site)).collect::<Result<Vec<_>>>()?;
    let mut times = vec![Vec::new(); ways.len()];
    for round in 0..WARM + STARTS {
        for nth in order(round, ways.len()) {
            let time = timeout(PATIENCE, workers[nth].start(&mut line, round)).await;
            let time = time.map_err(Into::into).flatten();
            times[nth].push(time.with_context(|| format!("an isolate of {}", ways[nth].name))?);
        }
    }
    times.iter_mut().for_each(|times| drop(times.drain(..WARM)));
    Ok(times)
}

struct Worker {
    code: Value,
    /// Empty where there is none.
    module: Vec<u8>,
}

impl Worker {
    fn of(way: &Way, site: &Site<'_>) -> Result<Self> {
        let script = way.script()?.context("it is no Worker")?;
        let (date, flags) = workerd::compatibility()?;
        let code = json!({
            "script": std::fs::read_to_string(&script.main)?,
            "compatibilityDate": date,
            "compatibilityFlags": flags,
            "env": way.variables(site.node).into_iter().collect::<Value>(),
        });
        Ok(Self { code, module: script.wasm.map(std::fs::read).transpose()?.unwrap_or_default() })
    }

    async fn start(&self, line: &mut Line, round: usize) -> Result<u64> {
        line.put("/code", self.code.to_string().into()).await?;
        line.put("/module", self.unlike(round).into()).await?;
        let began = now();
        line.fetch("/start").await?;
        Ok(now() - began)
    }

    /// The module with a section of its own, which nobody reads: of one that it knows already, V8 has the code.
    fn unlike(&self, round: usize) -> Vec<u8> {
        let mut module = self.module.clone();
        if !module.is_empty() {
            // Its kind, the length of what follows, that of its name, the name and a number of eight bytes.
            module.extend(b"\x00\x0e\x05round");
            module.extend((round as u64).to_be_bytes());
        }
        module
    }
}
