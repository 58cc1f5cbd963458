//! `homefire`: the one tool a person types.

/// As `println!`, which panics where nobody reads any more.
macro_rules! tell {
    () => { tell!("") };
    ($($text:tt)*) => { $crate::screen::line(format_args!($($text)*)) };
}

mod bench;
mod chaos;
mod dev;
mod doctor;
mod draft;
mod edge;
mod frames;
mod fuzz;
mod keyboard;
mod outage;
mod screen;
mod setup;
mod test;
mod worker;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

const EXIT_CODES: &str =
    "Exit codes: 0 all is well, 1 something failed, 2 the command or the configuration is wrong.";

/// Homefire: products that go on answering when the model's machine at home does not.
#[derive(Parser)]
#[command(name = "homefire", bin_name = "cargo homefire", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve everything on this machine, with two simulated nodes unless real ones are configured.
    ///
    /// The configuration comes from the environment and from `.env`; README lists its names. Without OLLAMA_PRIMARY_URL and
    /// HOMEFIRE_NODES two nodes are simulated: `mini`, which is fast and can be killed, and `cloud`, which is slow.
    #[command(after_help = EXIT_CODES)]
    Dev(dev::Options),
    /// Look at a configuration from the operator's chair: what is wrong with it, and what to do.
    ///
    /// Reads the variables as `dev` does and asks each node, the store and the mail service. One line a check: `ok`, `warn` or
    /// `FAIL`. Loads the best model of a node that has none in memory. Sends no mail unless told to, and does not call
    /// HEARTBEAT_URL, for that would count as a beat.
    #[command(after_help = EXIT_CODES)]
    Doctor(doctor::Options),
    /// Ask for a payment reminder, and print it as a person would read it.
    ///
    /// The key is DRAFT_KEY of the environment or of `.env`; `dev` on this machine needs none. How the draft came about goes to
    /// standard error, the letter alone to standard output.
    #[command(after_help = EXIT_CODES)]
    Draft(draft::Options),
    /// Prove the project: format, lints, tests, the scenario table in all worlds, both deployments' builds.
    ///
    /// Each step is announced and timed; the first that fails ends the run, and is named. What the steps need is installed
    /// first, as by `setup`.
    #[command(after_help = EXIT_CODES)]
    Test(test::Options),
    /// Search for an answer of a model that breaks the drafts: a panic, or a draft that should not leave.
    ///
    /// Begins with the corpus of `crates/core/corpus`. Needs a C++ compiler. `test` does the same for some seconds.
    #[command(after_help = EXIT_CODES)]
    Fuzz(fuzz::Options),
    /// Storm: many readers for a while, nodes that fail at every point, a store and a mail service that vanish.
    ///
    /// Whatever is drawn, each reply must be whole, or say that it is not, in the nodes' own words; nothing may be held for a reader
    /// who left; commands must be prompt. Prints what came of each fault, and the story of the first breach. `test` does the same
    /// in virtual time, where a seed is a run; here the seed draws the same faults, and the machine decides which comes first.
    #[command(after_help = EXIT_CODES)]
    Chaos(chaos::Options),
    /// Measure what Homefire costs, against going without it and against a common proxy.
    ///
    /// Begins with release builds. Reads `/proc`, so it needs Linux, and a machine that does nothing else meanwhile.
    #[command(after_help = EXIT_CODES)]
    Bench {
        #[command(subcommand)]
        what: bench::What,
    },
    /// Install what the Workers and Vercel builds and the tests need. The first time takes some minutes.
    ///
    /// Rust's wasm target, wasm-bindgen, cargo-fuzz, the npm packages of `tools/`, the Python client of Ollama, and
    /// redis-server, where this is root on a machine with apt-get. What is compiled is kept in `$CARGO_HOME/homefire`, outside the
    /// repository.
    #[command(after_help = EXIT_CODES)]
    Setup,
    /// Build what is deployed.
    #[command(after_help = EXIT_CODES)]
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

/// What is still under way when all is said may take so long: looking up a name cannot be given up.
const FAREWELL: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let runtime = Runtime::new().expect("the operating system gives a program its threads");
    let code = runtime.block_on(run());
    runtime.shutdown_timeout(FAREWELL);
    code
}

async fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Dev(options) => dev::run(options).await,
        Command::Doctor(options) => doctor::run(options).await,
        Command::Draft(options) => draft::run(options).await,
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Chaos(options) => chaos::run(options).await,
        Command::Bench { what } => bench::run(what).await,
        Command::Setup => setup::everything().inspect(|()| tell!("Everything is installed.")),
        Command::Build { what: Build::Worker } => worker::build(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "homefire: {error:#}");
            ExitCode::from(if error.is::<Refused>() { 2 } else { 1 })
        }
    }
}
