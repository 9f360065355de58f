//! Which calls lead where. No call may lead to two places.

use std::collections::HashMap;

use http::Method as Verb;

use crate::document::{Place, Section, Site};
use crate::model::{HostPattern, Segment};

/// What all endpoints and methods so far match.
#[derive(Default)]
pub(in crate::file) struct Routes {
    known: HashMap<Target, Vec<Claim>>,
    endpoints: usize,
}

/// Hosts and paths. Different ones may match the same call too, but then one is more specific.
#[derive(PartialEq, Eq, Hash)]
struct Target {
    /// `None` = every host.
    host: Option<HostPattern>,
    path: Vec<Segment>,
}

/// Who answers for a target.
struct Claim {
    /// `None` = every HTTP method, or those that no method of the endpoint names.
    verb: Option<Verb>,
    /// Claims of one endpoint give way to each other: its methods go before it.
    endpoint: usize,
    path: String,
    place: Place,
}

/// The hosts and the path below which an endpoint claims its calls.
pub(in crate::file) struct Below<'a> {
    pub(in crate::file) hosts: &'a [HostPattern],
    pub(in crate::file) path: Vec<Segment>,
}

impl Routes {
    /// Begins with another endpoint.
    pub(in crate::file) fn begin_endpoint(&mut self) {
        self.endpoints += 1;
    }

    /// Notes that the endpoint, or its method, that `section` is takes calls of `verb` to `path`,
    /// and reports at `site` if another takes them already.
    pub(in crate::file) fn claim(
        &mut self,
        section: &Section,
        site: Site,
        below: &Below<'_>,
        path: &[Segment],
        verb: Option<&Verb>,
    ) {
        let full: Vec<_> = below.path.iter().chain(path).map(Segment::unnamed).collect();
        let hosts: Vec<_> = match below.hosts {
            [] => vec![None],
            hosts => hosts.iter().cloned().map(Some).collect(),
        };
        let mut taken = None;
        for host in hosts {
            let claims = self.known.entry(Target { host, path: full.clone() }).or_default();
            let other = claims.iter().find(|claim| claim.contests(self.endpoints, verb));
            taken = taken.or_else(|| other.map(|other| other.to_string()));
            claims.push(Claim {
                verb: verb.cloned(),
                endpoint: self.endpoints,
                path: section.path().to_owned(),
                place: section.place_of(&site),
            });
        }
        if let Some(other) = taken {
            let verb = verb.map_or(String::new(), |verb| format!("{verb} on "));
            section.problem_at(
                site,
                format_args!("{verb}this host and path is matched by {other} already"),
            );
        }
    }
}

impl Claim {
    fn contests(&self, endpoint: usize, verb: Option<&Verb>) -> bool {
        match (&self.verb, verb) {
            (Some(mine), Some(other)) => mine == other,
            _ => self.endpoint != endpoint,
        }
    }
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.path, self.place)
    }
}
