//! Numbers for names, the same over all revisions of a process.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use tollgate_core::{Counts, LineTag, OwnerId, Service, TermsId};

use super::{Compiled, TermsKey};
use crate::model::Name;
use tollgate_feed::wire::GivenName;

/// The numbers that have been given so far.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) services: Numbering<Name>,
    /// Of services whose endpoints are all called in one way, and of endpoints with a way of their
    /// own.
    pub(crate) fronts: Numbering<(Name, Option<Name>)>,
    pub(crate) endpoints: Numbering<(Name, Name)>,
    pub(crate) methods: Numbering<(Name, Name, Name)>,
    pub(crate) owners: Numbering<Name>,
    pub(crate) terms: Numbering<TermsKey>,
    /// Of keys whose name does not fit into their id.
    pub(crate) names: Numbering<Name>,
}

/// Those of services, endpoints and methods, as they were given at one time. None of them is ever
/// taken back, so whoever begins with them numbers what is there as the publisher does.
#[derive(Clone, Debug, Default)]
pub struct GivenNumbers {
    services: Numbering<Name>,
    endpoints: Numbering<(Name, Name)>,
    methods: Numbering<(Name, Name, Name)>,
}

/// Gives each value a number when it is first seen. A number that was given back goes to the next
/// value that has none.
#[derive(Clone, Debug)]
pub(crate) struct Numbering<T> {
    numbers: HashMap<T, u32>,
    free: Vec<u32>,
}

impl<T> Default for Numbering<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), free: Vec::new() }
    }
}

impl<T: Clone + Eq + Hash> Numbering<T> {
    pub(crate) fn number(&mut self, value: &T) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        // As long as none is free, those in use are all below their count.
        let fresh = || u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        let number = self.free.pop().unwrap_or_else(fresh);
        self.numbers.insert(value.clone(), number);
        number
    }

    /// What has a number, by it.
    pub(crate) fn values(&self) -> HashMap<u32, &T> {
        self.numbers.iter().map(|(value, number)| (*number, value)).collect()
    }

    /// What has this number.
    fn value(&self, number: u32) -> Option<&T> {
        self.numbers.iter().find(|(_, given)| **given == number).map(|(value, _)| value)
    }

    /// Takes back the numbers that are not `used`. What stands under one in a snapshot stays until
    /// it is overwritten; nothing names it.
    pub(crate) fn keep(&mut self, used: impl Fn(u32) -> bool) {
        let gone = self.numbers.extract_if(|_, number| !used(*number));
        self.free.extend(gone.map(|(_, number)| number));
    }
}

impl GivenNumbers {
    /// What a line of a key's meter counts: nothing = the key, one name = a grant for that service,
    /// three = a method of an endpoint of a service.
    pub(crate) fn named(&self, tag: LineTag) -> Option<Vec<String>> {
        Some(match Counts::of(tag) {
            Counts::Key => Vec::new(),
            Counts::Grant(service) => vec![self.services.value(service.0)?.to_string()],
            Counts::Method(method) => {
                let (service, endpoint, method) = self.methods.value(method.0)?;
                [service, endpoint, method].map(ToString::to_string).into()
            }
        })
    }
}

impl GivenNumbers {
    /// What has numbers that `before` has not: none is ever taken back.
    pub(crate) fn names_since(&self, before: &Self) -> Vec<GivenName> {
        if std::ptr::eq(self, before) {
            return Vec::new();
        }
        let mut names = Vec::new();
        let new = |number: u32, before: usize| usize::try_from(number).is_ok_and(|at| at >= before);
        for (service, number) in &self.services.numbers {
            if new(*number, before.services.numbers.len()) {
                names.push(GivenName::service(*number, service));
            }
        }
        for ((service, endpoint), number) in &self.endpoints.numbers {
            if new(*number, before.endpoints.numbers.len()) {
                names.push(GivenName::endpoint(*number, service, endpoint));
            }
        }
        for ((service, endpoint, method), number) in &self.methods.numbers {
            if new(*number, before.methods.numbers.len()) {
                names.push(GivenName::method(*number, service, endpoint, method));
            }
        }
        names
    }
}

impl Numbers {
    /// Those that go on from numbers that were given.
    pub(crate) fn after(given: &GivenNumbers) -> Self {
        let GivenNumbers { services, endpoints, methods } = given.clone();
        Self { services, endpoints, methods, ..Self::default() }
    }

    /// What was given, if it is more than `before`.
    pub(crate) fn given_since(&self, before: &GivenNumbers) -> Option<GivenNumbers> {
        let Self { services, endpoints, methods, .. } = self;
        let more = services.numbers.len() > before.services.numbers.len()
            || endpoints.numbers.len() > before.endpoints.numbers.len()
            || methods.numbers.len() > before.methods.numbers.len();
        more.then(|| GivenNumbers {
            services: services.clone(),
            endpoints: endpoints.clone(),
            methods: methods.clone(),
        })
    }

    /// Takes back the numbers of fronts that none of `services` has.
    pub(crate) fn keep_fronts<'a>(&mut self, services: impl Iterator<Item = &'a Service>) {
        let used: HashSet<_> = services.map(|service| service.front.0).collect();
        self.fronts.keep(|number| used.contains(&number));
    }

    /// Takes back the numbers that nothing in `compiled` has. Those of services, endpoints and
    /// methods stay given: metrics and counters go by them.
    pub(crate) fn keep(&mut self, compiled: &Compiled) {
        self.owners.keep(|number| compiled.owners.contains_key(&OwnerId(number)));
        self.terms.keep(|number| compiled.terms.contains_key(&TermsId(number)));
        self.names.keep(|number| compiled.names.contains_key(&number));
    }
}
