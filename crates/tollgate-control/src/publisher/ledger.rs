//! Which meter counts for which key and service, also after they are gone for a while.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tollgate_core::{Digest, LineTag, MeterId, MeterNeeds, SnapshotWriter, Terms};

use crate::model::{Key, Name, Objects};

/// The meters of a process, by the name that keys count under, so that a changed digest, and a key
/// that succeeds another, go on with the counters of the one before.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    keys: HashMap<Name, Counted>,
    services: HashMap<Name, MeterId>,
    /// Names whose keys are gone and whose windows may not have ended.
    retired: HashMap<Name, Counted>,
    /// The names by their meters, where others ask for them.
    names: Option<SharedNames>,
}

/// Names that keys count under, by their meters.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::disallowed_types,
    reason = "no request's road: the publisher, and who writes down"
)]
pub(crate) struct SharedNames(Arc<std::sync::Mutex<HashMap<MeterId, Name>>>);

impl SharedNames {
    pub(crate) fn get(&self, meter: MeterId) -> Option<Name> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&meter).cloned()
    }

    fn put(&self, meter: MeterId, name: &Name) {
        let mut names = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        names.insert(meter, name.clone());
    }

    fn remove(&self, meter: MeterId) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&meter);
    }
}

#[derive(Debug)]
struct Counted {
    meter: MeterId,
    tags: Vec<LineTag>,
    needs: MeterNeeds,
    /// The keys that count here.
    digests: Vec<Digest>,
}

impl Ledger {
    /// The meter of a service.
    pub(super) fn service(&mut self, writer: &mut SnapshotWriter, name: &Name) -> Option<MeterId> {
        if let Some(meter) = self.services.get(name) {
            return Some(*meter);
        }
        let meter = writer.allot(&[])?;
        self.services.insert(name.clone(), meter);
        Some(meter)
    }

    /// The names of the meters that are made from here on.
    pub(super) fn share_names(&mut self) -> SharedNames {
        self.names.get_or_insert_default().clone()
    }

    /// The meter of a service that is there.
    pub(super) fn known_service(&self, name: &str) -> Option<MeterId> {
        self.services.get(name).copied()
    }

    /// Every service, with its meter.
    pub(super) fn services(&self) -> impl Iterator<Item = (&Name, MeterId)> {
        self.services.iter().map(|(name, meter)| (name, *meter))
    }

    /// Every name that keys count under, or have counted, with its meter.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&Name, MeterId, MeterNeeds)> {
        let all = self.keys.iter().chain(&self.retired);
        all.map(|(name, counted)| (name, counted.meter, counted.needs))
    }

    /// The meter of a name that another process has counted under, with lines for `tags`. If no key
    /// counts under it here, it is given up, once what it `needs` is over.
    pub(super) fn restored(
        &mut self,
        writer: &mut SnapshotWriter,
        name: Name,
        tags: &[LineTag],
        needs: MeterNeeds,
        unix: u64,
    ) -> Option<MeterId> {
        if let Some(counted) = self.keys.get_mut(&name) {
            writer.extend(counted.meter, tags)?;
            counted.needs = counted.needs.and(needs);
            return Some(counted.meter);
        }
        if let Some(counted) = self.retired.get(&name) {
            writer.extend(counted.meter, tags)?;
            return Some(counted.meter);
        }
        let meter = writer.allot(tags)?;
        if let Some(names) = &self.names {
            names.put(meter, &name);
        }
        let counted = Counted { meter, tags: tags.to_vec(), needs, digests: Vec::new() };
        self.give_up(writer, name, counted, unix);
        Some(meter)
    }

    /// The meter of a key, with all lines that `terms` need.
    pub(super) fn key(
        &mut self,
        writer: &mut SnapshotWriter,
        key: &Key,
        terms: &Terms,
    ) -> Option<MeterId> {
        let name = &key.counts_as;
        if let Some(gone) = self.retired.remove(name)
            && writer.revive(gone.meter)
        {
            self.keys.insert(name.clone(), gone);
        }
        if let Some(counted) = self.keys.get_mut(name) {
            counted.needs = counted.needs.and(MeterNeeds::of(terms));
            if !terms.tags().all(|tag| counted.tags.contains(&tag)) {
                let tags: Vec<_> = terms.tags().collect();
                writer.extend(counted.meter, &tags)?;
                counted.tags = tags;
            }
            return Some(counted.meter);
        }
        let tags: Vec<_> = terms.tags().collect();
        let meter = writer.allot(&tags)?;
        if let Some(names) = &self.names {
            names.put(meter, name);
        }
        let (needs, digests) = (MeterNeeds::of(terms), Vec::new());
        self.keys.insert(name.clone(), Counted { meter, tags, needs, digests });
        Some(meter)
    }

    /// The published keys that count under `name` and are not among `keys`.
    pub(super) fn gone(&self, name: &Name, keys: &[Key]) -> impl Iterator<Item = Digest> {
        let stays = |digest: &Digest| keys.iter().any(|key| key.digest.bytes == *digest.bytes());
        let published = self.keys.get(name).map_or(&[][..], |counted| &counted.digests);
        published.iter().filter(move |digest| !stays(digest)).copied()
    }

    /// Notes that the keys of `objects` were published, and no others. The meters of names that no
    /// key counts under any more are given up, once their windows end.
    pub(super) fn note_all(&mut self, writer: &mut SnapshotWriter, objects: &Objects, unix: u64) {
        self.keys.values_mut().for_each(|counted| counted.digests.clear());
        for key in objects.keys.values() {
            if let Some(counted) = self.keys.get_mut(&key.counts_as) {
                counted.digests.push(Digest::new(key.digest.bytes));
            }
        }
        let gone: Vec<_> = self.keys.extract_if(|_, counted| counted.digests.is_empty()).collect();
        for (name, counted) in gone {
            self.give_up(writer, name, counted, unix);
        }
        self.note_services(writer, objects, unix);
    }

    /// Notes that the services of `objects` were published, and no others.
    pub(super) fn note_services(
        &mut self,
        writer: &mut SnapshotWriter,
        objects: &Objects,
        unix: u64,
    ) {
        let gone = self.services.extract_if(|name, _| !objects.services.contains_key(name));
        for (_, meter) in gone {
            writer.retire(meter, unix + 1);
        }
    }

    /// Notes that just these keys of a name were published. Without one, its meter is given up,
    /// once its windows end.
    pub(super) fn note(
        &mut self,
        writer: &mut SnapshotWriter,
        name: &Name,
        keys: &[Key],
        unix: u64,
    ) {
        let Some(counted) = self.keys.get_mut(name) else { return };
        counted.digests = keys.iter().map(|key| Digest::new(key.digest.bytes)).collect();
        if keys.is_empty()
            && let Some(counted) = self.keys.remove(name)
        {
            self.give_up(writer, name.clone(), counted, unix);
        }
    }

    fn give_up(&mut self, writer: &mut SnapshotWriter, name: Name, counted: Counted, unix: u64) {
        writer.retire(counted.meter, counted.needs.end(unix));
        self.retired.insert(name, counted);
    }

    /// Forgets the retired keys whose lines serve something else now.
    pub(super) fn reap(&mut self, writer: &mut SnapshotWriter, unix: u64) {
        let freed: HashSet<_> = writer.reap(unix).into_iter().collect();
        if let Some(names) = &self.names {
            freed.iter().for_each(|meter| names.remove(*meter));
        }
        self.retired.retain(|_, counted| !freed.contains(&counted.meter));
    }
}
