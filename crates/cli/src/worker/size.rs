//! How large the Worker may be: by this project's promise, and where it is deployed.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;

/// KB of the whole Worker with the example's content, compressed. What is larger does not pass `homefire test`: every cold
/// start loads and compiles all of it, and what nobody looks at grows.
const PROMISED: usize = 250;

/// KB, compressed, that Cloudflare takes on its free plan.
const TAKEN: usize = 3000;

/// KB of a Worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    raw: usize,
    packed: usize,
}

impl Size {
    pub(super) fn of(files: &[PathBuf]) -> Result<Self> {
        let (mut raw, mut packed) = (0, 0);
        for file in files {
            let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
            let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
            gzip.write_all(&bytes)?;
            raw += bytes.len();
            packed += gzip.finish()?.len();
        }
        Ok(Self { raw: raw.div_ceil(1000), packed: packed.div_ceil(1000) })
    }

    /// What the owner of a Worker that is to be deployed should know. What he writes in `content` is his own matter, until
    /// Cloudflare would refuse it.
    pub(super) fn warning(self, content: &Path) -> Result<Option<String>> {
        let content = of(content)?;
        ensure!(
            self.packed <= TAKEN,
            "That is more than the {TAKEN} KB gzip that Cloudflare takes on its free plan. {content}"
        );
        Ok((self.packed > PROMISED).then(|| {
            format!("warning: that is more than {PROMISED} KB gzip; a cold start loads all of it. {content}")
        }))
    }

    /// Whether it is as small as it is promised to be.
    pub(super) fn hold(self) -> Result<()> {
        ensure!(
            self.packed <= PROMISED,
            "That is more than the {PROMISED} KB gzip that it may be, with the content that it comes with."
        );
        Ok(())
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KB, {} KB gzip", self.raw, self.packed)
    }
}

/// How much of it is the owner's.
fn of(content: &Path) -> Result<String> {
    let mut bytes = 0;
    for file in std::fs::read_dir(content)? {
        bytes += file?.metadata()?.len();
    }
    Ok(format!("The files of content/ are part of it: {} KB, uncompressed.", bytes.div_ceil(1000)))
}

#[cfg(test)]
mod tests {
    use homefire::tools;

    use super::*;

    #[test]
    fn what_is_said_of_a_size() {
        let check = |packed: usize, is_warned: bool, is_taken: bool, is_held: bool| {
            let size = Size { raw: 2 * packed, packed };
            let warning = size.warning(&tools::root().join("content"));
            assert_eq!(warning.is_ok(), is_taken, "{size}");
            let said = warning.unwrap_or_else(|error| Some(error.to_string()));
            assert_eq!(said.is_some(), is_warned, "{size}: {said:?}");
            assert!(said.is_none_or(|said| said.contains("content/")), "{size}");
            assert_eq!(size.hold().is_ok(), is_held, "{size}");
        };
        check(PROMISED, false, true, true);
        check(PROMISED + 1, true, true, false);
        check(TAKEN, true, true, false);
        check(TAKEN + 1, true, false, false);
    }
}
