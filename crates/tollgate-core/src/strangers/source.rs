//! Who is answerable for a credential.

use core::net::{IpAddr, Ipv6Addr};
use std::fmt;

/// Where requests come from: an IPv4 address, or the /64 of an IPv6 address, which is the least
/// that one subscriber has, or a Unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source(Option<IpAddr>);

impl Source {
    /// Whoever comes by a Unix socket: all of them are one, as none has an address.
    pub const UNIX: Self = Self(None);
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        // An IPv4 client of an IPv6 socket is an IPv4 client: all of them share one /64.
        match address.to_canonical() {
            v4 @ IpAddr::V4(_) => Self(Some(v4)),
            IpAddr::V6(v6) => Self(Some(Ipv6Addr::from_bits(v6.to_bits() & (!0 << 64)).into())),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("a Unix socket"),
            Some(IpAddr::V4(address)) => address.fmt(f),
            Some(IpAddr::V6(prefix)) => write!(f, "{prefix}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(address: &str) -> Source {
        Source::from(address.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn an_ipv4_address_stands_for_itself_however_it_arrives() {
        assert_eq!(source("192.0.2.7").to_string(), "192.0.2.7");
        assert_eq!(source("::ffff:192.0.2.7"), source("192.0.2.7"));
        assert_ne!(source("192.0.2.7"), source("192.0.2.8"));
    }

    #[test]
    fn an_ipv6_address_stands_for_its_64() {
        assert_eq!(source("2001:db8:1:2:ffff::7").to_string(), "2001:db8:1:2::/64");
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:3:4:5:6"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
    }

    #[test]
    fn a_unix_socket_is_no_address() {
        assert_eq!(Source::UNIX.to_string(), "a Unix socket");
        for address in ["::", "0.0.0.0", "::1"] {
            assert_ne!(source(address), Source::UNIX);
        }
    }
}
