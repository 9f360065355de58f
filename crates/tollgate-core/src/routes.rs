//! From host, path and HTTP method to service, endpoint and method; the most specific wins.
//!
//! Hosts: a name beats a wildcard, a longer wildcard beats a shorter one, any wildcard beats
//! services of every host. Paths, segment by segment: a literal beats any one segment, which beats
//! any rest. A final slash makes no difference.
//!
//! Where the paths of a service hold keys, everything below its own path is that service's, and
//! the key is taken out before anything is matched (see [`KeyedPath`]).

mod keyed;
mod listed;
mod tree;

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;

use crate::{EndpointId, FrontId, MethodId, Service, Upstream};
pub use keyed::KeyedPath;
pub use listed::{ListedKey, ListedRoute};
use tree::{Leaf, Tree};

/// Where a request leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The service, by the way in which it is called.
    pub front: FrontId,
    /// The endpoint of it.
    pub endpoint: EndpointId,
    /// The method of that, if the endpoint has methods and one matches.
    pub method: Option<MethodId>,
}

/// Why a request leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// No endpoint matches host and path.
    NotFound,
    /// The endpoint knows other HTTP methods only.
    MethodNotAllowed {
        /// The service that the endpoint is of.
        front: FrontId,
        /// The endpoint.
        endpoint: EndpointId,
        /// The methods, as `Allow` lists them.
        allow: String,
    },
}

/// A part of a path pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// Exactly this, in the form of [`normalize_path`](crate::normalize_path).
    Literal(Box<str>),
    /// Any one segment.
    Any,
    /// Any number of segments, also none. Comes last.
    Rest,
}

/// The hosts that an endpoint answers for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// Every host.
    Every,
    /// This one, in lower case, without a port.
    Name(Box<str>),
    /// Every host below: `*.example.com` holds `.example.com`.
    Below(Box<str>),
}

/// All services, their routes and their upstreams.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// By their fronts; some are not in use.
    services: Vec<Option<Service>>,
    upstreams: Vec<Arc<Upstream>>,
    /// What endpoints and methods are called, by their index.
    endpoint_names: Vec<Option<Box<str>>>,
    method_names: Vec<Option<Box<str>>>,
    names: HashMap<Box<str>, Tree>,
    /// Longest first.
    below: Vec<(Box<str>, Tree)>,
    every: Tree,
    keys_in_paths: bool,
}

impl Routes {
    /// Where a request for `path`, in the form of [`normalize_path`](crate::normalize_path), leads.
    /// A path that [`Routes::keyed`] knows leads nowhere from here.
    ///
    /// # Errors
    /// See [`RouteError`].
    pub fn find(&self, host: &str, path: &str, method: &Method) -> Result<Route, RouteError> {
        let path = path.strip_prefix('/').unwrap_or(path);
        choose(self.first(host, |tree| tree.find(path)), method)
    }

    /// The service that `path` belongs to, if its paths hold keys.
    #[must_use]
    pub fn keyed(&self, host: &str, path: &str) -> Option<KeyedPath<'_>> {
        if !self.keys_in_paths {
            return None;
        }
        let below = path.strip_prefix('/').unwrap_or(path);
        let keyed = self.first(host, |tree| match tree.keyed(below) {
            Some((keyed, below)) => Some(Some(KeyedPath::new(keyed, path.len() - below.len()))),
            None => tree.find(below).map(|_| None),
        });
        keyed.flatten()
    }

    /// Whether the paths of any service hold keys.
    #[must_use]
    pub fn keys_in_paths(&self) -> bool {
        self.keys_in_paths
    }

    /// What `look` finds among the most specific host that has it.
    fn first<'a, T>(&'a self, host: &str, look: impl FnMut(&'a Tree) -> Option<T>) -> Option<T> {
        let lower;
        let host = if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            lower = host.to_ascii_lowercase();
            &lower
        } else {
            host
        };
        let name = if self.names.is_empty() { None } else { self.names.get(host) };
        let below = self
            .below
            .iter()
            .filter(|(suffix, _)| host.len() > suffix.len() && host.ends_with(&**suffix));
        name.into_iter().chain(below.map(|(_, tree)| tree)).chain([&self.every]).find_map(look)
    }

    /// A service, or the part of it that is called in this way.
    #[must_use]
    pub fn service(&self, front: FrontId) -> Option<&Service> {
        self.services.get(front.0 as usize)?.as_ref()
    }

    /// Every service, each part by itself, in no order.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.iter().flatten()
    }

    /// What an endpoint is called.
    #[must_use]
    pub fn endpoint_name(&self, id: EndpointId) -> Option<&str> {
        self.endpoint_names.get(id.0 as usize)?.as_deref()
    }

    /// What a method is called.
    #[must_use]
    pub fn method_name(&self, id: MethodId) -> Option<&str> {
        self.method_names.get(id.0 as usize)?.as_deref()
    }

    /// The upstream that a service names.
    #[must_use]
    pub fn upstream(&self, service: &Service) -> Option<&Arc<Upstream>> {
        self.upstreams.get(service.upstream as usize)
    }

    /// Every upstream.
    #[must_use]
    pub fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }
}

/// What a route is added with.
#[derive(Debug, Default)]
pub struct RoutesBuilder(Routes);

impl RoutesBuilder {
    /// Adds an upstream and says which index it has.
    pub fn upstream(&mut self, upstream: Arc<Upstream>) -> u32 {
        self.0.upstreams.push(upstream);
        u32::try_from(self.0.upstreams.len() - 1).unwrap_or(u32::MAX)
    }

    /// Adds a service.
    pub fn service(&mut self, service: Service) {
        put(&mut self.0.services, service.front.0, service);
    }

    /// Says what an endpoint is called.
    pub fn endpoint_name(&mut self, id: EndpointId, name: &str) {
        put(&mut self.0.endpoint_names, id.0, name.into());
    }

    /// Says what a method is called.
    pub fn method_name(&mut self, id: MethodId, name: &str) {
        put(&mut self.0.method_names, id.0, name.into());
    }

    /// Leads `pattern` on `host` to `route`: with `verbs`, calls of these HTTP methods; without,
    /// calls that no other route of the pattern takes.
    pub fn route(
        &mut self,
        host: &HostPattern,
        pattern: &[Segment],
        route: Route,
        verbs: &[Method],
    ) {
        self.tree(host).add(pattern, Leaf { route, verbs: verbs.into() });
    }

    /// Gives everything below `path` on `host` to the service whose routes are added there next.
    /// Its paths hold a key after `segment` others, at least those of `path`.
    pub fn key(&mut self, host: &HostPattern, path: &[Box<str>], segment: usize) {
        self.0.keys_in_paths = true;
        self.tree(host).key(path, segment.saturating_sub(path.len()));
    }

    fn tree(&mut self, host: &HostPattern) -> &mut Tree {
        match host {
            HostPattern::Every => &mut self.0.every,
            HostPattern::Name(name) => self.0.names.entry(name.clone()).or_default(),
            HostPattern::Below(suffix) => {
                let at = self.0.below.iter().position(|(known, _)| known == suffix);
                let at = at.unwrap_or_else(|| {
                    self.0.below.push((suffix.clone(), Tree::default()));
                    self.0.below.len() - 1
                });
                &mut self.0.below[at].1
            }
        }
    }

    /// The finished routes.
    #[must_use]
    pub fn build(mut self) -> Routes {
        self.0.below.sort_by_key(|(suffix, _)| std::cmp::Reverse(suffix.len()));
        self.0
    }
}

fn put<T: Clone>(all: &mut Vec<Option<T>>, index: u32, value: T) {
    let index = index as usize;
    if index >= all.len() {
        all.resize(index + 1, None);
    }
    all[index] = Some(value);
}

/// Where `method` leads among the leaves of a path.
fn choose(leaves: Option<&[Leaf]>, method: &Method) -> Result<Route, RouteError> {
    let leaves = leaves.ok_or(RouteError::NotFound)?;
    let named = leaves.iter().find(|leaf| leaf.verbs.contains(method));
    let leaf = named.or_else(|| leaves.iter().find(|leaf| leaf.verbs.is_empty()));
    let first = leaves.first().ok_or(RouteError::NotFound)?;
    leaf.map(|leaf| leaf.route).ok_or_else(|| RouteError::MethodNotAllowed {
        front: first.route.front,
        endpoint: first.route.endpoint,
        allow: allow(leaves),
    })
}

fn allow(leaves: &[Leaf]) -> String {
    let mut verbs: Vec<_> =
        leaves.iter().flat_map(|leaf| &leaf.verbs).map(Method::as_str).collect();
    verbs.sort_unstable();
    verbs.dedup();
    verbs.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn route(endpoint: u32) -> Route {
        Route { front: FrontId(0), endpoint: EndpointId(endpoint), method: None }
    }

    fn endpoint(routes: &Routes, host: &str, path: &str) -> Option<u32> {
        routes.find(host, path, &Method::GET).ok().map(|route| route.endpoint.0)
    }

    #[test]
    fn the_most_specific_path_wins() {
        let mut builder = RoutesBuilder::default();
        for (id, text) in ["/**", "/orders/*", "/orders/new", "/orders/*/items", "/orders/new/**"]
            .iter()
            .enumerate()
        {
            builder.route(&HostPattern::Every, &pattern(text), route(id as u32), &[]);
        }
        let routes = builder.build();
        for (path, expected) in [
            ("/", 0),
            ("/orders", 0),
            ("/orders/7", 1),
            ("/orders/7/", 1),
            ("/orders/new", 2),
            ("/orders/7/items", 3),
            ("/orders/new/items", 4),
            ("/orders/7/items/8", 0),
        ] {
            assert_eq!(endpoint(&routes, "h", path), Some(expected), "{path}");
        }
    }

    #[test]
    fn the_most_specific_host_wins_and_falls_back() {
        let mut builder = RoutesBuilder::default();
        for (id, host, text) in [
            (0, HostPattern::Every, "/**"),
            (1, HostPattern::Below(".example.com".into()), "/a/**"),
            (2, HostPattern::Below(".eu.example.com".into()), "/a/**"),
            (3, HostPattern::Name("api.example.com".into()), "/a/b"),
        ] {
            builder.route(&host, &pattern(text), route(id), &[]);
        }
        let routes = builder.build();
        for (host, path, expected) in [
            ("api.example.com", "/a/b", 3),
            ("API.Example.COM", "/a/b", 3),
            ("api.example.com", "/a", 1),
            ("api.eu.example.com", "/a", 2),
            ("example.com", "/a", 0),
            (".example.com", "/a", 0),
            ("api.example.com", "/c", 0),
        ] {
            assert_eq!(endpoint(&routes, host, path), Some(expected), "{host} {path}");
        }
    }

    #[test]
    fn http_methods_choose_among_methods() {
        let method = |id| Route { method: Some(MethodId(id)), ..route(0) };
        let mut builder = RoutesBuilder::default();
        let items = pattern("/items");
        builder.route(&HostPattern::Every, &items, method(1), &[Method::GET, Method::HEAD]);
        builder.route(&HostPattern::Every, &items, method(2), &[Method::POST]);
        let open = pattern("/open");
        builder.route(&HostPattern::Every, &open, method(3), &[Method::GET]);
        builder.route(&HostPattern::Every, &open, route(0), &[]);
        let routes = builder.build();
        let find = |path, verb| routes.find("h", path, &verb);
        assert_eq!(find("/items", Method::HEAD), Ok(method(1)));
        assert_eq!(find("/items", Method::POST), Ok(method(2)));
        assert_eq!(
            find("/items", Method::DELETE),
            Err(RouteError::MethodNotAllowed {
                front: FrontId(0),
                endpoint: EndpointId(0),
                allow: "GET, HEAD, POST".to_owned()
            })
        );
        assert_eq!(find("/open", Method::GET), Ok(method(3)));
        assert_eq!(find("/open", Method::DELETE), Ok(route(0)));
        assert_eq!(find("/nothing", Method::GET), Err(RouteError::NotFound));
    }
}
