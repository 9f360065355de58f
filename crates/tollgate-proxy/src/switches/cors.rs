//! Pages of other origins (Fetch standard, §3.3): the answer to their preflights, and what they may
//! read of responses.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use tollgate_core::{AllowedOrigins, Cors};

use crate::arena::Arena;

/// What begins all fields of the protocol that a response can have.
const PREFIX: &str = "access-control-";

/// What one response says to the page that called.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// Whose pages may read it; `None` = nobody's but the service's own.
    origin: Option<HeaderValue>,
    credentials: bool,
    /// Whether it would say something else to another page.
    varies: bool,
    fields: [Option<(HeaderName, HeaderValue)>; 3],
}

/// The HTTP method that a preflight asks about; `None` if the request is none.
pub(super) fn asked<B>(request: &Request<B>) -> Option<Method> {
    if request.method() != Method::OPTIONS || !request.headers().contains_key(ORIGIN) {
        return None;
    }
    let mut methods = request.headers().get_all(ACCESS_CONTROL_REQUEST_METHOD).iter();
    let method = methods.next().filter(|_| methods.next().is_none())?;
    Method::from_bytes(method.as_bytes()).ok()
}

impl Exchange {
    /// What `policy` says to a request with these fields.
    pub(super) fn of(
        policy: &Cors,
        request: &HeaderMap,
        preflight: bool,
        arena: &mut Arena,
    ) -> Self {
        let every = policy.origins == AllowedOrigins::Every;
        let origin = if every {
            Some(HeaderValue::from_static("*"))
        } else {
            one_origin(request).filter(|origin| holds(policy, origin)).cloned()
        };
        let mut list = |name: HeaderName, list: &str| {
            let value = (!list.is_empty()).then(|| arena.value(list.as_bytes()));
            value.flatten().map(|value| (name, value))
        };
        let fields = if origin.is_none() {
            [None, None, None]
        } else if preflight {
            [
                list(ACCESS_CONTROL_ALLOW_METHODS, &policy.methods),
                list(ACCESS_CONTROL_ALLOW_HEADERS, &policy.headers),
                Some((ACCESS_CONTROL_MAX_AGE, policy.max_age.into())),
            ]
        } else {
            [list(ACCESS_CONTROL_EXPOSE_HEADERS, &policy.exposed_headers), None, None]
        };
        Self { origin, credentials: policy.credentials, varies: !every, fields }
    }

    /// Says it, in place of whatever the upstream has said.
    pub(crate) fn tell(self, response: &mut HeaderMap) {
        let others: Vec<_> =
            response.keys().filter(|name| name.as_str().starts_with(PREFIX)).cloned().collect();
        for name in others {
            response.remove(name);
        }
        if let Some(origin) = self.origin {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            if self.credentials {
                let allowed = HeaderValue::from_static("true");
                response.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, allowed);
            }
        }
        for (name, value) in self.fields.into_iter().flatten() {
            response.insert(name, value);
        }
        if self.varies && !tells_of_origin(response) {
            response.append(VARY, HeaderValue::from_static("Origin"));
        }
    }
}

fn one_origin(request: &HeaderMap) -> Option<&HeaderValue> {
    let mut origins = request.get_all(ORIGIN).iter();
    origins.next().filter(|_| origins.next().is_none())
}

fn holds(policy: &Cors, origin: &HeaderValue) -> bool {
    origin.to_str().is_ok_and(|origin| policy.origins.hold(origin))
}

/// Whether a cache knows already that the response depends on `Origin`, or on everything.
fn tells_of_origin(response: &HeaderMap) -> bool {
    response
        .get_all(VARY)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|name| name.eq_ignore_ascii_case(b"origin") || name == b"*")
}

#[cfg(test)]
mod tests {
    use http::Request;
    use tollgate_core::OriginPattern;

    use super::*;

    fn policy(origins: &[&str]) -> Cors {
        let named = origins.iter().filter(|origin| **origin != "null");
        let patterns = named.map(|origin| OriginPattern::parse(origin).unwrap()).collect();
        Cors {
            origins: AllowedOrigins::Listed { patterns, null: origins.contains(&"null") },
            credentials: true,
            methods: "PUT, DELETE".into(),
            headers: "x-api-key".into(),
            exposed_headers: "ratelimit".into(),
            max_age: 600,
        }
    }

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    /// All fields of a response to which `policy` was applied, in order.
    fn told(
        policy: &Cors,
        request: &[(&'static str, &str)],
        preflight: bool,
        response: &[(&'static str, &str)],
    ) -> Vec<String> {
        let mut response = headers(response);
        let mut arena = Arena::default();
        Exchange::of(policy, &headers(request), preflight, &mut arena).tell(&mut response);
        let lines = response.iter();
        let mut lines: Vec<_> =
            lines.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        lines
    }

    #[test]
    fn a_preflight_is_told_what_is_allowed() {
        let policy = policy(&["https://example.com"]);
        assert_eq!(
            told(&policy, &[("origin", "https://example.com")], true, &[]),
            [
                "access-control-allow-credentials: true",
                "access-control-allow-headers: x-api-key",
                "access-control-allow-methods: PUT, DELETE",
                "access-control-allow-origin: https://example.com",
                "access-control-max-age: 600",
                "vary: Origin",
            ]
        );
        assert_eq!(told(&policy, &[("origin", "https://evil.org")], true, &[]), ["vary: Origin"]);
    }

    #[test]
    fn what_the_upstream_says_is_replaced() {
        let policy = policy(&["https://example.com"]);
        let upstream = [
            ("access-control-allow-origin", "*"),
            ("access-control-allow-private-network", "true"),
            ("access-control-expose-headers", "x-internal"),
            ("vary", "accept-encoding, origin"),
        ];
        assert_eq!(
            told(&policy, &[("origin", "https://example.com")], false, &upstream),
            [
                "access-control-allow-credentials: true",
                "access-control-allow-origin: https://example.com",
                "access-control-expose-headers: ratelimit",
                "vary: accept-encoding, origin",
            ]
        );
        let other = told(&policy, &[("origin", "https://evil.org")], false, &upstream);
        assert_eq!(other, ["vary: accept-encoding, origin"]);
        assert_eq!(told(&policy, &[], false, &[("vary", "*")]), ["vary: *"]);
        assert_eq!(
            told(&policy, &[], false, &[("vary", "accept")]),
            ["vary: Origin", "vary: accept"]
        );
    }

    #[test]
    fn every_origin_is_a_star_that_does_not_vary() {
        let every = Cors {
            origins: AllowedOrigins::Every,
            credentials: false,
            exposed_headers: "".into(),
            ..policy(&[])
        };
        for request in [&[("origin", "https://example.com")][..], &[("origin", "null")], &[]] {
            let told = told(&every, request, false, &[]);
            assert_eq!(told, ["access-control-allow-origin: *"]);
        }
    }

    #[test]
    fn null_is_an_origin_only_where_it_is_listed() {
        let allowed = |origins: &[&str], origin: &str| {
            let told = told(&policy(origins), &[("origin", origin)], false, &[]);
            told.iter().any(|line| line == &format!("access-control-allow-origin: {origin}"))
        };
        assert!(allowed(&["null"], "null"));
        assert!(!allowed(&["https://example.com"], "null"));
        assert!(!allowed(&["null"], "https://example.com"));
        assert!(allowed(&["https://*.example.com"], "https://a.example.com"));
        assert!(!allowed(&["https://*.example.com"], "https://a.example.com.evil.org"));
        assert!(!allowed(&["https://example.com"], "https://example.com/"));
        assert!(!allowed(&["https://example.com"], "https://EXAMPLE.com"));
    }

    #[test]
    fn two_origins_are_none() {
        let twice = [("origin", "https://example.com"), ("origin", "https://example.com")];
        let told = told(&policy(&["https://example.com"]), &twice, false, &[]);
        assert_eq!(told, ["vary: Origin"]);
    }

    #[test]
    fn a_preflight_has_an_origin_and_asks_about_one_method() {
        let asked = |method: Method, fields: &[(&'static str, &str)]| {
            let mut request = Request::new(());
            *request.method_mut() = method;
            *request.headers_mut() = headers(fields);
            asked(&request)
        };
        let (origin, put) =
            (("origin", "https://example.com"), ("access-control-request-method", "PUT"));
        assert_eq!(asked(Method::OPTIONS, &[origin, put]), Some(Method::PUT));
        assert_eq!(asked(Method::GET, &[origin, put]), None);
        assert_eq!(asked(Method::OPTIONS, &[origin]), None);
        assert_eq!(asked(Method::OPTIONS, &[put]), None);
        assert_eq!(asked(Method::OPTIONS, &[origin, put, put]), None);
        let no_method = ("access-control-request-method", "P T");
        assert_eq!(asked(Method::OPTIONS, &[origin, no_method]), None);
    }
}
