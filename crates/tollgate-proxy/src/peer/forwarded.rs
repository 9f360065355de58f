//! The members of fields that proxies add to, from the last, which the nearest of them has added.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName};

use crate::target::is_port;

/// The members of a list over all fields of this name, from the last to the first. `None` is one that
/// cannot be told from what stands before it.
///
/// Reading from the right, whatever a client has written stands behind what proxies have, and cannot
/// change how that is read.
pub(crate) fn members<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = Option<&'h str>> + use<'h> {
    let fields = headers.get_all(name).iter().rev();
    fields.flat_map(|field| FromRight(Some(field.as_bytes())))
}

/// What is left of a field, before the members that were read.
struct FromRight<'h>(Option<&'h [u8]>);

impl<'h> Iterator for FromRight<'h> {
    type Item = Option<&'h str>;

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.0.take()?;
        let mut quoted = false;
        let comma = field.iter().rposition(|byte| {
            quoted ^= *byte == b'"';
            *byte == b',' && !quoted
        });
        let member = match comma {
            Some(at) => {
                self.0 = field.get(..at);
                field.get(at + 1..)?
            }
            None if quoted => return Some(None),
            None => field,
        };
        Some(std::str::from_utf8(member.trim_ascii()).ok())
    }
}

/// What a member of `Forwarded` says of one hop (RFC 7239 §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hop<'h> {
    /// Who made the request to the proxy, where it is told by an address.
    pub(crate) client: Option<IpAddr>,
    /// What it was made by.
    pub(crate) scheme: Option<&'h str>,
    /// The host that was asked for.
    pub(crate) host: Option<&'h str>,
}

impl<'h> Hop<'h> {
    /// Reads a member; `None` for one that is malformed.
    pub(crate) fn read(member: &'h str) -> Option<Self> {
        let (mut client, mut scheme, mut host) = (None, None, None);
        let mut quoted = false;
        let pairs = member.split(|letter| {
            quoted ^= letter == '"';
            letter == ';' && !quoted
        });
        for pair in pairs.map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=')?;
            let value = match value.strip_prefix('"') {
                Some(value) => value.strip_suffix('"')?,
                None => value,
            };
            // No node, scheme or host needs an escape.
            if value.contains(['"', '\\']) {
                return None;
            }
            let known = [("for", &mut client), ("proto", &mut scheme), ("host", &mut host)];
            let place = known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            if let Some((_, place)) = place
                && place.replace(value).is_some()
            {
                return None;
            }
        }
        Some(Self { client: client.and_then(node), scheme, host })
    }
}

/// A node of `X-Forwarded-For`: an address, with or without a port.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().map(|address: IpAddr| address.to_canonical()).or_else(|| node(text))
}

/// A node that is told by its address (RFC 7239 §6): `192.0.2.7`, `192.0.2.7:80`, `[2001:db8::7]`.
fn node(text: &str) -> Option<IpAddr> {
    let (address, port) = match text.strip_prefix('[') {
        Some(v6) => {
            let (address, port) = v6.split_once(']')?;
            (IpAddr::V6(address.parse().ok()?), port)
        }
        None => {
            let (address, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            (IpAddr::V4(address.parse().ok()?), port)
        }
    };
    let hidden = |port: &str| port.starts_with('_');
    let port_is_valid =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| is_port(port) || hidden(port));
    port_is_valid.then(|| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_from_the_right_and_quotes_hold_them_together() {
        let mut headers = HeaderMap::new();
        let name = HeaderName::from_static("forwarded");
        for field in ["a=1 , b=\"x, y\"", "c=\"open, d=2,e=\"z\", ,f"] {
            headers.append(&name, field.parse().unwrap());
        }
        let found: Vec<_> = members(&headers, &name).collect();
        // Of a quote that is never opened nobody can tell what it is about.
        let right = [Some("f"), Some(""), Some("e=\"z\""), Some("d=2"), None];
        assert_eq!(found[..5], right);
        assert_eq!(found[5..], [Some("b=\"x, y\""), Some("a=1")]);
        headers.clear();
        headers.append(&name, "a, b=\"".parse().unwrap());
        assert_eq!(members(&headers, &name).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn a_hop_is_read_as_the_rfc_writes_it_or_not_at_all() {
        let of = |client: &str| Hop { client: client.parse().ok(), ..Hop::default() };
        for (member, expected) in [
            ("for=192.0.2.60", Some(of("192.0.2.60"))),
            ("For=\"[2001:db8:cafe::17]:4711\"", Some(of("2001:db8:cafe::17"))),
            ("for=\"192.0.2.60:_hidden\"", Some(of("192.0.2.60"))),
            ("for=unknown", Some(of(""))),
            ("for=_hidden", Some(of(""))),
            ("for=\"2001:db8::1\"", Some(of(""))),
            ("", Some(of(""))),
            (
                "for=192.0.2.60; Proto=https;by=203.0.113.43;host=\"a:80\";",
                Some(Hop { scheme: Some("https"), host: Some("a:80"), ..of("192.0.2.60") }),
            ),
            ("for=192.0.2.60;for=192.0.2.61", None),
            ("for", None),
            ("for=\"192.0.2.60", None),
            ("for=192.0.2.60\"", None),
            ("for=\"192.0.2.\\60\"", None),
        ] {
            assert_eq!(Hop::read(member), expected, "{member}");
        }
    }

    #[test]
    fn an_address_comes_with_or_without_a_port() {
        for (text, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7:80", "192.0.2.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:80", "2001:db8::7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
        ] {
            assert_eq!(address(text), expected.parse().ok(), "{text}");
        }
        for text in [
            "",
            "unknown",
            "192.0.2.7:",
            "192.0.2.7:x",
            "192.0.2.07",
            "192.0.2.7/32",
            "[::1",
            "::1]",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
