//! Paths that hold keys.

use std::ops::Range;

use http::Method;

use super::tree::Keyed;
use super::{Route, RouteError, choose};

/// The service that a path belongs to, where its paths hold keys.
///
/// Such a service has everything below its own path to itself, on each of its hosts: a path
/// there that matches none of its endpoints leads nowhere, whatever else would match it, so that
/// no key gets to another service. The segment that is a key always is one, and is no part of what
/// is matched and sent upstream.
#[derive(Clone, Copy, Debug)]
pub struct KeyedPath<'a> {
    keyed: &'a Keyed,
    /// Where in the path begins what is below the service's own.
    below: usize,
}

impl<'a> KeyedPath<'a> {
    pub(super) fn new(keyed: &'a Keyed, below: usize) -> Self {
        Self { keyed, below }
    }

    /// Where in `path` the key stands, without slashes; `None` if the path is too short for one.
    #[must_use]
    pub fn key(&self, path: &str) -> Option<Range<usize>> {
        let mut begin = self.below;
        for _ in 0..self.keyed.before {
            begin += path.get(begin..)?.find('/')? + 1;
        }
        let segment = path.get(begin..)?.split('/').next()?;
        (!segment.is_empty()).then(|| begin..begin + segment.len())
    }

    /// Where a request for `path` leads, from which the key was taken out.
    ///
    /// # Errors
    /// See [`RouteError`].
    pub fn find(&self, path: &str, method: &Method) -> Result<Route, RouteError> {
        choose(self.keyed.tree.find(path.get(self.below..).unwrap_or_default()), method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EndpointId, FrontId, HostPattern, Routes, RoutesBuilder, Segment};

    fn pattern(text: &str) -> Vec<Segment> {
        let segments = text.split('/').filter(|segment| !segment.is_empty());
        segments
            .map(|segment| match segment {
                "**" => Segment::Rest,
                "*" => Segment::Any,
                literal => Segment::Literal(literal.into()),
            })
            .collect()
    }

    /// Routes of one service whose paths hold keys on every host, and others of all kinds.
    fn routes(path: &[&str], segment: usize, patterns: &[&str]) -> Routes {
        let mut builder = RoutesBuilder::default();
        let path: Vec<Box<str>> = path.iter().map(|&literal| literal.into()).collect();
        let route = |service| Route {
            front: FrontId(service),
            endpoint: EndpointId(service),
            method: None,
        };
        let other = HostPattern::Name("other".into());
        builder.route(&HostPattern::Every, &pattern("/*/orders"), route(1), &[]);
        builder.key(&HostPattern::Every, &path, segment);
        for text in patterns {
            builder.route(&HostPattern::Every, &pattern(text), route(0), &[]);
        }
        if !path.is_empty() {
            builder.route(&HostPattern::Every, &pattern("/**"), route(1), &[]);
        }
        builder.route(&other, &pattern("/v1/public"), route(2), &[]);
        builder.build()
    }

    /// The key, and the service that what is left of the path leads to.
    fn look(routes: &Routes, host: &str, path: &str) -> (Option<String>, Option<u32>) {
        let Some(keyed) = routes.keyed(host, path) else {
            return (None, routes.find(host, path, &Method::GET).ok().map(|route| route.front.0));
        };
        let key = keyed.key(path);
        let mut left = path.to_owned();
        if let Some(key) = key.clone() {
            left.replace_range(key.start - 1..key.end, "");
        }
        let route = keyed.find(&left, &Method::GET).ok();
        (key.map(|key| path[key].to_owned()), route.map(|route| route.front.0))
    }

    #[test]
    fn the_path_is_matched_without_its_key() {
        let routes = routes(&["v1"], 1, &["/v1/orders/*", "/v1/status"]);
        let key = || Some("k".to_owned());
        for (path, expected) in [
            ("/v1/k/orders/7", (key(), Some(0))),
            ("/v1/k/orders/7/", (key(), Some(0))),
            ("/v1/k/status", (key(), Some(0))),
            // Nothing of the service's: and nobody else's.
            ("/v1/k/nothing", (key(), None)),
            ("/v1/k", (key(), None)),
            ("/v1/k/", (key(), None)),
            ("/v1", (None, None)),
            ("/v1/", (None, None)),
            // A segment in the key's place is the key, whatever it looks like.
            ("/v1/orders/orders/7", (Some("orders".to_owned()), Some(0))),
            ("/v1/orders", (Some("orders".to_owned()), None)),
            ("/v2/orders", (None, Some(1))),
            ("/v10/k/status", (None, Some(1))),
            ("/", (None, Some(1))),
        ] {
            assert_eq!(look(&routes, "h", path), expected, "{path}");
        }
    }

    #[test]
    fn a_key_may_stand_first_or_far_behind_the_path_of_its_service() {
        let first = routes(&[], 0, &["/orders", "/"]);
        assert_eq!(look(&first, "h", "/k/orders"), (Some("k".to_owned()), Some(0)));
        assert_eq!(look(&first, "h", "/k"), (Some("k".to_owned()), Some(0)));
        assert_eq!(look(&first, "h", "/k/"), (Some("k".to_owned()), Some(0)));
        assert_eq!(look(&first, "h", "/"), (None, Some(0)));
        let far = routes(&["v1"], 3, &["/v1/**"]);
        assert_eq!(look(&far, "h", "/v1/a/b/k/c"), (Some("k".to_owned()), Some(0)));
        assert_eq!(look(&far, "h", "/v1/a/b/k"), (Some("k".to_owned()), Some(0)));
        for short in ["/v1/a/b", "/v1/a/b/", "/v1/a", "/v1"] {
            assert_eq!(look(&far, "h", short), (None, Some(0)), "{short}");
        }
    }

    #[test]
    fn a_more_specific_host_that_matches_goes_first() {
        let routes = routes(&["v1"], 1, &["/v1/**"]);
        assert_eq!(look(&routes, "other", "/v1/public"), (None, Some(2)));
        assert_eq!(look(&routes, "OTHER", "/v1/public"), (None, Some(2)));
        assert_eq!(look(&routes, "other", "/v1/k/x"), (Some("k".to_owned()), Some(0)));
    }
}
