//! A request's form in either version of HTTP. It changes where a request is sent again.

use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Uri, Version};

/// As HTTP/2 has it: the host is part of its target (RFC 9113 §8.3.1). `None` if it has no host that
/// can be.
pub(super) fn in_two<B>(request: &mut Request<B>, scheme: &Scheme) -> Option<()> {
    if request.uri().scheme().is_some() {
        return Some(());
    }
    let host = request.headers_mut().remove(HOST)?;
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(scheme.clone());
    parts.authority = Some(Authority::try_from(host.as_bytes()).ok()?);
    parts.path_and_query.get_or_insert_with(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    *request.version_mut() = Version::HTTP_2;
    Some(())
}

/// As HTTP/1.1 has it: path and query, and a `Host` (RFC 9112 §3.2.1). `None` if it has neither a host nor
/// a path.
pub(super) fn in_one<B>(request: &mut Request<B>) -> Option<()> {
    if request.uri().scheme().is_none() {
        return Some(());
    }
    let parts = std::mem::take(request.uri_mut()).into_parts();
    let host = HeaderValue::from_str(parts.authority?.as_str()).ok()?;
    request.headers_mut().insert(HOST, host);
    *request.uri_mut() = Uri::from(parts.path_and_query?);
    *request.version_mut() = Version::HTTP_11;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_its_target_and_host_through_both_forms() {
        let request = || {
            let builder = Request::builder().uri("/orders?a=%20b").header(HOST, "api.example:81");
            builder.version(Version::HTTP_11).body(()).unwrap()
        };
        let mut formed = request();
        for _ in 0..2 {
            in_two(&mut formed, &Scheme::HTTPS).unwrap();
            assert_eq!(formed.uri(), "https://api.example:81/orders?a=%20b");
            assert!(!formed.headers().contains_key(HOST));
        }
        in_one(&mut formed).unwrap();
        assert_eq!(
            (formed.uri(), &formed.headers()[HOST]),
            (request().uri(), &request().headers()[HOST])
        );
        assert_eq!(formed.version(), Version::HTTP_11);
    }

    #[test]
    fn what_has_no_host_does_not_go() {
        let request = || Request::builder().uri("/orders");
        assert!(in_two(&mut request().body(()).unwrap(), &Scheme::HTTP).is_none());
        let mut broken = request().header(HOST, "a b").body(()).unwrap();
        assert!(in_two(&mut broken, &Scheme::HTTP).is_none());
    }
}
