//! Where a request comes from, and what is kept of that: a digest.

use core::net::IpAddr;
use std::fmt;

use sha2::{Digest, Sha256};

/// The address of whoever asks, as the adapter learned it from where nobody can forge it. Among a request's extensions.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(pub String);

/// An address as it is counted: a digest, that no count holds the address itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 16]);

impl Address {
    /// One household has one key: an IPv6 address counts by its /64.
    pub fn key(&self) -> Key {
        let digest: [u8; 32] = match self.0.trim().parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            Ok(IpAddr::V4(ip)) => Sha256::digest(ip.octets()),
            Ok(IpAddr::V6(ip)) => Sha256::digest(&ip.octets()[..8]),
            Err(_) => Sha256::digest(&self.0),
        }
        .into();
        Key(std::array::from_fn(|at| digest[at]))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_the_same() {
        let key = |address: &str| Address(address.to_owned()).key();
        let check = |one: &str, other: &str, is_same: bool| {
            assert_eq!(key(one) == key(other), is_same, "{one} and {other}");
        };
        check("192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", " 192.0.2.1 ", true);
        check("192.0.2.1", "::ffff:192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
        check("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true);
        check("2001:db8:1:2::1", "2001:0DB8:1:2::1", true);
        check("2001:db8:1:2::1", "2001:db8:1:3::1", false);
        check("::1", "127.0.0.1", false);
        check("somewhere", "somewhere", true);
        check("somewhere", "elsewhere", false);
        check("somewhere", "", false);
    }

    #[test]
    fn an_address_does_not_show() {
        let address = Address("192.0.2.1".to_owned());
        let shown = format!("{address:?} {:?} {}", address.key(), address.key());
        assert!(!shown.contains("192.0.2.1"), "{shown}");
        assert_eq!(address.key().to_string().len(), 32);
    }
}
