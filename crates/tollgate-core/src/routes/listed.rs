//! Routes as the list that they were built from.

use http::Method;

use super::tree::Tree;
use super::{HostPattern, Route, Routes, RoutesBuilder, Segment};

/// What [`RoutesBuilder::key`] was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// The host.
    pub host: HostPattern,
    /// The path of the service.
    pub path: Vec<Box<str>>,
    /// How many segments stand before the key.
    pub segment: usize,
}

/// What [`RoutesBuilder::route`] was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRoute {
    /// The host.
    pub host: HostPattern,
    /// What the path has to match.
    pub pattern: Vec<Segment>,
    /// Where it leads.
    pub route: Route,
    /// The HTTP methods that it is for; none = what no other route of the pattern takes.
    pub verbs: Vec<Method>,
}

impl Routes {
    /// What the same routes can be built of again: paths that hold keys, and then routes. Those of
    /// one pattern come in their order, in which the first of several decides.
    #[must_use]
    pub fn listed(&self) -> (Vec<ListedKey>, Vec<ListedRoute>) {
        let mut hosts: Vec<_> = self.names.iter().collect();
        hosts.sort_by_key(|(name, _)| &***name);
        let names = hosts.into_iter().map(|(name, tree)| (HostPattern::Name(name.clone()), tree));
        let below = self.below.iter();
        let below = below.map(|(suffix, tree)| (HostPattern::Below(suffix.clone()), tree));
        let mut list = List::default();
        for (host, tree) in names.chain(below).chain([(HostPattern::Every, &self.every)]) {
            list.add(&host, tree, &mut Vec::new());
        }
        (list.keys, list.routes)
    }
}

impl RoutesBuilder {
    /// Adds what is listed.
    pub fn listed(&mut self, keys: &[ListedKey], routes: &[ListedRoute]) {
        for ListedKey { host, path, segment } in keys {
            self.key(host, path, *segment);
        }
        for ListedRoute { host, pattern, route, verbs } in routes {
            self.route(host, pattern, *route, verbs);
        }
    }
}

#[derive(Default)]
struct List {
    keys: Vec<ListedKey>,
    routes: Vec<ListedRoute>,
}

impl List {
    fn add(&mut self, host: &HostPattern, tree: &Tree, above: &mut Vec<Segment>) {
        if let Some(keyed) = &tree.keyed {
            let path: Vec<_> = above.iter().filter_map(literal).collect();
            let segment = path.len() + keyed.before;
            self.keys.push(ListedKey { host: host.clone(), path, segment });
            self.add(host, &keyed.tree, above);
        }
        let rest = tree.rest.iter().map(|leaf| (leaf, Some(Segment::Rest)));
        for (leaf, rest) in tree.here.iter().map(|leaf| (leaf, None)).chain(rest) {
            let pattern = above.iter().cloned().chain(rest).collect();
            let (route, verbs) = (leaf.route, leaf.verbs.to_vec());
            self.routes.push(ListedRoute { host: host.clone(), pattern, route, verbs });
        }
        let any = tree.any.iter().map(|tree| (Segment::Any, &**tree));
        let literals = tree.literals.iter();
        let literals = literals.map(|(name, tree)| (Segment::Literal(name.clone()), tree));
        for (segment, tree) in literals.chain(any) {
            above.push(segment);
            self.add(host, tree, above);
            above.pop();
        }
    }
}

fn literal(segment: &Segment) -> Option<Box<str>> {
    match segment {
        Segment::Literal(literal) => Some(literal.clone()),
        Segment::Any | Segment::Rest => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EndpointId, FrontId};

    #[test]
    fn routes_built_of_their_list_have_the_same_list_and_lead_to_the_same() {
        let route =
            |endpoint| Route { front: FrontId(0), endpoint: EndpointId(endpoint), method: None };
        let literal = |text: &str| Segment::Literal(text.into());
        let every = HostPattern::Every;
        let name = HostPattern::Name("api.example.com".into());
        let below = HostPattern::Below(".example.com".into());
        let mut builder = RoutesBuilder::default();
        builder.key(&name, &["v1".into()], 2);
        builder.route(&name, &[literal("v1"), Segment::Any, Segment::Rest], route(0), &[]);
        builder.route(&below, &[literal("a"), literal("b")], route(1), &[Method::GET]);
        builder.route(&below, &[literal("a"), literal("b")], route(2), &[Method::POST]);
        builder.route(&every, &[Segment::Rest], route(3), &[]);
        let routes = builder.build();
        let (keys, listed) = routes.listed();
        assert_eq!((keys.len(), listed.len()), (1, 4));
        let mut again = RoutesBuilder::default();
        again.listed(&keys, &listed);
        let again = again.build();
        assert_eq!(again.listed(), (keys, listed));
        for (host, path, method) in [
            ("eu.example.com", "/a/b", Method::GET),
            ("eu.example.com", "/a/b", Method::POST),
            ("eu.example.com", "/a/b", Method::PUT),
            ("api.example.com", "/a/c", Method::GET),
            ("elsewhere", "/", Method::GET),
        ] {
            assert_eq!(again.find(host, path, &method), routes.find(host, path, &method));
        }
        let find = |routes: &Routes| {
            let keyed = routes.keyed("api.example.com", "/v1/x/key/y")?;
            Some((keyed.key("/v1/x/key/y"), keyed.find("/v1/x/y", &Method::GET)))
        };
        assert!(find(&routes).is_some());
        assert_eq!(find(&again), find(&routes));
    }
}
