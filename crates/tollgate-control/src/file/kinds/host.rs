//! Hosts of services.

use std::net::Ipv6Addr;

use crate::document::kind::string;
use crate::document::{Kind, Misfit, Value};
use crate::model::HostPattern;

/// A host name or address without a port, or `*.` and the name below which all hosts lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host;

impl Kind for Host {
    type Value = HostPattern;

    fn expected(&self) -> String {
        "a host such as \"api.example.com\" or \"*.example.com\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<HostPattern, Misfit> {
        let text = string(value)?;
        let lower = text.to_ascii_lowercase();
        if let Some(inner) = lower.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return match inner.parse::<Ipv6Addr>() {
                Ok(_) => Ok(HostPattern::Name(lower.into())),
                Err(_) => Err(Misfit::plain()),
            };
        }
        if lower.contains("://") {
            return Err(Misfit::because("which is a URL"));
        }
        if lower.contains(':') {
            return Err(Misfit::because("which has a port"));
        }
        let (name, below) = match lower.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (&*lower, false),
        };
        if name.contains('*') {
            return Err(Misfit::because("in which * is not the whole first label"));
        }
        let fits = name.len() <= 253 && name.split('.').all(is_label);
        match (fits, below) {
            (false, _) => Err(Misfit::plain()),
            (true, false) => Ok(HostPattern::Name(name.into())),
            (true, true) => Ok(HostPattern::Below(name.into())),
        }
    }

    fn show(&self, value: &HostPattern) -> String {
        match value {
            HostPattern::Name(name) => format!("\"{name}\""),
            HostPattern::Below(name) => format!("\"*.{name}\""),
        }
    }
}

/// A label of a host name (RFC 1123 §2.1); an underscore is not of the standard, but is in use.
fn is_label(label: &str) -> bool {
    let charset = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=63).contains(&label.len())
        && label.bytes().all(charset)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read() {
        let read = |text: &str| Host.read(&Value::String(text.to_owned()));
        assert_eq!(read("API.example.com"), Ok(HostPattern::Name("api.example.com".into())));
        assert_eq!(read("*.example.com"), Ok(HostPattern::Below("example.com".into())));
        assert_eq!(read("[::1]"), Ok(HostPattern::Name("[::1]".into())));
        assert_eq!(read("10.0.0.1"), Ok(HostPattern::Name("10.0.0.1".into())));
        for wrong in
            ["", "a:80", "*", "*.", "a.*.b", "*a.b", "a..b", "a.", "-a", "a/b", "[::1]:80", "ä.de"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
