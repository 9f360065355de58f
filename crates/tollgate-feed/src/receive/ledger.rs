//! Which meter counts for which name, also after its keys are gone for a while.

mod counted;

use std::collections::HashMap;
use std::mem::take;

use tollgate_core::{LineTag, MeterId, MeterNeeds, SnapshotWriter, Terms};

use super::counters::SharedCounters;
use crate::wire::Counter;
use counted::{CountedMeters, Standing};

/// The meters of a process that is fed.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Those of keys, also of keys that are gone and whose windows may not have ended.
    keys: CountedMeters,
    services: HashMap<Box<str>, MeterId>,
    /// Meters that may have no key any more.
    left: Vec<MeterId>,
    /// What meters count, where others ask for it.
    shared: Option<SharedCounters>,
}

/// What terms need of the meter of a key.
#[derive(Clone, Debug)]
pub(super) struct MeterShape {
    /// The lines.
    tags: Box<[LineTag]>,
    needs: MeterNeeds,
}

impl MeterShape {
    pub(super) fn of(terms: &Terms) -> Self {
        Self { tags: terms.tags().collect(), needs: MeterNeeds::of(terms) }
    }
}

impl Ledger {
    /// Has room for so many meters of keys.
    pub(super) fn make_room(&mut self, keys: usize) {
        self.keys.make_room(keys);
        if let Some(shared) = &self.shared {
            shared.make_room(keys);
        }
    }

    /// Looks at what [`Ledger::meter`] is about to look at, of many counters: far apart in memory, and
    /// fetched together.
    pub(super) fn look_ahead(&self, counters: impl Iterator<Item = Counter>) {
        self.keys.look_ahead(counters);
    }

    /// The meter of a counter, with all lines that terms need; `None` = there are no more. It stays
    /// if a key is noted on it before [`Ledger::settle`].
    pub(super) fn meter(
        &mut self,
        writer: &mut SnapshotWriter,
        counter: Counter,
        shape: &MeterShape,
    ) -> Option<MeterId> {
        let MeterShape { tags, needs } = shape;
        if let Some(meter) = self.keys.meter(counter) {
            let counted = self.keys.get_mut(meter)?;
            if counted.standing == Standing::Used || writer.revive(meter) {
                if counted.standing == Standing::Retired {
                    counted.standing = Standing::Used;
                    self.left.push(meter);
                }
                writer.extend(meter, tags)?;
                counted.need(*needs);
                return Some(meter);
            }
            self.keys.remove(meter);
        }
        let meter = writer.allot(tags)?;
        self.put(meter, counter, *needs, Standing::Used);
        self.left.push(meter);
        Some(meter)
    }

    fn put(&mut self, meter: MeterId, counter: Counter, needs: MeterNeeds, standing: Standing) {
        self.keys.put(meter, counter, needs, standing);
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
        self.keys.iter()
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
        if let Some(meter) = self.keys.meter(counter) {
            writer.extend(meter, tags)?;
            let counted = self.keys.get_mut(meter)?;
            if counted.standing == Standing::Used {
                counted.need(needs);
            }
            return Some(meter);
        }
        let meter = writer.allot(tags)?;
        writer.retire(meter, needs.end(unix));
        self.put(meter, counter, needs, Standing::Retired);
        Some(meter)
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
        self.keys.get_mut(meter)?.need(needs);
        Some(())
    }

    /// Notes that a published key counts on a meter in place of another.
    pub(super) fn note(&mut self, before: Option<MeterId>, after: Option<MeterId>) {
        if before == after {
            return;
        }
        if let Some(counted) = after.and_then(|meter| self.keys.get_mut(meter)) {
            counted.comes();
        }
        if let Some(meter) = before
            && let Some(counted) = self.keys.get_mut(meter)
        {
            counted.goes();
            self.left.push(meter);
        }
    }

    /// Gives up the meters that no key counts on any more, once their windows end.
    pub(super) fn settle(&mut self, writer: &mut SnapshotWriter, unix: u64) {
        for meter in take(&mut self.left) {
            let Some(counted) = self.keys.get_mut(meter) else { continue };
            if counted.standing == Standing::Used && counted.is_unused() {
                counted.standing = Standing::Retired;
                writer.retire(meter, counted.needs().end(unix));
            }
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
            if self.keys.remove(meter)
                && let Some(shared) = &self.shared
            {
                shared.remove(meter);
            }
        }
    }
}
