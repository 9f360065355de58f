//! Counters by what they count, for who goes on with them in another process.

use std::sync::Arc;

use tollgate_core::{Counts, LineTag, MeterId, MeterNeeds, Meters, MethodId, ServiceId};

use super::Receiver;
use crate::wire::Counter;

/// What the lines of meters count, for those who know only the meters.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::disallowed_types,
    reason = "no request's road: who publishes, and who writes down"
)]
pub struct SharedCounters(Arc<std::sync::Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// By the numbers of the meters, which are given from 0 on.
    counters: Vec<Counter>,
    /// By their numbers.
    services: Vec<Box<str>>,
    methods: Vec<MethodName>,
}

/// Of a meter that counts for no key: a name's counter is this once in 2^64 names.
const NONE: Counter = Counter(0);

/// The names of a service, an endpoint and a method.
pub(super) type MethodName = (Box<str>, Box<str>, Box<str>);

impl SharedCounters {
    /// What a line of a meter of keys counts: what the keys count under, and what of it by names, of none
    /// for the key itself. `None` = no key counts there.
    #[must_use]
    pub fn name(&self, meter: MeterId, tag: LineTag) -> Option<(Counter, Vec<String>)> {
        let known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let counter = known.counters.get(meter.number() as usize);
        let counter = *counter.filter(|counter| **counter != NONE)?;
        Some((counter, what(&known.services, &known.methods, tag)?))
    }

    /// Has room for so many more meters.
    pub(super) fn make_room(&self, more: usize) {
        let mut known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.counters.reserve_exact(more);
    }

    pub(super) fn put(&self, meter: MeterId, counter: Counter) {
        let mut known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let at = meter.number() as usize;
        if at >= known.counters.len() {
            known.counters.resize(at + 1, NONE);
        }
        if let Some(place) = known.counters.get_mut(at) {
            *place = counter;
        }
    }

    pub(super) fn remove(&self, meter: MeterId) {
        let mut known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(place) = known.counters.get_mut(meter.number() as usize) {
            *place = NONE;
        }
    }

    /// Learns the names that were given since.
    pub(super) fn give(&self, services: &[Box<str>], methods: &[MethodName]) {
        let mut known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Known { services: before, .. } = &mut *known;
        before.extend_from_slice(services.get(before.len()..).unwrap_or_default());
        let Known { methods: before, .. } = &mut *known;
        before.extend_from_slice(methods.get(before.len()..).unwrap_or_default());
    }
}

/// What a line counts, by names.
pub(super) fn what(
    services: &[Box<str>],
    methods: &[MethodName],
    tag: LineTag,
) -> Option<Vec<String>> {
    Some(match Counts::of(tag) {
        Counts::Key => Vec::new(),
        Counts::Grant(service) => vec![services.get(service.0 as usize)?.to_string()],
        Counts::Method(method) => {
            let (service, endpoint, method) = methods.get(method.0 as usize)?;
            [service, endpoint, method].map(ToString::to_string).into()
        }
    })
}

impl Receiver {
    /// Where it is counted.
    #[must_use]
    pub fn meters(&self) -> &Arc<Meters> {
        self.writer.meters()
    }

    /// Has meters known by what they count to others than this receiver. To be asked before any meter is
    /// made.
    pub fn share_counters(&mut self) -> SharedCounters {
        let shared = self.ledger.share();
        self.numbers.share(shared.clone());
        shared
    }

    /// Everything that keys count under, or have counted under, with its meter.
    pub fn counters(&self) -> impl Iterator<Item = (Counter, MeterId, MeterNeeds)> {
        self.ledger.counters()
    }

    /// Every service, with its meter.
    pub fn service_meters(&self) -> impl Iterator<Item = (&str, MeterId)> {
        self.ledger.services()
    }

    /// What a line counts: nothing = the key, or a service; one name = a grant for that service; three = a
    /// method of an endpoint of a service.
    #[must_use]
    pub fn what(&self, tag: LineTag) -> Option<Vec<String>> {
        self.numbers.what(tag)
    }

    /// The tag of the line that counts what is named, in this process; `None` = nothing is named so.
    pub fn tag(&mut self, of: &[String]) -> Option<LineTag> {
        let counts = match of {
            [] => Counts::Key,
            [service] => Counts::Grant(ServiceId(self.numbers.service_number(service))),
            [service, endpoint, method] => {
                Counts::Method(MethodId(self.numbers.method_number(service, endpoint, method)))
            }
            _ => return None,
        };
        Some(counts.tag())
    }

    /// The meter of what another process has counted under, with lines for `tags`. If no key counts under
    /// it here, it is given up, once what it `needs` is over. `None` = there are no more meters.
    pub fn restored(
        &mut self,
        counter: Counter,
        tags: &[LineTag],
        needs: MeterNeeds,
        unix: u64,
    ) -> Option<MeterId> {
        self.ledger.restored(&mut self.writer, counter, tags, needs, unix)
    }
}
