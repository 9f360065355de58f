//! Where webhooks may be: an operator's own network is not for whoever may name an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

/// Which addresses may be named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressRules {
    /// Addresses of private networks and of this machine too.
    pub private: bool,
    /// Plain HTTP too; to this machine it is taken wherever that may be named.
    pub plain: bool,
}

/// Where a webhook is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Over TLS.
    pub tls: bool,
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// `Host` of what is sent.
    pub authority: String,
    /// Path and query.
    pub path: String,
}

/// The longest URL.
const LONGEST: usize = 2048;

impl Target {
    /// Where a URL leads to.
    ///
    /// # Errors
    /// What was expected. The URL is not repeated: it may hold what opens something.
    pub fn read(url: &str, rules: AddressRules) -> Result<Self, &'static str> {
        let form = "expected an https:// URL of 2048 characters at most";
        if url.len() > LONGEST || url.contains('#') {
            return Err(form);
        }
        let uri: Uri = url.parse().map_err(|_| form)?;
        let authority = uri.authority().ok_or(form)?;
        if authority.as_str().contains('@') {
            return Err("expected a URL without a user name and a password");
        }
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(form),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(form);
        }
        let address = host.parse::<IpAddr>().ok();
        if address.is_some_and(|address| !rules.allow(address)) {
            return Err("expected an address that is not of a private network; \
                        control.webhooks.allow_private would allow it");
        }
        let here = address.map_or(host == "localhost", |address| address.is_loopback());
        if !tls && !here && !rules.plain {
            return Err("expected https://; plain http:// is for addresses of this machine, \
                        unless control.webhooks.allow_http allows it");
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            tls,
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
            path: path.to_owned(),
            host,
        })
    }
}

/// A URL as logs may have it: where it leads, with `…` for its query, which can be what opens it, and
/// for all of what is no URL.
pub(crate) fn without_query(url: &str) -> String {
    let hidden = "…";
    let Ok(uri) = url.parse::<Uri>() else { return hidden.to_owned() };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return hidden.to_owned();
    };
    // What stands before an @ is a name and a password.
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    let query = if uri.query().is_some() { "?…" } else { "" };
    format!("{scheme}://{host}{}{query}", uri.path())
}

impl AddressRules {
    /// Whether something may be sent to an address, whatever name led to it.
    #[must_use]
    pub fn allow(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let someone = !address.is_unspecified() && !address.is_multicast();
        someone && (self.private || is_public(address))
    }
}

/// Whether an address is one of the public Internet, as far as the registries of special-purpose
/// addresses say (RFC 6890).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 240..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224..=239, _, _)
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let inner = |high: u16, low: u16| {
        let [[w, x], [y, z]] = [high.to_be_bytes(), low.to_be_bytes()];
        is_public_v4(Ipv4Addr::new(w, x, y, z))
    };
    match (a, b) {
        // NAT64 and 6to4 lead to an IPv4 address.
        (0x64, 0xff9b) => (c, d, e, f) == (0, 0, 0, 0) && inner(g, h),
        (0x2002, _) => inner(b, c),
        // Teredo and others of the protocols' own, documentation.
        (0x2001, 0..=0x1ff | 0xdb8) | (0x3fff, 0..=0xfff) => false,
        // Only this part of the address space is given out.
        _ => (0x2000..=0x3fff).contains(&a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_network_is_not_public() {
        for own in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "64:ff9b:1::1",
            "fec0::1",
        ] {
            assert!(!is_public(own.parse().unwrap()), "{own}");
            let rules = AddressRules { private: true, plain: false };
            let address: IpAddr = own.parse().unwrap();
            let nobody = address.is_unspecified() || address.is_multicast();
            assert_eq!(rules.allow(address), !nobody, "{own}");
        }
        for public in [
            "1.1.1.1",
            "100.63.255.255",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "193.99.144.80",
            "2606:4700::1111",
            "64:ff9b::1.1.1.1",
            "2002:101:101::",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
            assert!(AddressRules::default().allow(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn logs_have_no_query_and_no_password() {
        for (url, expected) in [
            ("https://example.com/a/b?token=t&x", "https://example.com/a/b?…"),
            ("https://example.com:8443/a", "https://example.com:8443/a"),
            ("https://example.com?t", "https://example.com/?…"),
            ("https://[::1]:1/?", "https://[::1]:1/?…"),
            ("https://jo:secret@example.com/a#t", "https://example.com/a"),
            ("example.com", "…"),
            ("https://exa mple.com/t", "…"),
            ("", "…"),
        ] {
            assert_eq!(without_query(url), expected, "{url}");
        }
    }

    #[test]
    fn plain_http_stays_on_the_machine() {
        let read = |url: &str, private, plain| {
            Target::read(url, AddressRules { private, plain }).map(|target| target.port)
        };
        assert_eq!(read("https://example.com/a?b", false, false), Ok(443));
        assert_eq!(read("https://example.com:8443", false, false), Ok(8443));
        assert!(read("http://example.com/", true, false).is_err());
        assert_eq!(read("http://example.com/", false, true), Ok(80));
        assert!(read("http://127.0.0.1:9000/", false, true).is_err());
        assert_eq!(read("http://127.0.0.1:9000/", true, false), Ok(9000));
        assert_eq!(read("http://[::1]:9000/", true, false), Ok(9000));
        assert!(read("https://10.0.0.1/", false, false).is_err());
        for none in
            ["", "example.com", "ftp://example.com/", "https://u:p@example.com/", "https://"]
        {
            assert!(read(none, true, true).is_err(), "{none}");
        }
    }
}
