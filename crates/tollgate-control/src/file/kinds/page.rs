//! Origins of pages.

use crate::document::kind::string;
use crate::document::{Kind, Misfit, Value};
use crate::model::OriginPattern;

/// An origin, or all hosts below one.
#[derive(Clone, Copy, Debug)]
pub(in crate::file) struct PageOrigin;

/// An origin, or all hosts below one, or `*`, or `null`.
#[derive(Clone, Copy, Debug)]
pub(in crate::file) struct CorsOrigin;

/// Whose pages may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::file) enum AllowedOrigin {
    /// Everybody's.
    Every,
    /// Those whose origin a browser does not tell.
    Null,
    /// These.
    Pattern(OriginPattern),
}

impl Kind for PageOrigin {
    type Value = OriginPattern;

    fn expected(&self) -> String {
        "an origin such as \"https://shop.example.com\" or \"https://*.example.com\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<OriginPattern, Misfit> {
        let text = string(value)?;
        if let Some(shorter) = without_default_port(text) {
            return Err(Misfit::because(format!("did you mean {shorter:?}?")));
        }
        if let Some(pattern) = OriginPattern::parse(text) {
            return Ok(pattern);
        }
        if !text.contains("://") {
            return Err(Misfit::because("which has no scheme such as https:// in front"));
        }
        // What browsers would write for what is written.
        let lower = text.to_ascii_lowercase();
        let lower = lower.strip_suffix('/').unwrap_or(&lower);
        Err(match OriginPattern::parse(lower) {
            Some(meant) => Misfit::because(format!("did you mean \"{meant}\"?")),
            None => Misfit::plain(),
        })
    }

    fn show(&self, value: &OriginPattern) -> String {
        format!("\"{value}\"")
    }
}

impl Kind for CorsOrigin {
    type Value = AllowedOrigin;

    fn expected(&self) -> String {
        format!("{}, or \"*\" or \"null\"", PageOrigin.expected())
    }

    fn read(&self, value: &Value) -> Result<AllowedOrigin, Misfit> {
        match string(value)? {
            "*" => Ok(AllowedOrigin::Every),
            "null" => Ok(AllowedOrigin::Null),
            _ => PageOrigin.read(value).map(AllowedOrigin::Pattern),
        }
    }

    fn show(&self, value: &AllowedOrigin) -> String {
        match value {
            AllowedOrigin::Every => "\"*\"".to_owned(),
            AllowedOrigin::Null => "\"null\"".to_owned(),
            AllowedOrigin::Pattern(pattern) => PageOrigin.show(pattern),
        }
    }
}

/// An origin without the port that browsers leave out, if it has that.
fn without_default_port(text: &str) -> Option<&str> {
    let port = if text.starts_with("https://") { ":443" } else { ":80" };
    let web = text.starts_with("https://") || text.starts_with("http://");
    text.strip_suffix(port).filter(|_| web)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let origin = CorsOrigin.read(&Value::String(text.to_owned()));
        origin
            .map(|origin| CorsOrigin.show(&origin))
            .map_err(|misfit| misfit.reason().unwrap_or_default().to_owned())
    }

    #[test]
    fn origins_are_read_as_browsers_write_them() {
        for text in ["*", "null", "https://example.com", "https://*.example.com:8443"] {
            assert_eq!(read(text), Ok(format!("{text:?}")));
        }
        for (wrong, reason) in [
            ("", "which has no scheme such as https:// in front"),
            ("*.example.com", "which has no scheme such as https:// in front"),
            ("https://example.com:443", "did you mean \"https://example.com\"?"),
            ("http://example.com:80", "did you mean \"http://example.com\"?"),
            ("https://Example.com", "did you mean \"https://example.com\"?"),
            ("https://example.com/", "did you mean \"https://example.com\"?"),
            ("https://example.com/path", ""),
            ("https://a.*.example.com", ""),
        ] {
            assert_eq!(read(wrong), Err(reason.to_owned()), "{wrong:?}");
        }
        assert!(read("http://example.com:443").is_ok());
    }
}
