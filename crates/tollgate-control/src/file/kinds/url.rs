//! URLs of upstreams.

use http::Uri;
use http::uri::Authority;

use crate::document::kind::{socket_path, string};
use crate::document::{Kind, Misfit, Value};
use crate::model::Address;

/// A URL that is no more than scheme, host and port, or the path of a Unix socket.
#[derive(Clone, Copy, Debug)]
pub(in crate::file) struct Url;

impl Kind for Url {
    type Value = Address;

    fn expected(&self) -> String {
        "a URL such as \"http://127.0.0.1:9000\", \"https://api.internal\" or \"unix:/run/api.sock\""
            .to_owned()
    }

    fn read(&self, value: &Value) -> Result<Address, Misfit> {
        let text = string(value)?;
        if let Some(path) = text.strip_prefix("unix:") {
            return socket_path(path).map(Address::Unix);
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(Misfit::because("which has no http://, https:// or unix: in front"));
        };
        let address = match scheme {
            "http" => Address::Http,
            "https" => Address::Https,
            _ => return Err(Misfit::because("which is none of http, https and unix")),
        };
        authority(text, rest).map(address)
    }

    fn show(&self, value: &Address) -> String {
        format!("\"{value}\"")
    }
}

fn authority(text: &str, rest: &str) -> Result<Authority, Misfit> {
    let uri: Uri = text.parse().map_err(|_| Misfit::plain())?;
    let authority = uri.authority().ok_or_else(Misfit::plain)?;
    if authority.host().is_empty() {
        return Err(Misfit::because("which has no host"));
    }
    if authority.as_str().contains('@') {
        return Err(Misfit::because("which has a user name"));
    }
    let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
    let port_fits = port.is_empty() || authority.port_u16().is_some_and(|port| port > 0);
    if !port_fits {
        return Err(Misfit::because("whose port is not from 1 to 65535"));
    }
    match rest.strip_prefix(authority.as_str()) {
        Some("" | "/") => Ok(authority.clone()),
        _ => Err(Misfit::because("which goes on after the host (see a service's upstream_path)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, Misfit> {
        let address = Url.read(&Value::String(text.to_owned()))?;
        Ok(address.to_string())
    }

    #[test]
    fn a_url_is_scheme_host_and_port_or_a_socket() {
        for (url, shown) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("http://api.internal/", "http://api.internal"),
            ("http://[::1]:80", "http://[::1]:80"),
            ("https://api.internal", "https://api.internal"),
            ("unix:/run/api.sock", "unix:/run/api.sock"),
        ] {
            assert_eq!(read(url).as_deref(), Ok(shown), "{url}");
        }
        for wrong in [
            "",
            "127.0.0.1:9000",
            "ftp://a",
            "http://",
            "https://",
            "http://:80",
            "http://a:0",
            "http://a:65536",
            "https://a:",
            "http://a/v2",
            "http://a?x",
            "http://a#x",
            "https://u:p@a",
            "http://a b",
            "unix:",
            "unix:run/api.sock",
            "unix:/run/\0",
            &format!("unix:/{}", "a".repeat(107)),
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
