//! URLs of upstreams.

use http::Uri;
use http::uri::Authority;

use crate::document::kind::string;
use crate::document::{Kind, Misfit, Value};

/// A URL that is no more than scheme, host and port.
#[derive(Clone, Copy, Debug)]
pub(in crate::file) struct Origin;

impl Kind for Origin {
    type Value = Authority;

    fn expected(&self) -> String {
        "a URL such as \"http://127.0.0.1:9000\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Authority, Misfit> {
        let text = string(value)?;
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(Misfit::because("which has no http:// in front"));
        };
        if scheme == "https" {
            return Err(Misfit::because("and upstreams are spoken to over plain HTTP only"));
        }
        if scheme != "http" {
            return Err(Misfit::because("which is not http"));
        }
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
            _ => {
                Err(Misfit::because("which goes on after the host (see a service's upstream_path)"))
            }
        }
    }

    fn show(&self, value: &Authority) -> String {
        format!("\"http://{value}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, Misfit> {
        let authority = Origin.read(&Value::String(text.to_owned()))?;
        Ok(authority.to_string())
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (url, authority) in [
            ("http://127.0.0.1:9000", "127.0.0.1:9000"),
            ("http://api.internal/", "api.internal"),
            ("http://[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(read(url).as_deref(), Ok(authority), "{url}");
        }
        for wrong in [
            "",
            "127.0.0.1:9000",
            "https://a",
            "ftp://a",
            "http://",
            "http://:80",
            "http://a:0",
            "http://a:65536",
            "http://a:",
            "http://a/v2",
            "http://a?x",
            "http://a#x",
            "http://u:p@a",
            "http://a b",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
