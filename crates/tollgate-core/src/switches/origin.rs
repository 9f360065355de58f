//! Where a page comes from.

use core::net::Ipv6Addr;

/// An origin as browsers write it (RFC 6454 §6.2): scheme, host and port in lower case, without the
/// port that is the scheme's default, such as `https://shop.example.com`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebOrigin<'a>(&'a str);

/// Origins that are meant. They are compared byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginPattern {
    /// This one.
    Exact(Box<str>),
    /// Every host below one: `https://*.example.com:8443`.
    Below {
        /// Up to the host: `https://`.
        scheme: Box<str>,
        /// From the dot in front of the host on: `.example.com:8443`.
        suffix: Box<str>,
    },
}

impl<'a> WebOrigin<'a> {
    /// What an `Origin` field says, unless it says `null` or is none.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        (is_scheme(scheme) && is_authority(authority)).then_some(Self(text))
    }

    /// The origin of a URL, as a `Referer` field holds one. A user name makes it none.
    #[must_use]
    pub fn of_url(url: &'a str) -> Option<Self> {
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let authority = url.find("://")? + 3;
        let length = url.get(authority..)?.find(['/', '?', '#']);
        let end = length.map_or(url.len(), |length| authority + length);
        Self::parse(url.get(..end)?)
    }
}

impl OriginPattern {
    /// Reads `https://shop.example.com` or `https://*.example.com`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some((scheme, below)) = text.split_once("://*.") else {
            return WebOrigin::parse(text).map(|origin| Self::Exact(origin.0.into()));
        };
        // An address has no hosts below it.
        let named = !below.starts_with('[') && is_scheme(scheme) && is_authority(below);
        named.then(|| Self::Below {
            scheme: format!("{scheme}://").into(),
            suffix: format!(".{below}").into(),
        })
    }

    /// Whether `origin` is meant.
    #[must_use]
    pub fn matches(&self, WebOrigin(origin): WebOrigin<'_>) -> bool {
        match self {
            Self::Exact(exact) => **exact == *origin,
            // What stands before the suffix is whole labels, at least one: it was parsed.
            Self::Below { scheme, suffix } => origin
                .strip_prefix(&**scheme)
                .and_then(|authority| authority.strip_suffix(&**suffix))
                .is_some(),
        }
    }
}

impl std::fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(exact) => f.write_str(exact),
            Self::Below { scheme, suffix } => write!(f, "{scheme}*{suffix}"),
        }
    }
}

fn is_scheme(text: &str) -> bool {
    let within = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.')
    };
    text.bytes().next().is_some_and(|first| first.is_ascii_lowercase()) && text.bytes().all(within)
}

/// Host and port; no user name.
fn is_authority(text: &str) -> bool {
    let (host_is_valid, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => (address.parse::<Ipv6Addr>().is_ok(), port),
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let (host, port) = text.split_at(end);
            (host.len() <= 253 && host.split('.').all(is_label), port)
        }
    };
    host_is_valid && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

fn is_label(label: &str) -> bool {
    let within = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
    };
    !label.is_empty() && label.bytes().all(within)
}

fn is_port(port: &str) -> bool {
    !port.starts_with('0')
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> OriginPattern {
        OriginPattern::parse(text).unwrap_or_else(|| panic!("{text} is no pattern"))
    }

    #[test]
    fn an_origin_is_what_browsers_write() {
        for origin in [
            "https://example.com",
            "http://localhost:3000",
            "http://127.0.0.1",
            "http://[::1]:8080",
            "https://a_b.xn--bcher-kva.example",
            "chrome-extension://abcdefghijklmnop",
            "capacitor://localhost",
        ] {
            assert_eq!(WebOrigin::parse(origin), Some(WebOrigin(origin)));
            assert_eq!(pattern(origin).to_string(), origin);
        }
        for none in [
            "",
            "null",
            "*",
            "example.com",
            "//example.com",
            "https://",
            "https:///",
            "https://example.com/",
            "https://example.com/a",
            "https://example.com?a",
            "https://example.com#a",
            "https://example.com:",
            "https://example.com:0",
            "https://example.com:080",
            "https://example.com:65536",
            "https://example.com:1:2",
            "https://example.com.",
            "https://a..b",
            "https://.example.com",
            "https://Example.com",
            "HTTPS://example.com",
            "https://user@example.com",
            "https://example.com, https://other.example",
            "https://example.com https://other.example",
            "https://b\u{fc}cher.example",
            "https://[::1",
            "https://[::g]",
            "https://[::1]x",
            "https://*.example.com",
            "1s://example.com",
        ] {
            assert_eq!(WebOrigin::parse(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_url_has_an_origin() {
        for (url, origin) in [
            ("https://example.com", Some("https://example.com")),
            ("https://example.com/", Some("https://example.com")),
            ("https://example.com:8443/a/b?c=d#e", Some("https://example.com:8443")),
            ("https://example.com?https://other.example", Some("https://example.com")),
            ("https://example.com#@other.example", Some("https://example.com")),
            ("https://example.com/@other.example", Some("https://example.com")),
            ("https://example.com@evil.org/", None),
            ("https://example.com:pw@evil.org/", None),
            ("https://example.com\\@evil.org/", None),
            ("https://evil.org\\.example.com/", None),
            ("https://evil.org%2f.example.com/", None),
            ("https://evil.org;.example.com/", None),
            ("https://evil.org /.example.com", None),
            ("javascript:https://example.com", None),
            ("evil:x//https://example.com/", None),
            ("about:blank", None),
            ("/a", None),
            ("", None),
        ] {
            assert_eq!(WebOrigin::of_url(url), origin.map(WebOrigin), "{url:?}");
        }
    }

    #[test]
    fn a_pattern_matches_what_it_means_and_nothing_that_looks_like_it() {
        let below = "https://*.example.com";
        for (text, origin, expected) in [
            ("https://example.com", "https://example.com", true),
            ("https://example.com", "http://example.com", false),
            ("https://example.com", "https://example.com:8443", false),
            ("https://example.com", "https://example.com.evil.org", false),
            ("https://example.com", "https://www.example.com", false),
            (below, "https://www.example.com", true),
            (below, "https://a.b.example.com", true),
            (below, "https://example.com", false),
            (below, "https://evilexample.com", false),
            (below, "https://www.example.com.evil.org", false),
            (below, "https://www.example.com:8443", false),
            (below, "http://www.example.com", false),
            ("https://*.example.com:8443", "https://www.example.com:8443", true),
            ("https://*.example.com:8443", "https://www.example.com", false),
        ] {
            let origin = WebOrigin::parse(origin).unwrap();
            assert_eq!(pattern(text).matches(origin), expected, "{text} {origin:?}");
        }
    }

    #[test]
    fn a_star_is_the_whole_first_label() {
        for none in [
            "https://*",
            "https://*.",
            "https://*a.example.com",
            "https://a.*.example.com",
            "https://*.*.example.com",
            "https://*.[::1]",
            "*://example.com",
            "*.example.com",
            "https://*.example.com/",
        ] {
            assert_eq!(OriginPattern::parse(none), None, "{none}");
        }
        assert_eq!(pattern("https://*.example.com:8443").to_string(), "https://*.example.com:8443");
    }
}
