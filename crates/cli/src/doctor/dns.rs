//! Whether the host of a URL has an address.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use homefire_core::platform::within;
use homefire_native::Native;
use reqwest::Url;
use tokio::net::lookup_host;

/// A host and where it is.
pub(super) struct Found {
    pub(super) host: String,
    /// At least one.
    pub(super) addresses: Vec<IpAddr>,
}

/// Why there is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// Nobody knows the name.
    Unknown,
    /// Whoever should know does not answer in time.
    Silent,
}

impl Found {
    /// Whether the host is its own address.
    pub(super) fn is_literal(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok()
    }

    /// Whether nobody on the internet can get there.
    pub(super) fn is_home(&self) -> bool {
        self.addresses.iter().all(|address| match address {
            IpAddr::V4(address) => address.is_loopback() || address.is_private(),
            IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
        })
    }
}

pub(super) async fn look_up(platform: &Native, url: &str, patience: Duration) -> Result<Found, Lost> {
    let url = Url::parse(url).map_err(|_| Lost::Unknown)?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or_default();
    let found = within(platform, patience, lookup_host((host.as_str(), port))).await;
    let found = found.map_err(|_| Lost::Silent)?.map_err(|_| Lost::Unknown)?;
    let mut addresses: Vec<IpAddr> = found.map(|address: SocketAddr| address.ip()).collect();
    addresses.dedup();
    if addresses.is_empty() { Err(Lost::Unknown) } else { Ok(Found { host, addresses }) }
}
