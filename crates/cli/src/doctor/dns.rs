//! Whether the host of a URL has an address.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
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
            IpAddr::V4(address) => {
                address.is_loopback()
                    || address.is_private()
                    || address.is_link_local()
                    || is_shared(*address)
            }
            IpAddr::V6(address) => {
                address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
            }
        })
    }
}

/// RFC 6598: what carriers use within, and Tailscale.
fn is_shared(address: Ipv4Addr) -> bool {
    matches!(address.octets(), [100, 64..=127, ..])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_at_home() {
        let check = |addresses: &str, expect| {
            let addresses = addresses.split(' ').map(|address| address.parse().unwrap()).collect();
            let found = Found { host: "mini".to_owned(), addresses };
            assert_eq!(found.is_home(), expect, "{:?}", found.addresses);
        };
        check("127.0.0.1", true);
        check("192.168.1.2", true);
        check("169.254.7.7", true);
        check("100.64.0.1", true);
        check("100.127.255.255", true);
        check("100.63.255.255", false);
        check("100.128.0.0", false);
        check("93.184.216.34", false);
        check("::1", true);
        check("fd7a:115c:a1e0::1", true);
        check("fe80::1", true);
        check("2606:2800:220:1::1", false);
        check("fe80::1 169.254.7.7", true);
        check("192.168.1.2 93.184.216.34", false);
    }
}
