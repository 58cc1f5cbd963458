//! `homefire`: the one tool a person types.

#![expect(clippy::print_stdout, reason = "what a person reads is what this program is for")]

mod dev;
mod keyboard;
mod outage;
mod screen;
mod setup;
mod test;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Homefire: products that go on answering when the model's machine at home does not.
///
/// Exit codes: 0 all is well, 1 something failed, 2 the command or the configuration is wrong.
#[derive(Parser)]
#[command(name = "homefire", bin_name = "cargo homefire", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve everything on this machine, with two simulated nodes unless real ones are configured.
    Dev(dev::Options),
    /// Prove the project: format, lints, tests, the scenario table in all worlds, both deployments' builds.
    Test(test::Options),
    /// Install what the Workers and Vercel builds and the tests need. The first time takes some minutes.
    Setup,
    /// Build what is deployed.
    Build {
        #[command(subcommand)]
        what: Build,
    },
}

#[derive(Subcommand)]
enum Build {
    /// The Cloudflare Worker, to `crates/worker/build`; `wrangler deploy` runs this.
    Worker,
}

/// The command line was understood, and what it asks for cannot be.
#[derive(Debug)]
struct Refused(String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Dev(options) => dev::run(options).await,
        Command::Test(options) => test::run(&options),
        Command::Setup => setup::everything().inspect(|()| println!("Everything is installed.")),
        Command::Build { what: Build::Worker } => worker::build(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("homefire: {error:#}");
            ExitCode::from(if error.is::<Refused>() { 2 } else { 1 })
        }
    }
}
