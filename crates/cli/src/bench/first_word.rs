//! `homefire bench first-word`: waits of seconds, over real sockets, where the scenario table has its worlds.

use std::process::Command;

use anyhow::Result;
use homefire::process::run as run_command;
use homefire::tools;

use crate::{setup, worker};

pub(super) fn run() -> Result<()> {
    setup::everything()?;
    worker::build()?;
    let mut command = Command::new("cargo");
    // A wait of seconds is the same in any build, and this one is there already.
    command.args(["bench", "--profile", "dev", "--bench", "first_word"]);
    run_command(command.current_dir(tools::root()))
}
