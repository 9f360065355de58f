//! What has been used of a key's limits, whatever is called with it.

use std::sync::atomic::Ordering::Relaxed;

use super::claims::look_at;
use super::explanation::Glance;
use super::{At, Confirmation, Decider, LimitState};
use crate::{Grant, Limit, LineTag, MethodCeiling, MethodId, Methods, Now, Record, Root, Scope};

/// What has been used of a key's limits at one instant. Borrows from the snapshot.
#[derive(Debug)]
pub struct Usage<'a> {
    /// Requests that are open; `None` for a key that may have any number, which are not counted.
    pub open: Option<u32>,
    /// How many may be open.
    pub concurrency: Limit<u32>,
    /// Of each grant of its terms.
    pub grants: Vec<GrantUsage<'a>>,
}

/// What has been used of one grant. Grants with the same [`Grant::tag`] count together.
#[derive(Debug)]
pub struct GrantUsage<'a> {
    /// The grant.
    pub grant: &'a Grant,
    /// Its queries per second; `None` = exempt, likewise below.
    pub qps: Option<LimitState>,
    /// Its quota.
    pub quota: Option<LimitState>,
    /// Of its methods that have ceilings of their own, queries per second and quota.
    pub methods: Vec<(MethodId, [Option<LimitState>; 2])>,
}

impl Decider {
    /// What the key of `record` has used, by what stands in its meter now. Nothing is counted, and
    /// no meter is written to. `None` for a record of another snapshot than `root`.
    #[must_use]
    pub fn usage<'a>(&self, root: &'a Root, record: &Record, now: Now) -> Option<Usage<'a>> {
        let meters = self.reader.meters();
        let present = Glance(Confirmation { decider: self, root });
        let at = At { now, present, meters };
        let terms = root.terms.get(record.terms.0)?;
        let first = meters.line(record.meter, LineTag::KEY)?;
        let of_grant = |grant: &'a Grant| {
            let line = meters.line(record.meter, grant.tag)?;
            let methods = listed(grant).filter_map(|method| {
                let line = meters.line(record.meter, method.tag)?;
                let qps = look_at(line, method.qps, method.qps_enforced, &at);
                let quota = look_at(line, method.quota, method.quota_enforced, &at);
                Some((method.method, [qps, quota]))
            });
            Some(GrantUsage {
                grant,
                qps: look_at(line, grant.qps, grant.qps_enforced, &at),
                quota: look_at(line, grant.quota, grant.quota_enforced, &at),
                methods: methods.collect(),
            })
        };
        let counted = terms.concurrency != Limit::Exempt;
        Some(Usage {
            open: counted.then(|| first.open.load(Relaxed)),
            concurrency: terms.concurrency,
            grants: terms.grants.iter().filter_map(of_grant).collect(),
        })
    }
}

/// The methods of a grant that have ceilings of their own.
fn listed(grant: &Grant) -> impl Iterator<Item = &MethodCeiling> {
    let endpoints = match &grant.scope {
        Scope::Service => &[][..],
        Scope::Endpoints(endpoints) => endpoints,
    };
    let methods = endpoints.iter().flat_map(|endpoint| match &endpoint.methods {
        Methods::All => &[][..],
        Methods::Listed(methods) => methods,
    });
    methods.filter(|method| method.limited())
}

#[cfg(test)]
mod tests;
