//! Which meter counts for which name, also after its keys are gone for a while.

use std::collections::HashMap;

use tollgate_core::{LineTag, MeterId, MeterNeeds, SnapshotWriter, Terms};

use super::counters::SharedCounters;
use crate::wire::Counter;

/// The meters of a process that is fed.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    keys: HashMap<Counter, Counted>,
    /// Counters whose keys are gone and whose windows may not have ended.
    retired: HashMap<Counter, Counted>,
    /// By the number of the meter.
    counters: Vec<Option<Counter>>,
    services: HashMap<Box<str>, MeterId>,
    /// Counters that may have no key any more.
    left: Vec<Counter>,
    /// What meters count, where others ask for it.
    shared: Option<SharedCounters>,
}

#[derive(Clone, Copy, Debug)]
struct Counted {
    meter: MeterId,
    needs: MeterNeeds,
    keys: u32,
}

impl Ledger {
    /// The meter of a counter, with all lines that `terms` need; `None` = there are no more. It stays
    /// if a key is noted on it before [`Ledger::settle`].
    pub(super) fn meter(
        &mut self,
        writer: &mut SnapshotWriter,
        counter: Counter,
        terms: &Terms,
    ) -> Option<MeterId> {
        if let Some(gone) = self.retired.remove(&counter)
            && writer.revive(gone.meter)
        {
            self.keys.insert(counter, gone);
            self.left.push(counter);
        }
        let tags: Vec<_> = terms.tags().collect();
        if let Some(counted) = self.keys.get_mut(&counter) {
            writer.extend(counted.meter, &tags)?;
            counted.needs = counted.needs.and(MeterNeeds::of(terms));
            return Some(counted.meter);
        }
        let meter = writer.allot(&tags)?;
        self.note_counter(meter, counter);
        self.keys.insert(counter, Counted { meter, needs: MeterNeeds::of(terms), keys: 0 });
        self.left.push(counter);
        Some(meter)
    }

    fn note_counter(&mut self, meter: MeterId, counter: Counter) {
        let at = meter.number() as usize;
        if at >= self.counters.len() {
            self.counters.resize(at + 1, None);
        }
        if let Some(place) = self.counters.get_mut(at) {
            *place = Some(counter);
        }
        if let Some(shared) = &self.shared {
            shared.put(meter, counter);
        }
    }

    /// What the meters count that are made from here on.
    pub(super) fn share(&mut self) -> SharedCounters {
        self.shared.get_or_insert_default().clone()
    }

    /// Every counter, also of keys that are gone, with its meter.
    pub(super) fn counters(&self) -> impl Iterator<Item = (Counter, MeterId, MeterNeeds)> {
        let all = self.keys.iter().chain(&self.retired);
        all.map(|(counter, counted)| (*counter, counted.meter, counted.needs))
    }

    /// Every service, with its meter.
    pub(super) fn services(&self) -> impl Iterator<Item = (&str, MeterId)> {
        self.services.iter().map(|(name, meter)| (&**name, *meter))
    }

    /// See [`Receiver::restored`](super::Receiver::restored).
    pub(super) fn restored(
        &mut self,
        writer: &mut SnapshotWriter,
        counter: Counter,
        tags: &[LineTag],
        needs: MeterNeeds,
        unix: u64,
    ) -> Option<MeterId> {
        if let Some(counted) = self.keys.get_mut(&counter) {
            writer.extend(counted.meter, tags)?;
            counted.needs = counted.needs.and(needs);
            return Some(counted.meter);
        }
        if let Some(counted) = self.retired.get(&counter) {
            writer.extend(counted.meter, tags)?;
            return Some(counted.meter);
        }
        let meter = writer.allot(tags)?;
        self.note_counter(meter, counter);
        writer.retire(meter, needs.end(unix));
        self.retired.insert(counter, Counted { meter, needs, keys: 0 });
        Some(meter)
    }

    /// What counts on a meter.
    pub(super) fn counter(&self, meter: MeterId) -> Option<Counter> {
        self.counters.get(meter.number() as usize).copied().flatten()
    }

    /// The meter of a service.
    pub(super) fn service(&mut self, writer: &mut SnapshotWriter, name: &str) -> Option<MeterId> {
        if let Some(meter) = self.services.get(name) {
            return Some(*meter);
        }
        let meter = writer.allot(&[])?;
        self.services.insert(name.into(), meter);
        Some(meter)
    }

    /// Ties the lines of `tags` to a meter whose keys are to have other terms.
    pub(super) fn extend(
        &mut self,
        writer: &mut SnapshotWriter,
        meter: MeterId,
        tags: &[LineTag],
        needs: MeterNeeds,
    ) -> Option<()> {
        writer.extend(meter, tags)?;
        let counter = self.counter(meter)?;
        let counted = self.keys.get_mut(&counter)?;
        counted.needs = counted.needs.and(needs);
        Some(())
    }

    /// Notes that a published key counts on a meter in place of another.
    pub(super) fn note(&mut self, before: Option<MeterId>, after: Option<MeterId>) {
        if before == after {
            return;
        }
        if let Some(counter) = after.and_then(|meter| self.counter(meter))
            && let Some(counted) = self.keys.get_mut(&counter)
        {
            counted.keys += 1;
        }
        if let Some(counter) = before.and_then(|meter| self.counter(meter))
            && let Some(counted) = self.keys.get_mut(&counter)
        {
            counted.keys = counted.keys.saturating_sub(1);
            self.left.push(counter);
        }
    }

    /// Gives up the meters that no key counts on any more, once their windows end.
    pub(super) fn settle(&mut self, writer: &mut SnapshotWriter, unix: u64) {
        for counter in std::mem::take(&mut self.left) {
            let unused = |counted: &&Counted| counted.keys == 0;
            let Some(counted) = self.keys.get(&counter).filter(unused).copied() else { continue };
            self.keys.remove(&counter);
            writer.retire(counted.meter, counted.needs.end(unix));
            self.retired.insert(counter, counted);
        }
    }

    /// Gives up the meters of services that are not among `named`.
    pub(super) fn settle_services(
        &mut self,
        writer: &mut SnapshotWriter,
        named: impl Fn(&str) -> bool,
        unix: u64,
    ) {
        for (_, meter) in self.services.extract_if(|name, _| !named(name)) {
            writer.retire(meter, unix + 1);
        }
    }

    /// Forgets the meters whose lines serve something else now.
    pub(super) fn reap(&mut self, writer: &mut SnapshotWriter, unix: u64) {
        for meter in writer.reap(unix) {
            let place = self.counters.get_mut(meter.number() as usize);
            let Some(counter) = place.and_then(Option::take) else { continue };
            if let Some(shared) = &self.shared {
                shared.remove(meter);
            }
            if self.retired.get(&counter).is_some_and(|counted| counted.meter == meter) {
                self.retired.remove(&counter);
            }
        }
    }
}
