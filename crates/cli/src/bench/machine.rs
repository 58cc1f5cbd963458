//! What the machine and its programs do, as `/proc` tells it: CPU time in ticks, memory, and whose it was.

use std::fs;

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of the clock that all processes of a machine share.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).expect("the clock began at zero")
}

/// What is said elsewhere.
pub(crate) const ONLY_LINUX: &str = "the bench reads CPU time and memory from /proc, which only Linux has";

/// Lets this process, and those that it starts, have so many files and sockets open; `advice` is for who may not.
pub(crate) fn allow_files(count: u64, advice: &str) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= count) {
        return Ok(());
    }
    ensure!(
        limit.maximum.is_none_or(|most| most >= count),
        "{count} open files are needed and this user may have {}: {advice}",
        limit.maximum.unwrap_or_default()
    );
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(count), maximum: limit.maximum })?)
}

/// How long the processors were busy until now, and how much of it was for some processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Of all processors, for anybody.
    pub(crate) busy: u64,
    /// The same with the time in which they rested.
    pub(crate) total: u64,
    /// For the processes that were asked about.
    pub(crate) ours: u64,
}

impl Usage {
    pub(crate) fn read(processes: &[u32]) -> Result<Self> {
        let text = fs::read_to_string("/proc/stat").context("/proc/stat")?;
        let (busy, total) = processors(&text).context("/proc/stat reads otherwise than proc(5) says")?;
        Ok(Self { busy, total, ours: ticks(processes)? })
    }

    /// The share of the machine that others had between `earlier` and this, 0 to 1.
    pub(crate) fn foreign_since(&self, earlier: &Self) -> f64 {
        let busy = self.busy.saturating_sub(earlier.busy);
        let ours = self.ours.saturating_sub(earlier.ours);
        let total = self.total.saturating_sub(earlier.total).max(1);
        busy.saturating_sub(ours) as f64 / total as f64
    }
}

/// CPU time of `processes` together.
pub(crate) fn ticks(processes: &[u32]) -> Result<u64> {
    processes.iter().map(|id| Ok(process(*id)?.ticks)).sum()
}

/// The same in nanoseconds, of the threads that they have now: a tick is coarse for what a word costs.
pub(crate) fn cpu(processes: &[u32]) -> Result<u64> {
    let one = |id: &u32| {
        let folder = format!("/proc/{id}/task");
        let threads =
            fs::read_dir(&folder).with_context(|| format!("{folder}: a program of the bench has ended"))?;
        // A thread may end while it is looked for.
        let times =
            threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok());
        let times = times.map(|text| text.split(' ').next()?.parse::<u64>().ok());
        times
            .sum::<Option<u64>>()
            .with_context(|| format!("{folder}: schedstat reads otherwise than it should"))
    };
    processes.iter().map(one).sum()
}

/// Memory that `processes` have in RAM, in KiB. What they share is counted for each.
pub(crate) fn resident(processes: &[u32]) -> Result<u64> {
    let one = |id: &u32| {
        let path = format!("/proc/{id}/status");
        let text =
            fs::read_to_string(&path).with_context(|| format!("{path}: a program of the bench has ended"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        kib.with_context(|| format!("{path} names no VmRSS"))
    };
    processes.iter().map(one).sum()
}

/// The process `parent` and everything below it.
pub(crate) fn family(parent: u32) -> Result<Vec<u32>> {
    let ids = fs::read_dir("/proc").context("/proc")?.flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let known: Vec<(u32, u32)> = ids.filter_map(|id| Some((id, process(id).ok()?.parent))).collect();
    let mut family = vec![parent];
    let mut at = 0;
    while let Some(&elder) = family.get(at) {
        family.extend(known.iter().filter(|(_, parent)| *parent == elder).map(|(id, _)| *id));
        at += 1;
    }
    Ok(family)
}

#[derive(Debug, PartialEq, Eq)]
struct Process {
    parent: u32,
    ticks: u64,
}

fn process(id: u32) -> Result<Process> {
    let path = format!("/proc/{id}/stat");
    let text =
        fs::read_to_string(&path).with_context(|| format!("{path}: a program of the bench has ended"))?;
    parse(&text).with_context(|| format!("{path} reads otherwise than proc(5) says"))
}

fn parse(stat: &str) -> Option<Process> {
    // A program's name may hold spaces and parentheses; what follows the last one is plain.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(1);
    let parent = fields.next()?.parse().ok()?;
    let mut times = fields.skip(9).map(str::parse::<u64>);
    Some(Process { parent, ticks: times.next()?.ok()? + times.next()?.ok()? })
}

/// The time in which the processors were busy, and all time.
fn processors(stat: &str) -> Option<(u64, u64)> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    // The guests' time behind these eight is counted in them already.
    let fields: Vec<u64> = fields.take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
    let all: u64 = fields.iter().sum();
    Some((all - fields.get(3)? - fields.get(4)?, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_is_understood() {
        let stat = "7 (a (b) c) S 5 7 7 0 -1 4194560 1 2 3 4 30 12 8 9 20 0 1 0 99";
        assert_eq!(parse(stat), Some(Process { parent: 5, ticks: 42 }));
        assert_eq!(parse("7 (a) S 5"), None);
        assert_eq!(processors("cpu  10 1 5 80 4 2 3 6 9 9\ncpu0 1"), Some((27, 111)));
        assert_eq!(processors("intr 1"), None);
    }

    #[test]
    fn what_is_not_ours_is_foreign() {
        let before = Usage { busy: 100, total: 1000, ours: 50 };
        let check = |busy, total, ours, expect: f64| {
            let share = Usage { busy, total, ours }.foreign_since(&before);
            assert!((share - expect).abs() < 1e-9, "{share}");
        };
        check(100, 1200, 50, 0.0);
        check(160, 1200, 70, 0.2);
        // Two files that are read one after the other do not agree to the tick.
        check(110, 1200, 61, 0.0);
        check(100, 1000, 50, 0.0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_found() {
        let own = std::process::id();
        assert!(family(process(own).unwrap().parent).unwrap().contains(&own));
        assert!(resident(&[own]).unwrap() > 0 && cpu(&[own]).unwrap() > 0);
        let usage = Usage::read(&[own]).unwrap();
        assert!(usage.ours <= usage.busy && usage.busy <= usage.total);
    }
}
