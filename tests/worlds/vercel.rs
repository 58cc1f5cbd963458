//! The very binaries that Vercel would start, one a function.

use homefire::process::configure;
use tokio::process::Command;

use super::home::Home;
use super::socket::{Log, Service, SocketWorld, free_port};

/// The paths, and who answers there. What is no function's path is answered by any of them.
const FUNCTIONS: [(&str, &str); 5] = [
    ("/api/draft", env!("CARGO_BIN_EXE_draft")),
    ("/api/feedback", env!("CARGO_BIN_EXE_feedback")),
    ("/api/status", env!("CARGO_BIN_EXE_status")),
    ("/api/cron/health", env!("CARGO_BIN_EXE_health")),
    ("/", env!("CARGO_BIN_EXE_terminal")),
];

pub(crate) async fn start(home: Home, variables: &[(String, String)]) -> Result<SocketWorld, String> {
    let log = Log::default();
    let mut services = Vec::new();
    for (place, binary) in FUNCTIONS {
        let port = free_port().await?;
        let mut command = Command::new(binary);
        configure(&mut command, variables.iter().cloned());
        command.env("VERCEL_DEV_PORT", port.to_string());
        services.push(Service::spawn(place, command, port, &log).await?);
    }
    Ok(SocketWorld::new(services, home, log))
}
