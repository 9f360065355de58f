//! Two snapshots, asked the same.

use std::collections::HashMap;
use std::sync::Arc;

use tollgate_core::{
    Batch, Decider, Digest, Keyed as _, MeterId, Now, Record, Refusal, Revision, Root, Route,
    TermsId, standing,
};

use super::Draft;
use super::condense::{Calls, condense};
use super::limits::{self, LimitDifference};
use super::places::{Place, PlaceNames, Places};
use crate::compile::{self, GivenNumbers, Numbers, RoutePlan, Upstreams};
use crate::model::Name;

/// A key that would be treated otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Compared {
    /// Its id.
    pub(crate) key: String,
    /// Its application.
    pub(crate) application: String,
    /// When this process admitted a call with it last, in seconds since 1970.
    pub(crate) last_use: Option<u64>,
    /// What would be decided otherwise.
    pub(crate) differences: Vec<Difference>,
    /// Which limits would be others.
    pub(crate) limits: Arc<Vec<LimitDifference>>,
}

/// Calls that would be decided otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Only those of a service, an endpoint or a method; all levels empty = all that the key may
    /// call.
    pub(crate) service: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) method: Option<String>,
    /// Why they are refused; `None` = they are admitted.
    pub(crate) was: Option<Refusal>,
    /// Why they would be.
    pub(crate) will: Option<Refusal>,
}

impl Compared {
    /// Whether calls would be refused that are admitted.
    pub(crate) fn is_refused(&self) -> bool {
        self.differences.iter().any(|each| each.was.is_none() && each.will.is_some())
    }

    /// Whether calls would be admitted that are refused.
    pub(crate) fn is_admitted(&self) -> bool {
        self.differences.iter().any(|each| each.was.is_some() && each.will.is_none())
    }
}

/// Holds what a change would make against the snapshot of `decider`, by the numbers of the
/// publisher. `None` if nothing can be compiled of it, which could not be published either.
pub(crate) fn compare(
    draft: &Draft,
    given: &GivenNumbers,
    present: &Root,
    decider: &Decider,
    now: Now,
) -> Option<Vec<Compared>> {
    let mut numbers = Numbers::after(given);
    let vacant = Record::VACANT.meter;
    let services: HashMap<&str, MeterId> =
        present.routes.services().map(|service| (&*service.name, service.meter)).collect();
    let meter = |name: &Name| Some(services.get(name.as_str()).copied().unwrap_or(vacant));
    let mut upstreams = Upstreams::default();
    let planned = RoutePlan::of(&draft.before, &mut numbers, &mut upstreams, meter)?;
    let before = Root { routes: Arc::new(planned.build(&upstreams)), ..present.clone() };
    let next = RoutePlan::of(&draft.after, &mut numbers, &mut upstreams, meter)?;
    let compiled = compile::all(&draft.after, &mut numbers, |key, _| {
        let known = present.keys.find(&Digest::new(key.digest.bytes));
        Some(known.map_or(vacant, |record| record.meter))
    })?;
    let batch = Batch {
        routes: Some(Arc::new(next.build(&upstreams))),
        ..compile::difference(None, &compiled)
    };
    let after = Root::empty(Arc::clone(&present.schemes));
    let after = after.with(batch, Revision::default(), present.published);
    let places = Places::of(&planned, &next);
    let rerouted = planned != next;
    let mut comparison =
        Comparison { before, after, places, rerouted, decider, now, terms: HashMap::new() };
    Some(match &draft.reached {
        None => present.keys.iter().filter_map(|record| comparison.of_key(record)).collect(),
        Some(digests) => {
            let records = digests.iter().filter_map(|digest| present.keys.find(digest));
            records.filter_map(|record| comparison.of_key(record)).collect()
        }
    })
}

struct Comparison<'a> {
    before: Root,
    after: Root,
    places: Places,
    rerouted: bool,
    decider: &'a Decider,
    now: Now,
    /// The limits that differ between two terms; `None` = the terms are the same.
    terms: HashMap<(TermsId, TermsId), Option<Arc<Vec<LimitDifference>>>>,
}

impl Comparison<'_> {
    fn of_key(&mut self, record: &Record) -> Option<Compared> {
        let next = self.after.keys.find(&record.digest).copied();
        let limits = next.map(|next| self.limits(record.terms, next.terms));
        let same_terms = matches!(limits, Some(None));
        if same_terms && !self.rerouted && next.is_some_and(|next| self.is_same(record, &next)) {
            return None;
        }
        let differences = self.differences(record, next.as_ref());
        let limits = limits.flatten().unwrap_or_default();
        if differences.is_empty() && limits.is_empty() {
            return None;
        }
        let owner = self.before.owners.get(record.owner.0);
        Some(Compared {
            key: self.before.key_name(record, &mut [0; 36]).to_owned(),
            application: owner.map(|owner| owner.application.to_string()).unwrap_or_default(),
            last_use: self.decider.meters().last_use(record.meter, record.number),
            differences,
            limits,
        })
    }

    /// Whether a record says the same on both sides, apart from its terms.
    fn is_same(&self, record: &Record, next: &Record) -> bool {
        let alike = Record { terms: record.terms, owner: record.owner, id: record.id, ..*next };
        let active = |root: &Root, record: &Record| {
            root.owners.get(record.owner.0).is_some_and(|owner| owner.active)
        };
        alike == *record && active(&self.before, record) == active(&self.after, next)
    }

    fn limits(&mut self, was: TermsId, will: TermsId) -> Option<Arc<Vec<LimitDifference>>> {
        let Self { before, after, terms, .. } = self;
        let found = terms.entry((was, will)).or_insert_with(|| {
            let pair = before.terms.get(was.0).zip(after.terms.get(will.0));
            let different = pair.filter(|(was, will)| was != will);
            different.map(|(was, will)| Arc::new(limits::differences(was, will, &after.routes)))
        });
        found.clone()
    }

    fn differences(&self, record: &Record, next: Option<&Record>) -> Vec<Difference> {
        let stands = |root: &Root| standing(root, &record.digest, record.meter, self.now).err();
        let (was, will) = (stands(&self.before), stands(&self.after));
        let whole =
            |was, will| Difference { service: None, endpoint: None, method: None, was, will };
        if was.is_some() && will.is_some() {
            let differs = was != will;
            return differs.then(|| whole(was, will)).into_iter().collect();
        }
        let mut decided = Vec::new();
        let terms = (
            self.before.terms.get(record.terms.0),
            next.and_then(|next| self.after.terms.get(next.terms.0)),
        );
        let opened = |service| match terms {
            (Some(was), Some(will)) => {
                let all = !was.enforced || !will.enforced;
                all || was.grant(service).is_some() || will.grant(service).is_some()
            }
            _ => true,
        };
        // What neither opens is refused on both sides, which is no difference.
        for (place, ways) in self.places.iter().filter(|(place, _)| opened(place.service)) {
            let was = self.refusal(&self.before, (Some(record), was), ways.before);
            let will = self.refusal(&self.after, (next, will), ways.after);
            if was.is_none() || will.is_none() {
                decided.push((place, (was, will)));
            }
        }
        let routes = [&*self.before.routes, &*self.after.routes];
        let told = condense(&decided).into_iter().map(|(calls, (was, will))| {
            let names = |place: Place| place.names(&routes);
            let mut places = decided.iter().map(|(place, _)| *place);
            match calls {
                Calls::All => whole(was, will),
                Calls::Service(id) => {
                    let place = places.find(|place| place.service == id);
                    Difference { service: place.map(|at| names(at).service), ..whole(was, will) }
                }
                Calls::Endpoint(place) => {
                    let PlaceNames { service, endpoint, .. } = names(place);
                    let (service, endpoint) = (Some(service), Some(endpoint));
                    Difference { service, endpoint, ..whole(was, will) }
                }
                Calls::Method(place) => {
                    let PlaceNames { service, endpoint, method } = names(place);
                    let (service, endpoint) = (Some(service), Some(endpoint));
                    Difference { service, endpoint, method: Some(method), was, will }
                }
            }
        });
        told.collect()
    }

    /// Why a call of a place is refused, in the order in which it is found out. `stands` is why the
    /// key is, whatever it calls.
    fn refusal(
        &self,
        root: &Root,
        (record, stands): (Option<&Record>, Option<Refusal>),
        route: Option<Route>,
    ) -> Option<Refusal> {
        let Some(route) = route else { return Some(Refusal::RouteNotFound) };
        let Some(service) = root.routes.service(route.front) else {
            return Some(Refusal::RouteNotFound);
        };
        if service.switches.maintenance(route.endpoint, self.now.unix()).is_some() {
            return Some(Refusal::Maintenance);
        }
        match record {
            None => stands.or(Some(Refusal::KeyUnknown)),
            Some(_) if stands.is_some() => stands,
            Some(record) => self.decider.foresee(root, record, &route, self.now),
        }
    }
}
