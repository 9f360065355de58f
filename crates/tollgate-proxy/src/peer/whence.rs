//! Where a request comes from: past the proxies that are trusted, to the first that is not.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};
use tollgate_core::Source;

use super::forwarded::{Hop, address, members};
use super::{ForwardedFields, Peer, TrustedProxies};
use crate::headers::{FORWARDED, FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO};
use crate::target::valid;

/// Where a request comes from, as far as it is known.
#[derive(Debug)]
pub(crate) struct Whence {
    /// The client's address; `None` = nobody who is trusted knows it.
    pub(crate) address: Option<IpAddr>,
    /// Who is answerable: the client, or the last that is known on the way to it.
    pub(crate) source: Source,
    /// Whether the client uses TLS.
    pub(crate) secure: bool,
    /// The host that the client has asked for, where a proxy says so.
    pub(crate) host: Option<Box<HeaderValue>>,
}

impl Whence {
    /// Where a request with `headers` comes from that came from `peer`, over TLS if `secure`.
    pub(crate) fn of(
        peer: Peer,
        secure: bool,
        headers: &HeaderMap,
        proxies: &TrustedProxies,
    ) -> Self {
        let mut whence = Self { address: peer.address, source: peer.source, secure, host: None };
        match proxies.fields {
            _ if !peer.trusted => {}
            ForwardedFields::None => {}
            ForwardedFields::XForwarded => whence.follow_x_forwarded(headers, proxies),
            ForwardedFields::Forwarded => whence.follow_forwarded(headers, proxies),
        }
        whence
    }

    fn follow_x_forwarded(&mut self, headers: &HeaderMap, proxies: &TrustedProxies) {
        for member in members(headers, &FORWARDED_FOR) {
            if !self.step(member.and_then(address), proxies) {
                break;
            }
        }
        // Whoever speaks for another has to say that it uses TLS, and so has every hop that says
        // anything.
        if headers.contains_key(FORWARDED_FOR) || headers.contains_key(FORWARDED_PROTO) {
            let mut schemes = members(headers, &FORWARDED_PROTO).peekable();
            self.secure = schemes.peek().is_some() && schemes.all(is_https);
        }
        let mut hosts = headers.get_all(FORWARDED_HOST).iter();
        if let (Some(host), None) = (hosts.next(), hosts.next())
            && host.to_str().is_ok_and(|host| valid(host).is_ok())
        {
            self.host = Some(Box::new(host.clone()));
        }
    }

    fn follow_forwarded(&mut self, headers: &HeaderMap, proxies: &TrustedProxies) {
        for member in members(headers, &FORWARDED) {
            let hop = member.and_then(Hop::read).unwrap_or_default();
            self.secure = is_https(hop.scheme);
            let host = hop.host.filter(|host| valid(host).is_ok());
            self.host = host.and_then(|host| HeaderValue::from_str(host).ok()).map(Box::new);
            if !self.step(hop.client, proxies) {
                break;
            }
        }
    }

    /// Goes on to whom the present hop speaks for. Whether that one may speak for others.
    fn step(&mut self, client: Option<IpAddr>, proxies: &TrustedProxies) -> bool {
        self.address = client;
        client.is_some_and(|client| {
            self.source = client.into();
            proxies.networks.hold(client)
        })
    }
}

fn is_https(scheme: Option<&str>) -> bool {
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

#[cfg(test)]
mod tests;
