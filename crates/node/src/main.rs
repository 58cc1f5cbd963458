//! `homefire-node`: the guard as a program.

#![expect(clippy::print_stdout, reason = "what the owner asks for is answered on standard output")]

use std::io::{ErrorKind, stdout};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use homefire_install::{Failure, InstallArgs, OciRetryArgs, UninstallArgs};
use homefire_node::drain::{Order, control};
use homefire_node::{Config, Guard, config};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// The guard in front of Ollama: who may call, what may be called, how much at once.
///
/// The configuration comes from the environment; the README beside the source lists its names.
#[derive(Parser)]
#[command(name = "homefire-node", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Guard Ollama until told to stop.
    Serve,
    /// Take no new requests; those in flight go on to their end.
    Drain {
        /// Take requests again after so long, 2h or 30m, without being told.
        #[arg(long = "for", value_parser = humantime::parse_duration)]
        span: Option<Duration>,
    },
    /// Take requests again.
    Resume,
    Install(InstallArgs),
    Uninstall(UninstallArgs),
    OciRetry(OciRetryArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(|error| error.to_string()).and_then(|runtime| match cli.command {
        Command::Serve => {
            let guard = runtime.block_on(serve())?;
            // What is read on for readers who have left ends with the runtime, and then has its line.
            drop(runtime);
            guard.flush();
            Ok(())
        }
        Command::Drain { span } => runtime.block_on(tell(Order::Drain(span))),
        Command::Resume => runtime.block_on(tell(Order::Resume)),
        Command::Install(arguments) => done(arguments.run(&mut stdout())),
        Command::Uninstall(arguments) => done(arguments.run(&mut stdout())),
        Command::OciRetry(arguments) => done(arguments.run(&mut stdout())),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("homefire-node: {error}");
            ExitCode::FAILURE
        }
    }
}

fn done(result: Result<(), Failure>) -> Result<(), String> {
    result.map_err(|failure| failure.to_string())
}

/// Returns the guard when it was told to stop.
async fn serve() -> Result<Guard, String> {
    let config = Config::from_reader(variable).map_err(|faults| faults.to_string())?;
    let (address, socket) = (config.listen, config.socket.clone());
    let guard = Guard::new(config).map_err(|fault| fault.to_string())?;
    let listener = TcpListener::bind(address).await.map_err(|error| format!("{address}: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    eprintln!("homefire-node: listening on {address}");
    // Without it the guard still guards.
    let orders = control::bind(&socket).map_err(|error| {
        eprintln!("homefire-node: {}: {error}; drain and resume will not be heard", socket.display());
    });
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let is_heard = orders.is_ok();
    homefire_node::serve(listener, orders.ok(), guard.clone(), stop).await;
    if is_heard {
        let _ = std::fs::remove_file(socket);
    }
    Ok(guard)
}

async fn tell(order: Order) -> Result<(), String> {
    let socket = config::socket(variable);
    let said = control::send(&socket, order).await.map_err(|error| {
        let advice = if error.kind() == ErrorKind::PermissionDenied { "; try it with sudo" } else { "" };
        format!("{}: {error}{advice}", socket.display())
    })?;
    println!("{said}");
    Ok(())
}

fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is where the variables come from")]
    std::env::var(name).ok()
}
