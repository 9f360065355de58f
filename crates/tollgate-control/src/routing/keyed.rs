//! Fronts whose paths hold keys.

use super::Below;
use crate::model::{HostPattern, Name, Segment};

/// A front whose paths hold keys: everything below its own path is its.
pub(super) struct Keyed<L> {
    front: (Name, Option<Name>),
    /// `None` = every host.
    hosts: Vec<Option<HostPattern>>,
    path: Vec<Segment>,
    pub(super) label: L,
}

impl<L> Keyed<L> {
    pub(super) fn of(below: &Below<'_>, label: L) -> Self {
        let front = (below.service.clone(), below.part.cloned());
        Self { front, hosts: below.hosts(), path: below.path.to_vec(), label }
    }

    /// Whether it is the front that `below` is of.
    pub(super) fn is(&self, below: &Below<'_>) -> bool {
        self.front.0 == *below.service && self.front.1.as_ref() == below.part
    }

    /// Whether a pattern of one of these hosts would take calls from below the front's path. One
    /// that is less specific, in its host or in its path, gives way to the front.
    pub(super) fn has(&self, hosts: &[Option<HostPattern>], path: &[Segment]) -> bool {
        let covered = |host: &Option<HostPattern>| {
            self.hosts.iter().any(|own| covers(own.as_ref(), host.as_ref()))
        };
        path.starts_with(&self.path) && hosts.iter().any(covered)
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
