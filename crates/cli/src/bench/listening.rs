//! Addresses of programs that are started.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use homefire::process::Group;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// For a program to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// An address that was free a moment ago.
pub(crate) async fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?)
}

/// Waits until a program listens.
pub(crate) async fn until_open(address: SocketAddr, program: &mut Group) -> Result<()> {
    let open = async {
        while TcpStream::connect(address).await.is_err() {
            ensure!(program.child().try_wait()?.is_none(), "what should listen at {address} has ended");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    };
    timeout(PATIENCE, open).await.with_context(|| format!("nobody listens at {address}"))?
}
