//! Services whose paths hold keys.

use std::fmt;

use super::routes::Below;
use crate::document::{Item, Place, Section};
use crate::model::{Endpoint, HostPattern, Name, Segment};

/// A service whose paths hold keys: everything below its own path is its.
pub(super) struct Keyed {
    pub(super) service: Name,
    /// `None` = every host.
    hosts: Vec<Option<HostPattern>>,
    path: Vec<Segment>,
    place: Place,
}

impl Keyed {
    /// The service that is written at `place`.
    pub(super) fn of(below: &Below<'_>, place: Place) -> Self {
        let (service, path) = (below.service.clone(), below.path.clone());
        Self { service, hosts: below.hosts(), path, place }
    }

    /// Whether a pattern of one of these hosts would take calls from below the service's path. One
    /// that is less specific, in its host or in its path, gives way to the service.
    pub(super) fn has(&self, hosts: &[Option<HostPattern>], path: &[Segment]) -> bool {
        let covered = |host: &Option<HostPattern>| {
            self.hosts.iter().any(|own| covers(own.as_ref(), host.as_ref()))
        };
        path.starts_with(&self.path) && hosts.iter().any(covered)
    }
}

impl fmt::Display for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "services.{} at {}", self.service, self.place)
    }
}

/// Whether every host that `other` matches is matched by `one` too; `None` is every host.
fn covers(one: Option<&HostPattern>, other: Option<&HostPattern>) -> bool {
    use HostPattern::{Below, Name};
    let under = |name: &str, above: &str| {
        name.strip_suffix(above).is_some_and(|before| before.ends_with('.'))
    };
    match (one, other) {
        (None, _) => true,
        (Some(Below(above)), Some(Name(name))) => under(name, above),
        (Some(Below(above)), Some(Below(name))) => above == name || under(name, above),
        (one, other) => one == other,
    }
}

/// Reports a number of a path's segment that calls cannot have: those of any endpoint, where keys
/// stand in other places too, and those of one, where they do not.
pub(in crate::file) fn check_reach<'e>(
    section: &Section,
    number: &Item<usize>,
    path: &[Segment],
    endpoints: impl Iterator<Item = &'e Endpoint>,
    only_place: bool,
) {
    // The key is a segment more than the pattern has.
    let reach = |endpoint: &Endpoint, below: &[Segment]| {
        let rest =
            endpoint.path.last() == Some(&Segment::Rest) || below.last() == Some(&Segment::Rest);
        (!rest).then(|| path.len() + endpoint.path.len() + below.len())
    };
    let mut reaches = Vec::new();
    for endpoint in endpoints {
        if endpoint.methods.is_empty() || endpoint.undefined_methods_allowed {
            reaches.push((&endpoint.name, reach(endpoint, &[])));
        }
        let methods = endpoint.methods.values();
        reaches.extend(methods.map(|method| (&endpoint.name, reach(endpoint, &method.path))));
    }
    let short =
        |(_, reach): &&(&Name, Option<usize>)| reach.is_some_and(|last| last < number.value);
    let first = reaches.iter().find(short);
    if let Some((name, Some(last))) = first
        && (only_place || reaches.iter().filter(short).count() == reaches.len())
    {
        section.problem_at(
            number.site.clone(),
            format_args!(
                "lies beyond the paths of endpoints.{name}, whose calls could bring no key; \
                 expected at most {last}"
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_covers_itself_and_what_is_under_it() {
        let name = |name: &str| Some(HostPattern::Name(name.into()));
        let below = |name: &str| Some(HostPattern::Below(name.into()));
        for (one, other, there, back) in [
            (None, name("a.b"), true, false),
            (None, None, true, true),
            (name("a.b"), name("a.b"), true, true),
            (name("a.b"), name("c.b"), false, false),
            (below("b"), name("a.b"), true, false),
            (below("b"), name("b"), false, false),
            (below("b"), name("ab"), false, false),
            (below("b"), below("b"), true, true),
            (below("b"), below("a.b"), true, false),
            (below("a.b"), below("c.b"), false, false),
        ] {
            assert_eq!(covers(one.as_ref(), other.as_ref()), there, "{one:?} {other:?}");
            assert_eq!(covers(other.as_ref(), one.as_ref()), back, "{other:?} {one:?}");
        }
    }
}
