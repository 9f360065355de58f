//! Numbers of the sender and our own.

use std::collections::HashMap;
use std::hash::Hash;

use tollgate_core::LineTag;

use super::counters::{MethodName, SharedCounters, what};
use super::translated::Translated;
use crate::wire::{GivenName, Numbering};

/// Our own numbers of services, endpoints and methods. None is ever taken back: metrics and counters
/// go by them.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    services: Given<Box<str>>,
    endpoints: Given<(Box<str>, Box<str>)>,
    methods: Given<MethodName>,
    /// Those who know only the meters.
    shared: Option<SharedCounters>,
}

#[derive(Debug)]
struct Given<T> {
    numbers: HashMap<T, u32>,
    /// By their numbers.
    names: Vec<T>,
}

/// What the numbers of one numbering are among our own.
#[derive(Debug, Default)]
pub(super) struct Translation {
    pub(super) numbering: Numbering,
    pub(super) services: HashMap<u32, u32>,
    pub(super) endpoints: HashMap<u32, u32>,
    pub(super) methods: HashMap<u32, u32>,
    pub(super) terms: Translated,
    pub(super) owners: Translated,
}

/// Indexes that are given back.
#[derive(Clone, Debug, Default)]
pub(super) struct Indexes {
    next: u32,
    free: Vec<u32>,
}

impl<T> Default for Given<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), names: Vec::new() }
    }
}

impl<T: Clone + Eq + Hash> Given<T> {
    fn number(&mut self, name: T) -> u32 {
        if let Some(number) = self.numbers.get(&name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        number
    }
}

impl Numbers {
    /// Tells others of every name, of those that are there already too.
    pub(super) fn share(&mut self, with: SharedCounters) {
        self.shared = Some(with);
        self.tell();
    }

    fn tell(&self) {
        if let Some(shared) = &self.shared {
            shared.give(&self.services.names, &self.methods.names);
        }
    }

    pub(super) fn what(&self, tag: LineTag) -> Option<Vec<String>> {
        what(&self.services.names, &self.methods.names, tag)
    }

    pub(super) fn service_number(&mut self, name: &str) -> u32 {
        let number = self.services.number(name.into());
        self.tell();
        number
    }

    pub(super) fn method_number(&mut self, service: &str, endpoint: &str, method: &str) -> u32 {
        let number = self.methods.number((service.into(), endpoint.into(), method.into()));
        self.tell();
        number
    }

    /// Learns what numbers of the sender stand for.
    pub(super) fn learn(&mut self, given: Vec<GivenName>, translation: &mut Translation) {
        for given in given {
            match given {
                GivenName::Service(given) => {
                    let number = self.services.number(given.name);
                    translation.services.insert(given.number, number);
                }
                GivenName::Endpoint(given) => {
                    let number = self.endpoints.number((given.service, given.name));
                    translation.endpoints.insert(given.number, number);
                }
                GivenName::Method(given) => {
                    let name = (given.service, given.endpoint, given.name);
                    let number = self.methods.number(name);
                    translation.methods.insert(given.number, number);
                }
            }
        }
        self.tell();
    }

    /// What an endpoint is called.
    pub(super) fn endpoint(&self, number: u32) -> Option<&str> {
        self.endpoints.names.get(number as usize).map(|(_, name)| &**name)
    }

    /// What a method is called; nothing = it is whatever matches no other.
    pub(super) fn method(&self, number: u32) -> Option<&str> {
        let name = self.methods.names.get(number as usize).map(|(_, _, name)| &**name);
        name.filter(|name| !name.is_empty())
    }
}

impl Indexes {
    pub(super) fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }

    pub(super) fn give_back(&mut self, index: u32) {
        self.free.push(index);
    }
}
