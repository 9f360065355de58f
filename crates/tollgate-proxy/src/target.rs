//! Where a request wants to go: its host and its path, in the one form that is matched and sent
//! upstream (design §3, step 2).

use std::borrow::Cow;

use http::header::HOST;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use tollgate_core::{
    EndpointId, FrontId, KeyedPath, Refusal, Route, RouteError, Routes, Service, normalize_path,
};

/// The host and path of a request, taken apart and agreed upon. It has no way to be printed: a key
/// may have stood in it.
pub(crate) struct Target<'a> {
    /// The authority, as the client wrote it; `None` only for HTTP/1.0.
    pub(crate) authority: Option<&'a str>,
    /// The same without its port.
    host: &'a str,
    /// The `Host` field, if there is one.
    pub(crate) host_field: Option<&'a HeaderValue>,
    /// The path in the form of [`normalize_path`]; once it was routed, without the key.
    pub(crate) path: Cow<'a, str>,
    /// The segment that is a key, as it came. It has stood in the path.
    pub(crate) key: Option<Box<str>>,
    /// The service that it belongs to, where its paths hold keys.
    keyed: Option<KeyedPath<'a>>,
    /// The query as it came.
    pub(crate) query: Option<&'a str>,
}

/// Why a request has no target.
#[derive(Debug)]
pub(crate) struct NoTarget {
    pub(crate) refusal: Refusal,
    /// Service and endpoint, where only the method did not match.
    pub(crate) called: Option<(FrontId, EndpointId)>,
    /// What `Allow` says where the method is the reason.
    pub(crate) allow: Option<String>,
}

impl From<Refusal> for NoTarget {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, called: None, allow: None }
    }
}

/// Refuses the methods that go through no gateway: TRACE echoes what we add, CONNECT asks for a
/// tunnel. So do other spellings of them to servers that ignore case.
///
/// # Errors
/// [`Refusal::MethodNotAllowed`].
pub(crate) fn permit(method: &Method) -> Result<(), NoTarget> {
    let never = [Method::TRACE, Method::CONNECT];
    if never.iter().any(|never| method.as_str().eq_ignore_ascii_case(never.as_str())) {
        let allow = Some("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS".to_owned());
        return Err(NoTarget { refusal: Refusal::MethodNotAllowed, called: None, allow });
    }
    Ok(())
}

impl<'a> Target<'a> {
    /// Reads host and path out of a request's target and its `Host` field.
    ///
    /// # Errors
    /// [`Refusal::BadRequest`] where the host is missing, invalid, or contradicts the request target
    /// (RFC 9112 §3.2, RFC 9113 §8.3.1); [`Refusal::RouteNotFound`] for a path that two servers
    /// could read differently.
    pub(crate) fn of(
        uri: &'a Uri,
        host: Option<&'a HeaderValue>,
        version: Version,
    ) -> Result<Self, Refusal> {
        let authority = authority(uri, host, version)?;
        let path = normalize_path(uri.path()).map_err(|_| Refusal::RouteNotFound)?;
        let bare = without_port(authority.unwrap_or_default());
        let (host_field, query) = (host, uri.query());
        Ok(Self { authority, host: bare, host_field, path, key: None, keyed: None, query })
    }

    /// The host without its port.
    pub(crate) fn host(&self) -> &str {
        self.host
    }

    /// The service, endpoint and method that it leads to, once a key was taken out of it.
    ///
    /// # Errors
    /// [`Refusal::RouteNotFound`], or [`Refusal::MethodNotAllowed`] with the methods that are.
    pub(crate) fn route(&self, routes: &Routes, method: &Method) -> Result<Route, NoTarget> {
        let found = match self.keyed {
            None => routes.find(self.host(), &self.path, method),
            Some(keyed) => keyed.find(&self.path, method),
        };
        found.map_err(|error| match error {
            RouteError::NotFound => Refusal::RouteNotFound.into(),
            RouteError::MethodNotAllowed { front, endpoint, allow } => NoTarget {
                refusal: Refusal::MethodNotAllowed,
                called: Some((front, endpoint)),
                allow: Some(allow),
            },
        })
    }

    /// Takes the key out of the path, with the slash before it, where the paths of the service hold
    /// keys. From here on no path tells one.
    pub(crate) fn take_key(&mut self, routes: &'a Routes) {
        self.keyed = routes.keyed(self.host(), &self.path);
        let Some(segment) = self.keyed.and_then(|keyed| keyed.key(&self.path)) else { return };
        let path = self.path.to_mut();
        self.key = path.get(segment.clone()).map(Into::into);
        path.replace_range(segment.start.saturating_sub(1)..segment.end, "");
        if path.is_empty() {
            path.push('/');
        }
    }

    /// The target in origin form as the upstream sees it; `None` if that is what the request has
    /// already.
    pub(crate) fn upstream_uri(
        &self,
        uri: &Uri,
        service: &Service,
        query: Option<&str>,
    ) -> Option<Uri> {
        let as_it_came = matches!(self.path, Cow::Borrowed(_))
            && service.upstream_path.is_none()
            && query == self.query
            && uri.authority().is_none();
        if as_it_came {
            return None;
        }
        let below = self.path.get(service.path_length..).unwrap_or_default();
        let mut target = match service.upstream_path.as_deref() {
            Some(base) => format!("{}{below}", base.trim_end_matches('/')),
            None => self.path.clone().into_owned(),
        };
        if !target.starts_with('/') {
            target.insert(0, '/');
        }
        if let Some(query) = query {
            target.push('?');
            target.push_str(query);
        }
        // Made of parts that were parsed before.
        PathAndQuery::from_maybe_shared(bytes::Bytes::from(target)).ok().map(Uri::from)
    }
}

/// The one `Host` field of a request.
///
/// # Errors
/// [`Refusal::BadRequest`] if there are several.
pub(crate) fn host_field(headers: &HeaderMap) -> Result<Option<&HeaderValue>, Refusal> {
    let mut fields = headers.get_all(HOST).iter();
    let first = fields.next();
    if fields.next().is_some() { Err(Refusal::BadRequest) } else { Ok(first) }
}

fn authority<'a>(
    uri: &'a Uri,
    host: Option<&'a HeaderValue>,
    version: Version,
) -> Result<Option<&'a str>, Refusal> {
    let host = host.map(HeaderValue::to_str).transpose().map_err(|_| Refusal::BadRequest)?;
    match (uri.authority().map(Authority::as_str), host) {
        // In HTTP/1.1 an absolute target wins over Host (RFC 9112 §3.2.2), in HTTP/2 a
        // contradiction is malformed. Both are refused: somebody behind us may read the other.
        (Some(target), Some(host)) if !host.eq_ignore_ascii_case(target) => {
            Err(Refusal::BadRequest)
        }
        // Only HTTP/2 can bring one, which is malformed (RFC 9113 §8.3.1).
        (Some(_), _) if uri.scheme_str() == Some("") => Err(Refusal::BadRequest),
        (Some(target), _) => valid(target).map(Some),
        (None, Some(host)) => valid(host).map(Some),
        (None, None) if version == Version::HTTP_10 => Ok(None),
        (None, None) => Err(Refusal::BadRequest),
    }
}

/// Bytes that a name of the DNS may have (RFC 3986 §3.2.2).
const LONGEST_HOST: usize = 255;

fn without_port(authority: &str) -> &str {
    let last = authority.bytes().rposition(|byte| !byte.is_ascii_digit());
    let colon = last.filter(|at| authority.as_bytes().get(*at) == Some(&b':'));
    colon.and_then(|colon| authority.get(..colon)).unwrap_or(authority)
}

/// Whether a name of the DNS may have a byte: looked up, as every request has such a name.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        plain[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        byte += 1;
    }
    plain
};

/// An authority that names one host: a name or an address, with or without a port.
pub(crate) fn valid(authority: &str) -> Result<&str, Refusal> {
    let plain = |byte: u8| PLAIN[usize::from(byte)];
    let address = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let (host_is_valid, port) = match authority.strip_prefix('[').and_then(|v6| v6.split_once(']'))
    {
        Some((host, port)) => (host.bytes().all(address), port),
        None => {
            let colon = authority.bytes().position(|byte| byte == b':');
            let (host, port) = authority.split_at(colon.unwrap_or(authority.len()));
            ((1..=LONGEST_HOST).contains(&host.len()) && host.bytes().all(plain), port)
        }
    };
    let port_is_valid = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.is_empty() || is_port(port));
    if host_is_valid && port_is_valid { Ok(authority) } else { Err(Refusal::BadRequest) }
}

/// Whether it is a port, in decimal.
pub(crate) fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(uri: &str, hosts: &[&str], version: Version) -> Result<String, Refusal> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, host.parse().unwrap());
        }
        let uri: Uri = uri.parse().unwrap();
        let target = Target::of(&uri, host_field(&headers)?, version)?;
        Ok(target.host().to_owned())
    }

    #[test]
    fn a_host_is_one_valid_host() {
        for (uri, hosts, expected) in [
            ("/a", &["api.example.com:8080"][..], Ok("api.example.com")),
            ("/a", &["[::1]:80"], Ok("[::1]")),
            ("/a", &["[::1]"], Ok("[::1]")),
            ("http://h/a", &["H"], Ok("h")),
            ("http://h/a", &[], Ok("h")),
            ("/a", &[], Err(Refusal::BadRequest)),
            ("/a", &["h", "h"], Err(Refusal::BadRequest)),
            ("/a", &[""], Err(Refusal::BadRequest)),
            ("/a", &["h/x"], Err(Refusal::BadRequest)),
            ("/a", &["user@h"], Err(Refusal::BadRequest)),
            ("/a", &["h,i"], Err(Refusal::BadRequest)),
            ("/a", &["h:99999"], Err(Refusal::BadRequest)),
            ("/a", &["h:+80"], Err(Refusal::BadRequest)),
            ("http://h/a", &["i"], Err(Refusal::BadRequest)),
        ] {
            let host = host(uri, hosts, Version::HTTP_11);
            assert_eq!(host, expected.map(str::to_owned), "{uri} {hosts:?}");
        }
        assert_eq!(host("/a", &[], Version::HTTP_10), Ok(String::new()));
    }
}
