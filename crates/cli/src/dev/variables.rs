//! The service's variables as they are on this machine.

use std::collections::HashMap;

use anyhow::{Context, Result};
use homefire::tools;
use homefire_core::config::VARIABLES;

use crate::Refused;

/// What opens the drafts of `dev` where no `DRAFT_KEY` is set. It serves this machine alone.
pub(crate) const DEV_DRAFT_KEY: &str = "homefire-dev-draft-key";

/// The environment goes before `.env`.
pub(crate) fn read() -> Result<Vec<(String, String)>> {
    // Not `dotenvy::dotenv_iter`, which goes on to look in the folders above this repository.
    let file: HashMap<String, String> = match dotenvy::from_path_iter(tools::root().join(".env")) {
        Ok(lines) => lines
            .collect::<Result<_, _>>()
            .map_err(|_| Refused(".env is not made of NAME=value".to_owned()))?,
        Err(error) if error.not_found() => HashMap::new(),
        Err(error) => return Err(error).context(".env"),
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the reader that the configuration is parsed through"
    )]
    let find = |name: &&str| std::env::var(name).ok().or_else(|| file.get(*name).cloned());
    Ok(VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), find(name)?))).collect())
}
