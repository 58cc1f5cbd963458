//! The built Worker in workerd, as `wrangler dev` runs it.

use std::path::Path;
use std::time::Duration;

use homefire::wrangler;

use super::socket::{SocketWorld, free_port, nodes};

pub(crate) async fn start() -> Result<SocketWorld, String> {
    let (nodes, variables) = nodes().await?;
    let (port, inspector) = (free_port().await?, free_port().await?);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let command = wrangler::dev(port, inspector, &variables, folder).map_err(|error| format!("{error:#}"))?;
    SocketWorld::spawn(command, port, nodes, Duration::from_secs(60)).await
}
