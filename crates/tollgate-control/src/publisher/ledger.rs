//! Which meter counts for which key and service, also after they are gone for a while.

use std::collections::HashMap;

use tollgate_core::{
    Grant, Limit, LineTag, MeterId, Methods, Period, Quota, Scope, SnapshotWriter, Terms,
};

use crate::model::{Name, Objects};

/// The meters of a process. A key is known by its name, so that a changed digest goes on with the
/// counters of the one before.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    keys: HashMap<Name, Counted>,
    services: HashMap<Name, MeterId>,
    /// Keys that are gone and whose windows may not have ended.
    retired: HashMap<Name, Counted>,
}

#[derive(Debug)]
struct Counted {
    meter: MeterId,
    tags: Vec<LineTag>,
    /// The longest period that its limits count over.
    longest: Period,
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

    /// The meter of a key, with all lines that `terms` need.
    pub(super) fn key(
        &mut self,
        writer: &mut SnapshotWriter,
        name: &Name,
        terms: &Terms,
    ) -> Option<MeterId> {
        if let Some(gone) = self.retired.remove(name)
            && writer.revive(gone.meter)
        {
            self.keys.insert(name.clone(), gone);
        }
        if let Some(counted) = self.keys.get_mut(name) {
            counted.longest = counted.longest.max(longest(terms));
            if !terms.tags().all(|tag| counted.tags.contains(&tag)) {
                counted.tags = terms.tags().collect();
                writer.extend(counted.meter, &counted.tags)?;
            }
            return Some(counted.meter);
        }
        let tags: Vec<_> = terms.tags().collect();
        let meter = writer.allot(&tags)?;
        self.keys.insert(name.clone(), Counted { meter, tags, longest: longest(terms) });
        Some(meter)
    }

    /// Gives up the meters of all keys that `objects` no longer have, once their windows end.
    pub(super) fn retire_absent(
        &mut self,
        writer: &mut SnapshotWriter,
        objects: &Objects,
        unix: u64,
    ) {
        let gone = self.keys.extract_if(|name, _| !objects.keys.contains_key(name));
        for (name, counted) in gone {
            let window = counted.longest.window(unix);
            writer.retire(counted.meter, counted.longest.start(window + 1));
            self.retired.insert(name, counted);
        }
        let gone = self.services.extract_if(|name, _| !objects.services.contains_key(name));
        for (_, meter) in gone {
            writer.retire(meter, unix + 1);
        }
    }

    /// Forgets the retired keys whose lines serve something else now.
    pub(super) fn reap(&mut self, writer: &mut SnapshotWriter, unix: u64) {
        let freed = writer.reap(unix);
        self.retired.retain(|_, counted| !freed.contains(&counted.meter));
    }
}

/// The longest period of any limit in `terms`; QPS debts are paid within an hour's window.
fn longest(terms: &Terms) -> Period {
    let periods = terms.grants.iter().flat_map(grant_periods);
    periods.max().unwrap_or(Period::Hour).max(Period::Hour)
}

fn grant_periods(grant: &Grant) -> Vec<Period> {
    let mut quotas = vec![grant.quota];
    if let Scope::Endpoints(endpoints) = &grant.scope {
        for endpoint in endpoints {
            if let Methods::Listed(methods) = &endpoint.methods {
                quotas.extend(methods.iter().map(|method| method.quota));
            }
        }
    }
    let period = |limit: Limit<Quota>| match limit {
        Limit::Ceiling(quota) => Some(quota.period),
        Limit::Exempt | Limit::Closed => None,
    };
    quotas.into_iter().filter_map(period).collect()
}
