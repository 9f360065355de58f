//! Which calls lead where, over all services. No call may lead to two places, and where the paths of
//! a front hold keys none below its path may lead to another.

mod claims;
mod keyed;

use crate::model::{Front, HostPattern, Name, Segment};

pub(crate) use claims::{Claims, Clash};

/// The hosts and the path below which endpoints claim their calls.
#[derive(Clone, Copy)]
pub(crate) struct Below<'a> {
    /// The service.
    pub(crate) service: &'a Name,
    /// The endpoint, where it has a front of its own.
    pub(crate) part: Option<&'a Name>,
    /// None = every host.
    pub(crate) hosts: &'a [HostPattern],
    /// Literal segments.
    pub(crate) path: &'a [Segment],
}

impl<'a> Below<'a> {
    /// Where the endpoints of a front lie.
    pub(crate) fn of(service: &'a Name, front: &'a Front) -> Self {
        let Front { part, hosts, path, .. } = front;
        Self { service, part: part.as_ref(), hosts, path }
    }

    /// `None` = every host.
    fn hosts(&self) -> Vec<Option<HostPattern>> {
        match self.hosts {
            [] => vec![None],
            hosts => hosts.iter().cloned().map(Some).collect(),
        }
    }

    /// A pattern below, without the names of its segments.
    fn full(&self, path: &[Segment]) -> Vec<Segment> {
        self.path.iter().chain(path).map(Segment::unnamed).collect()
    }
}
