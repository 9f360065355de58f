//! Who answers for what.

use std::collections::HashMap;

use http::Method as Verb;

use super::Below;
use super::keyed::Keyed;
use crate::model::{Endpoint, Front, HostPattern, Name, Segment};

/// What all endpoints and methods so far match, each with a label that says whose it is.
pub(crate) struct Claims<L> {
    known: HashMap<Target, Vec<Claim<L>>>,
    keyed: Vec<Keyed<L>>,
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
struct Claim<L> {
    /// `None` = every HTTP method, or those that no method of the endpoint names.
    verb: Option<Verb>,
    /// Claims of one endpoint give way to each other: its methods go before it.
    endpoint: usize,
    label: L,
}

/// Why calls cannot be claimed, with the label of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clash<L> {
    /// It takes the same calls.
    Same(L),
    /// Everything there is its own, because its paths hold keys.
    Below(L),
    /// It lies where everything would be the claimant's own, whose paths hold keys.
    Above(L),
}

impl<L> Default for Claims<L> {
    fn default() -> Self {
        Self { known: HashMap::new(), keyed: Vec::new(), endpoints: 0 }
    }
}

impl<L: Clone + Ord> Claims<L> {
    /// Begins with another endpoint.
    pub(crate) fn begin_endpoint(&mut self) {
        self.endpoints += 1;
    }

    /// Who has an endpoint where everything would belong to a front whose paths hold keys.
    pub(crate) fn under(&self, below: &Below<'_>) -> Option<L> {
        let keyed = Keyed::of(below, ());
        let there = self
            .known
            .iter()
            .filter(|(target, _)| keyed.has(std::slice::from_ref(&target.host), &target.path));
        there.flat_map(|(_, claims)| claims).map(|claim| &claim.label).min().cloned()
    }

    /// Notes that the paths of a front hold keys.
    pub(crate) fn note_keyed(&mut self, below: &Below<'_>, label: L) {
        self.keyed.push(Keyed::of(below, label));
    }

    /// The other front whose paths hold keys that `path` lies below.
    pub(crate) fn above(&self, below: &Below<'_>, path: &[Segment]) -> Option<L> {
        let (hosts, full) = (below.hosts(), below.full(path));
        let mut others = self.keyed.iter().filter(|keyed| !keyed.is(below));
        others.find(|keyed| keyed.has(&hosts, &full)).map(|keyed| keyed.label.clone())
    }

    /// Who takes calls of `verb` to `path` already, other than the present endpoint.
    pub(crate) fn taken(
        &self,
        below: &Below<'_>,
        path: &[Segment],
        verb: Option<&Verb>,
    ) -> Option<L> {
        let path = below.full(path);
        below.hosts().into_iter().find_map(|host| {
            let claims = self.known.get(&Target { host, path: path.clone() })?;
            let other = claims.iter().find(|claim| claim.contests(self.endpoints, verb));
            other.map(|other| other.label.clone())
        })
    }

    /// Notes that the present endpoint takes calls of `verb` to `path`.
    pub(crate) fn note(
        &mut self,
        below: &Below<'_>,
        path: &[Segment],
        verb: Option<&Verb>,
        label: &L,
    ) {
        let path = below.full(path);
        for host in below.hosts() {
            let claims = self.known.entry(Target { host, path: path.clone() }).or_default();
            let (verb, label) = (verb.cloned(), label.clone());
            claims.push(Claim { verb, endpoint: self.endpoints, label });
        }
    }

    /// Claims everything that a front takes, or nothing of it: then why not.
    pub(crate) fn claim(
        &mut self,
        service: &Name,
        front: &Front,
        label: impl Fn(&Endpoint) -> L,
    ) -> Result<(), Clash<L>> {
        let below = Below::of(service, front);
        let keyed = front.key_segment().and_then(|_| front.endpoints.values().next());
        if keyed.is_some()
            && let Some(other) = self.under(&below)
        {
            return Err(Clash::Above(other));
        }
        for endpoint in front.endpoints.values() {
            self.begin_endpoint();
            for (path, verb) in calls(endpoint) {
                if let Some(other) = self.above(&below, &path) {
                    return Err(Clash::Below(other));
                }
                if let Some(other) = self.taken(&below, &path, verb.as_ref()) {
                    return Err(Clash::Same(other));
                }
            }
        }
        if let Some(endpoint) = keyed {
            self.note_keyed(&below, label(endpoint));
        }
        for endpoint in front.endpoints.values() {
            self.begin_endpoint();
            let label = label(endpoint);
            for (path, verb) in calls(endpoint) {
                self.note(&below, &path, verb.as_ref(), &label);
            }
        }
        Ok(())
    }
}

/// What an endpoint takes: paths and HTTP methods.
fn calls(endpoint: &Endpoint) -> Vec<(Vec<Segment>, Option<Verb>)> {
    let mut calls = Vec::new();
    for matched in endpoint.matched() {
        if matched.http_methods.is_empty() {
            calls.push((matched.path, None));
        } else {
            let verbs = matched.http_methods.into_iter();
            calls.extend(verbs.map(|verb| (matched.path.clone(), Some(verb))));
        }
    }
    calls
}

impl<L> Claim<L> {
    fn contests(&self, endpoint: usize, verb: Option<&Verb>) -> bool {
        match (&self.verb, verb) {
            (Some(mine), Some(other)) => mine == other,
            _ => self.endpoint != endpoint,
        }
    }
}
