//! The built Worker in workerd, as `wrangler dev` runs it.

use homefire::wrangler;

use super::home::Home;
use super::socket::{Log, Service, SocketWorld, free_port};

/// What is said of a port that somebody else has.
const TAKEN: &str = "Address already in use";

pub(crate) async fn start(home: Home, variables: &[(String, String)]) -> Result<SocketWorld, String> {
    let log = Log::default();
    let mut service = spawn(variables, &log).await;
    for _ in 0..2 {
        // wrangler chooses ports, as we do, before it takes them: somebody else may have been faster.
        match &service {
            Err(error) if error.contains(TAKEN) => service = spawn(variables, &log).await,
            Ok(_) | Err(_) => break,
        }
    }
    Ok(SocketWorld::new(vec![service?], home, log))
}

async fn spawn(variables: &[(String, String)], log: &Log) -> Result<Service, String> {
    let (port, inspector) = (free_port().await?, free_port().await?);
    let program = wrangler::dev(port, inspector, variables).map_err(|error| format!("{error:#}"))?;
    Service::spawn("/", program, port, log).await
}
