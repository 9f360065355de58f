//! The decision about one request: digest, record, times and states, proof, source address,
//! entitlement, limits.

mod bearer;
mod call;
mod claims;
mod explanation;
mod foresight;
mod identity;
mod prove;
mod purpose;
mod shadow;
mod usage;

use std::sync::Arc;
use std::sync::atomic::Ordering::AcqRel;

pub use bearer::Bearer;
pub use call::{Call, CallKey};
use claims::{At, Claims, Spent};
pub use explanation::{Digests, ExplainedKey, Explanation, LimitState};
use identity::identify;
pub use identity::standing;
use purpose::{Purpose, Step, ToDecide};
pub use shadow::Shadow;
pub use usage::{GrantUsage, Usage};

use crate::limits::{Over, Present};
use crate::{
    Clock, Digest, Grant, KeyId, KeyIdForm, MeterId, Meters, MethodCeiling, Now, ProofFailure,
    Reading, ReadingKind, Record, Refusal, Root, ServiceId, SnapshotReader, Terms, Unkept,
};

/// What was decided. Borrows from the snapshot that decided it.
#[derive(Debug)]
pub enum Decision<'a> {
    /// The request may go on, called by this caller.
    Admit(Permit, Caller<'a>),
    /// It may not, whosever key it is that it brought; `None` = nobody's.
    Refuse(Refused, Option<&'a Record>),
}

/// The proof that a request was admitted. Only [`Decider::decide`] makes one.
#[derive(Debug)]
pub struct Permit {
    digest: Digest,
    meter: MeterId,
    readings: Readings,
    shadow: Shadow,
    near_quota: bool,
    unkept: Option<Box<Unkept>>,
    _open: Option<Open>,
}

/// Who calls, as the upstream is told.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The application.
    pub application: &'a Arc<str>,
    /// The package.
    pub package: &'a Arc<str>,
    /// The plan.
    pub plan: &'a Arc<str>,
    key: KeyId,
    long_name: Option<&'a str>,
}

impl<'a> Caller<'a> {
    /// The key's public name, written into `to` unless it is a long one.
    pub fn key<'b>(&self, to: &'b mut [u8; 36]) -> &'b str
    where
        'a: 'b,
    {
        self.key.write(to, |_| self.long_name)
    }
}

/// Why not, and when to try again.
#[derive(Clone, Copy, Debug)]
pub struct Refused {
    /// The reason.
    pub refusal: Refusal,
    /// Whole seconds until it may work, at least 1; `None` if waiting does not help.
    pub retry_after: Option<u64>,
    /// The limits as they stand, as far as they were reached.
    pub readings: Readings,
    /// Why a proof failed, if it did. Not for the caller.
    pub proof: Option<ProofFailure>,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, retry_after: None, readings: Readings::default(), proof: None }
    }
}

impl From<ProofFailure> for Refused {
    fn from(failure: ProofFailure) -> Self {
        Self { proof: Some(failure), ..failure.refusal().into() }
    }
}

/// Where the limits of a call stand, in the order of their taking.
#[derive(Clone, Copy, Debug, Default)]
pub struct Readings {
    /// One place for each kind.
    held: [Option<(ReadingKind, Reading)>; 4],
}

impl Readings {
    /// Each limit that counted the call.
    pub fn iter(&self) -> impl Iterator<Item = &(ReadingKind, Reading)> {
        self.held.iter().flatten()
    }

    fn put(&mut self, kind: ReadingKind, reading: Reading) {
        let [method_qps, qps, method_quota, quota] = &mut self.held;
        let place = match kind {
            ReadingKind::MethodQps => method_qps,
            ReadingKind::Qps(_) => qps,
            ReadingKind::MethodQuota => method_quota,
            ReadingKind::Quota(_) => quota,
        };
        *place = Some((kind, reading));
    }
}

/// A place among a key's open requests, given up when dropped.
#[derive(Debug)]
struct Open {
    meters: Arc<Meters>,
    meter: MeterId,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(line) = self.meters.line(self.meter, crate::LineTag::KEY) {
            line.open.fetch_sub(1, AcqRel);
        }
    }
}

impl Permit {
    /// The digest that the key stands under.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Keeps to its key where that has moved to another digest. To be done with each notice,
    /// before the present root is asked whether the key stands: it forgets a move once all have
    /// answered.
    pub fn follow(&mut self, root: &Root) {
        if root.moves.is_empty()
            || root.keys.find(&self.digest).is_some_and(|r| r.meter == self.meter)
        {
            return;
        }
        self.digest = root.moves.follow(self.digest);
    }

    /// Where the call was counted.
    #[must_use]
    pub fn meter(&self) -> MeterId {
        self.meter
    }

    /// Where the limits stand after it.
    #[must_use]
    pub fn readings(&self) -> &Readings {
        &self.readings
    }

    /// Takes what has to be written down before the request goes on, where quotas are kept beyond the
    /// process and it goes beyond what is written down.
    pub fn take_unkept(&mut self) -> Option<Box<Unkept>> {
        self.unkept.take()
    }

    /// What it would have been refused for, if all of it were enforced.
    #[must_use]
    pub fn shadow(&self) -> Shadow {
        self.shadow
    }

    /// Whether the key's quota is nearly used up, where somebody wants to know.
    #[must_use]
    pub fn near_quota(&self) -> bool {
        self.near_quota
    }
}

/// Decides about requests, on the thread that received them.
#[derive(Clone)]
pub struct Decider {
    reader: SnapshotReader,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Decider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Decider").field(&self.reader).finish()
    }
}

impl Decider {
    /// Decides from the snapshots of `reader`, at instants that `clock` has read.
    #[must_use]
    pub fn new(reader: SnapshotReader, clock: Arc<dyn Clock>) -> Self {
        Self { reader, clock }
    }

    /// Where it counts.
    #[must_use]
    pub fn meters(&self) -> &Meters {
        self.reader.meters()
    }

    /// Decides whether a call may go on, and counts it if so. A refused call counts nowhere. `root`
    /// is a snapshot of this decider's reader, `now` a reading of its clock, both taken once for
    /// the request.
    #[must_use]
    pub fn decide<'a>(&self, root: &'a Root, call: &Call<'_>, now: Now) -> Decision<'a> {
        if self.reader.is_stale(now) {
            return Decision::Refuse(Refusal::SnapshotStale.into(), None);
        }
        let now = self.reader.no_earlier(now);
        let record = match identify(root, self.reader.meters(), &call.key, now) {
            Ok(record) => record,
            Err(unfit) => return Decision::Refuse(unfit.refusal.into(), unfit.record),
        };
        let present = Confirmation { decider: self, root };
        let at = At { now, present, meters: self.reader.meters() };
        match consider(root, record, call, &at, &mut ToDecide) {
            Ok((permit, caller)) => Decision::Admit(permit, caller),
            Err(refused) => Decision::Refuse(refused, Some(record)),
        }
    }
}

/// Every step of a decision about a key that may be used. What comes of a call that passes them
/// depends on the purpose.
#[inline]
fn consider<'a, P: Purpose<'a>>(
    root: &'a Root,
    record: &'a Record,
    call: &Call<'_>,
    at: &At<'_, impl Present>,
    purpose: &mut P,
) -> Result<P::Conclusion, Refused> {
    let service = root.routes.service(call.route.front).ok_or(Refusal::RouteNotFound)?;
    let owner = root.owners.get(record.owner.0).ok_or(Refusal::OwnerInactive)?;
    let terms = root.terms.get(record.terms.0).ok_or(Refusal::PlanInactive)?;
    let mut signed = None;
    if terms.authentication.proves(service)? {
        signed = purpose.prove(root, service, record, call, at)?;
        purpose.passed(Step::Proved);
    }
    purpose.certify(terms, call.certificate)?;
    let mut shadow = Shadow::default();
    let (grant, method) = entitle(terms, service.id, call, &mut shadow)?;
    purpose.passed(Step::Entitled(grant));
    let line = |meter, tag| purpose.line(at.meters, meter, tag);
    let claims = Claims::of(line, record.meter, (terms, grant, method), service);
    let claims = claims.ok_or(Refusal::NoSnapshot)?;
    purpose.limits(|| claims.look(at));
    claims.read(at)?;
    let caller = Caller {
        application: &owner.application,
        package: &grant.package,
        plan: &grant.plan,
        key: record.id,
        long_name: long_name(root, record),
    };
    purpose.conclude(record, caller, (&claims, signed), at, shadow)
}

fn long_name<'a>(root: &'a Root, record: &Record) -> Option<&'a str> {
    match record.id.form() {
        KeyIdForm::Long(index) => root.names.get(index).map(|name| &***name),
        KeyIdForm::Short | KeyIdForm::Uuid => None,
    }
}

struct Confirmation<'a> {
    decider: &'a Decider,
    root: &'a Root,
}

impl Present for Confirmation<'_> {
    fn confirm(&self) -> Option<u64> {
        let current = self.decider.reader.is_current(self.root);
        current.then(|| self.decider.clock.monotonic())
    }
}

/// The grant that a call has where it comes from, and the method's own ceilings. Terms that are not
/// enforced open everything, under the limits of the key: for a service of which they open nothing,
/// those of any plan that is active. Where a key works from is enforced always.
fn entitle<'a>(
    terms: &'a Terms,
    service: ServiceId,
    call: &Call<'_>,
    shadow: &mut Shadow,
) -> Result<(&'a Grant, Option<&'a MethodCeiling>), Refusal> {
    let from_here = |grant: &'a Grant| {
        let allowed = grant
            .sources
            .as_ref()
            .is_none_or(|sources| call.source.is_some_and(|source| sources.hold(source)));
        if allowed { Ok(grant) } else { Err(Refusal::SourceNotAllowed) }
    };
    let Some(grant) = terms.grant(service) else {
        shadow.or_refuse(terms, Refusal::NotEntitled)?;
        let active = terms.grants.iter().find(|grant| grant.active);
        return Ok((from_here(active.ok_or(Refusal::PlanInactive)?)?, None));
    };
    if !grant.active {
        return Err(Refusal::PlanInactive);
    }
    let Some(method) = from_here(grant)?.opens(call.route) else {
        shadow.or_refuse(terms, Refusal::NotEntitled)?;
        return Ok((grant, None));
    };
    Ok((grant, method))
}

impl Refused {
    pub(crate) fn over(refusal: Refusal, over: Over, kind: Option<ReadingKind>) -> Self {
        const SECOND: u64 = 1_000_000_000;
        let mut readings = Readings::default();
        if let Some((kind, reading)) = kind.zip(over.reading) {
            readings.put(kind, reading);
        }
        let retry_after = over.wait.map(|wait| wait.div_ceil(SECOND).max(1));
        Self { retry_after, readings, ..refusal.into() }
    }
}

#[cfg(test)]
mod tests;
