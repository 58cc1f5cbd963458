//! The built Worker in workerd, as `wrangler dev` runs it.

use std::path::Path;

use homefire::wrangler;

use super::home::Home;
use super::socket::{Log, Service, SocketWorld, free_port};

pub(crate) async fn start(home: Home, variables: &[(String, String)]) -> Result<SocketWorld, String> {
    let (port, inspector) = (free_port().await?, free_port().await?);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let command = wrangler::dev(port, inspector, variables, folder).map_err(|error| format!("{error:#}"))?;
    let log = Log::default();
    let service = Service::spawn("/", command, port, &log).await?;
    Ok(SocketWorld::new(vec![service], home, log))
}
