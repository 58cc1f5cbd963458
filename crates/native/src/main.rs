//! `homefire-server`: all routes on this machine, as a program of its own.

use std::env::args_os;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use homefire_core::service::Service;
use homefire_log::Writer;
use homefire_native::{Native, text};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: homefire-server ADDRESS [FOLDER]

Serves /api/ at ADDRESS, such as 127.0.0.1:8787, and the files of FOLDER, ./public, elsewhere, until it is told to stop.
The configuration comes from the environment.";

/// For what the log still has to say at the end.
const LAST_LINES: Duration = Duration::from_secs(1);

/// One thread: work that wanders between threads costs more, and what there is to do is little.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("homefire-server: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), String> {
    let (address, public) = arguments()?;
    homefire_native::allow_files();
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the reader that the configuration is parsed through"
    )]
    let service = Service::from_reader(|name| std::env::var(name).ok());
    let service = Arc::new(service.map_err(|faults| faults.to_string())?);
    let log = Arc::new(Writer::stderr());
    let platform = Native::with_log(&service.config.deadlines, {
        let log = Arc::clone(&log);
        // Whoever reads standard error may stall: no answer waits for him.
        move |line| log.push(text(line))
    });
    let listener = TcpListener::bind(address).await.map_err(|error| format!("{address}: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    eprintln!("homefire-server: listening on {address}");
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    homefire_native::serve(listener, platform, service, public, stop).await;
    log.flush(LAST_LINES);
    Ok(())
}

fn arguments() -> Result<(SocketAddr, PathBuf), String> {
    let mut arguments = args_os().skip(1);
    let address = arguments.next().and_then(|address| address.to_str()?.parse().ok());
    let public = arguments.next().unwrap_or_else(|| "public".into());
    match address {
        Some(address) if arguments.next().is_none() => Ok((address, public.into())),
        _ => Err(USAGE.to_owned()),
    }
}
