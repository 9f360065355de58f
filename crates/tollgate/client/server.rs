//! Where a control plane is.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use hyper::http::Uri;

use super::Failure;

/// The address of an admin listener, as `https://HOST[:PORT]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server(String);

const EXPECTED: &str = "expected https://HOST[:PORT], or http:// with a loopback address";

impl Server {
    /// Reads a URL. A plain one has to stay on this machine: passwords and tokens go there.
    pub(crate) fn read(url: &str) -> Result<Self, Failure> {
        let wrong =
            |what: &str| Failure::Wrong(format!("the control plane's URL {what}, {EXPECTED}"));
        let uri: Uri = url.trim().parse().map_err(|_| wrong("is none"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong("is none"));
        };
        if authority.as_str().contains('@') {
            return Err(wrong("holds credentials"));
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong("goes on behind the port"));
        }
        let host = authority.host();
        match scheme {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => {
                return Err(wrong("is a plain one, and others could read what is sent there"));
            }
            _ => return Err(wrong("has another scheme")),
        }
        Ok(Self(format!("{scheme}://{authority}")))
    }

    /// The listener at an address of this machine.
    pub(crate) fn local(address: SocketAddr, tls: bool) -> Self {
        let scheme = if tls { "https" } else { "http" };
        Self(format!("{scheme}://{}", crate::commands::reachable(address)))
    }

    /// The URL of a resource.
    pub(crate) fn at(&self, target: &str) -> String {
        format!("{}{target}", self.0)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether what is sent there goes over TLS.
    pub(crate) fn has_tls(&self) -> bool {
        self.0.starts_with("https:")
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_over_tls_or_stay_on_the_machine() {
        for (url, expected) in [
            ("https://gate.example.com", Some("https://gate.example.com")),
            ("https://gate.example.com:8082/", Some("https://gate.example.com:8082")),
            ("http://127.0.0.1:8082", Some("http://127.0.0.1:8082")),
            ("http://[::1]:8082", Some("http://[::1]:8082")),
            ("http://localhost:8082", Some("http://localhost:8082")),
            ("http://gate.example.com", None),
            ("http://192.0.2.7:8082", None),
            ("http://localhost.example.com", None),
            ("https://me:secret@gate.example.com", None),
            ("https://gate.example.com/v3", None),
            ("https://gate.example.com/?key=x", None),
            ("ftp://gate.example.com", None),
            ("gate.example.com", None),
            ("", None),
        ] {
            let read = Server::read(url);
            assert_eq!(read.as_ref().ok().map(Server::as_str), expected, "{url}");
            assert!(!format!("{read:?}").contains("secret"), "{read:?}");
        }
    }
}
