//! Who is at the other end, where proxies of the operator stand between clients and a listener.

mod crowd;
pub(crate) mod forwarded;
pub(crate) mod proxy_header;
mod whence;

use std::net::IpAddr;

use tollgate_core::{Networks, Source};

use crate::connection::Client;
use proxy_header::Announced;

pub(crate) use crowd::{Counted, Crowd};
pub(crate) use whence::Whence;

/// The proxies that may speak for clients of a listener.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    /// Their addresses. What anybody else says of clients is not believed.
    pub networks: Networks,
    /// Whether whoever connects to a Unix socket is one of them.
    pub unix: bool,
    /// Where they say whom a request comes from.
    pub fields: ForwardedFields,
    /// Whether every connection comes from one of them, with a PROXY header before all else.
    pub proxy_protocol: bool,
}

/// The fields in which proxies say whom a request comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedFields {
    /// None: only whom a connection comes from is believed.
    None,
    /// `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Whose word is taken on what only proxies and callers further away can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Everybody's.
    All,
    /// That of the [proxies](TrustedProxies) that may speak for clients.
    TrustedProxies,
    /// Nobody's.
    None,
}

impl Trust {
    /// Whether it is taken of this client.
    pub(crate) fn includes(self, client: &Client) -> bool {
        match self {
            Self::All => true,
            Self::TrustedProxies => client.is_trusted(),
            Self::None => false,
        }
    }
}

/// Whoever a connection comes from, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// `None` = it has none: it comes by a Unix socket, or a proxy says so.
    pub(crate) address: Option<IpAddr>,
    /// Who is answerable for what comes by the connection.
    pub(crate) source: Source,
    /// Whether it may speak for clients.
    pub(crate) trusted: bool,
}

impl Peer {
    /// Whoever connects from `address`; `None` = by a Unix socket.
    pub(crate) fn of(address: Option<IpAddr>, proxies: &TrustedProxies) -> Self {
        match address {
            Some(address) => Self::at(address, proxies),
            None => Self { address: None, source: Source::UNIX, trusted: proxies.unix },
        }
    }

    /// Whoever connects from `address`.
    pub(crate) fn at(address: IpAddr, proxies: &TrustedProxies) -> Self {
        // An IPv4 client of an IPv6 socket is an IPv4 client.
        let address = address.to_canonical();
        let trusted = proxies.networks.hold(address);
        Self { address: Some(address), source: address.into(), trusted }
    }

    /// Whoever the proxy at the other end says that it has accepted the connection from.
    pub(crate) fn behind(self, announced: Announced, proxies: &TrustedProxies) -> Self {
        match announced {
            Announced::Itself => self,
            Announced::Client(address) => Self::at(address, proxies),
            // Nobody knows who speaks, so nothing of it is believed, and the proxy answers for it.
            Announced::Unknown => Self { address: None, source: self.source, trusted: false },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_core::Network;

    fn proxies() -> TrustedProxies {
        let network = Network::around([10, 0, 0, 0].into(), 8).unwrap();
        TrustedProxies {
            networks: Networks::of(&[network]),
            proxy_protocol: true,
            ..Default::default()
        }
    }

    #[test]
    fn a_peer_is_whom_its_proxy_announces_and_trusted_for_its_own_address() {
        let proxies = proxies();
        let proxy = Peer::at("::ffff:10.0.0.1".parse().unwrap(), &proxies);
        assert_eq!(proxy.address, Some([10, 0, 0, 1].into()));
        assert!(proxy.trusted);
        assert_eq!(proxy.behind(Announced::Itself, &proxies), proxy);
        let client = proxy.behind(Announced::Client([192, 0, 2, 7].into()), &proxies);
        assert_eq!(client.address, Some([192, 0, 2, 7].into()));
        assert!(!client.trusted);
        let another = proxy.behind(Announced::Client([10, 0, 0, 2].into()), &proxies);
        assert!(another.trusted);
        let unknown = proxy.behind(Announced::Unknown, &proxies);
        assert_eq!((unknown.address, unknown.trusted), (None, false));
        assert_eq!(unknown.source, proxy.source);
    }

    #[test]
    fn a_unix_socket_is_believed_where_it_is_trusted_and_in_no_network() {
        let everything = Network::around([0, 0, 0, 0].into(), 0).unwrap();
        let mut proxies =
            TrustedProxies { networks: Networks::of(&[everything]), ..Default::default() };
        let peer = Peer::of(None, &proxies);
        assert_eq!((peer.address, peer.source, peer.trusted), (None, Source::UNIX, false));
        proxies.unix = true;
        let proxy = Peer::of(None, &proxies);
        assert!(proxy.trusted);
        let client = proxy.behind(Announced::Client([192, 0, 2, 7].into()), &proxies);
        assert_eq!(client.address, Some([192, 0, 2, 7].into()));
        let unknown = proxy.behind(Announced::Unknown, &proxies);
        assert_eq!((unknown.source, unknown.trusted), (Source::UNIX, false));
    }
}
