//! The limits that one call must pass, read in the order of reporting and taken narrowest first
//! (design §3, step 4).

mod policy;

use std::sync::atomic::Ordering::AcqRel;

pub(super) use policy::At;

use policy::{Look, Policy};

use super::{LimitState, Readings, Refused, Shadow};
use crate::limits::{Over, Present, QpsTaken, QuotaTaken};
use crate::proof::Signed;
use crate::{
    Grant, Limit, Line, LineTag, MeterId, MethodCeiling, Qps, Quota, ReadingKind, Refusal, Service,
    Terms, Unkept,
};

/// A limit and the line that counts it.
#[derive(Clone, Copy)]
struct Claim<'a, P> {
    line: &'a Line,
    limit: Limit<P>,
    /// If not, it is shadowed: a call that it would refuse passes and spends nothing of it.
    enforced: bool,
    report: Report,
}

/// How callers are told of a limit.
#[derive(Clone, Copy)]
struct Report {
    /// What it refuses with.
    refusal: Refusal,
    /// What its readings are told as, if they are told.
    kind: Option<ReadingKind>,
}

/// The limits of one call; `None` where it is exempt.
pub(super) struct Claims<'a> {
    service: Option<Claim<'a, Qps>>,
    method_qps: Option<Claim<'a, Qps>>,
    key_qps: Option<Claim<'a, Qps>>,
    method_quota: Option<Claim<'a, Quota>>,
    key_quota: Option<Claim<'a, Quota>>,
    concurrency: Option<Claim<'a, u32>>,
    /// The line of the key as a whole.
    first: &'a Line,
    /// From which count on the quota of the key is nearly used up.
    near_quota: u64,
    meter: MeterId,
}

/// What was taken for a call.
pub(super) struct Spent {
    /// Where the limits stand.
    pub(super) readings: Readings,
    /// What would have refused the call and is not enforced.
    pub(super) shadow: Shadow,
    /// The call is one of the key's open requests.
    pub(super) open: bool,
    /// The key's quota is nearly used up.
    pub(super) near_quota: bool,
    /// Where quotas are kept: it is not written down yet.
    pub(super) unkept: Option<Box<Unkept>>,
}

/// What the limits have said so far.
struct Found {
    readings: Readings,
    shadow: Shadow,
}

/// What has been taken so far. Dropped before [`Taken::keep`], it is given back, exactly.
#[derive(Default)]
struct Taken<'a> {
    concurrency: Option<(&'a Line, ())>,
    qps: [Option<(&'a Line, QpsTaken)>; 3],
    quota: [Option<(&'a Line, QuotaTaken)>; 2],
}

impl<'a> Claims<'a> {
    /// `line` finds what counts a tag of a meter. `None` only if the publisher forgot a line: then
    /// nothing is admitted.
    pub(super) fn of(
        line: impl Fn(MeterId, LineTag) -> Option<&'a Line>,
        meter: MeterId,
        (terms, grant, method): (&Terms, &Grant, Option<&MethodCeiling>),
        service: &Service,
    ) -> Option<Self> {
        let overall = line(service.meter, LineTag::KEY)?;
        let key = line(meter, grant.tag)?;
        let first = line(meter, LineTag::KEY)?;
        let qps = Report::told(Refusal::OverQps, ReadingKind::Qps(grant.qps_source));
        let quota = Report::told(Refusal::OverQuota, ReadingKind::Quota(grant.quota_source));
        // How busy a service is with the calls of others is not told.
        let busy = Report::untold(Refusal::ServiceOverQps);
        let open = Report::untold(Refusal::OverConcurrency);
        let mut claims = Self {
            service: claim(overall, service.qps, service.qps_enforced, busy),
            method_qps: None,
            key_qps: claim(key, grant.qps, grant.qps_enforced, qps),
            method_quota: None,
            key_quota: claim(key, grant.quota, grant.quota_enforced, quota),
            concurrency: claim(first, terms.concurrency, terms.concurrency_enforced, open),
            first,
            near_quota: grant.watch.near_quota,
            meter,
        };
        if let Some(method) = method.filter(|method| method.limited()) {
            let line = line(meter, method.tag)?;
            let qps = Report::told(Refusal::OverQps, ReadingKind::MethodQps);
            let quota = Report::told(Refusal::OverQuota, ReadingKind::MethodQuota);
            claims.method_qps = claim(line, method.qps, method.qps_enforced, qps);
            claims.method_quota = claim(line, method.quota, method.quota_enforced, quota);
        }
        Some(claims)
    }

    /// Whether every limit that is enforced would admit the call now. The first that would not is
    /// reported.
    pub(super) fn read(&self, at: &At<impl Present>) -> Result<(), Refused> {
        read(self.service.as_ref(), at)?;
        read(self.method_qps.as_ref(), at)?;
        read(self.key_qps.as_ref(), at)?;
        read(self.method_quota.as_ref(), at)?;
        read(self.key_quota.as_ref(), at)?;
        read(self.concurrency.as_ref(), at)
    }

    /// Where every limit of the call stands, in the order of reporting.
    pub(super) fn look(&self, at: &At<impl Present>) -> Vec<LimitState> {
        [
            self.service.map(|claim| claim.look(at)),
            self.method_qps.map(|claim| claim.look(at)),
            self.key_qps.map(|claim| claim.look(at)),
            self.method_quota.map(|claim| claim.look(at)),
            self.key_quota.map(|claim| claim.look(at)),
            self.concurrency.map(|claim| claim.look(at)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Takes the call from every limit, and then spends its signature: what was spent once is never
    /// given back. `shadow` is what was not enforced before.
    pub(super) fn take(
        &self,
        at: &At<impl Present>,
        signed: Option<Signed>,
        shadow: Shadow,
    ) -> Result<Spent, Refused> {
        let mut found = Found { readings: Readings::default(), shadow };
        let concurrency = found.take(self.concurrency.as_ref(), at)?;
        let mut taken = Taken { concurrency, ..Taken::default() };
        taken.qps[0] = found.take(self.method_qps.as_ref(), at)?;
        taken.qps[1] = found.take(self.key_qps.as_ref(), at)?;
        taken.quota[0] = found.take(self.method_quota.as_ref(), at)?;
        taken.quota[1] = found.take(self.key_quota.as_ref(), at)?;
        taken.qps[2] = found.take(self.service.as_ref(), at)?;
        if let Some(signed) = signed {
            at.meters.signatures().spend(signed)?;
        }
        let count = taken.quota[1].map_or(0, |(_, taken)| taken.count());
        let Found { readings, shadow } = found;
        let near_quota = count >= self.near_quota;
        let unkept = at.meters.unkept(self.meter, taken.quota.iter().flatten().copied());
        Ok(Spent { readings, shadow, open: taken.keep(), near_quota, unkept })
    }

    /// Notes that the key of this number was used.
    pub(super) fn note_use(&self, number: u16, unix: u64) {
        self.first.note_use(number, unix);
    }
}

/// Where a limit that counts on `line` stands; `None` = exempt.
pub(super) fn look_at<P: Policy>(
    line: &Line,
    limit: Limit<P>,
    enforced: bool,
    at: &At<impl Present>,
) -> Option<LimitState> {
    let report = Report::untold(P::REFUSAL);
    claim(line, limit, enforced, report).map(|claim| claim.look(at))
}

impl<P: Policy> Claim<'_, P> {
    fn look(&self, at: &At<impl Present>) -> LimitState {
        let Look { admits, ceiling, used, reading } = match self.limit {
            Limit::Ceiling(policy) => policy.look(self.line, at),
            Limit::Closed | Limit::Exempt => Look::CLOSED,
        };
        let Report { refusal, kind } = self.report;
        let (enforced, admits) = (self.enforced, admits.is_ok());
        LimitState { refusal, kind, enforced, ceiling, used, reading, admits }
    }
}

impl Report {
    fn told(refusal: Refusal, kind: ReadingKind) -> Self {
        Self { refusal, kind: Some(kind) }
    }

    fn untold(refusal: Refusal) -> Self {
        Self { refusal, kind: None }
    }

    fn refused(self, over: Over) -> Refused {
        Refused::over(self.refusal, over, self.kind)
    }
}

fn read<P: Policy>(claim: Option<&Claim<'_, P>>, at: &At<impl Present>) -> Result<(), Refused> {
    let Some(held) = claim.filter(|claim| claim.enforced) else { return Ok(()) };
    let read = match held.limit {
        Limit::Ceiling(policy) => policy.read(held.line, at),
        Limit::Closed | Limit::Exempt => Err(Over::CLOSED),
    };
    read.map_err(|over| held.report.refused(over))
}

impl Found {
    /// Takes a call; `None` where there is nothing to give back.
    fn take<'a, P: Policy>(
        &mut self,
        claim: Option<&Claim<'a, P>>,
        at: &At<impl Present>,
    ) -> Result<Option<(&'a Line, P::Taken)>, Refused> {
        let Some(held) = claim else { return Ok(None) };
        let take = match held.limit {
            Limit::Ceiling(policy) => policy.take(held.line, at),
            Limit::Closed | Limit::Exempt => Err(Over::CLOSED),
        };
        match take {
            Ok((taken, reading)) => {
                if let Some((kind, reading)) = held.report.kind.zip(reading) {
                    self.readings.put(kind, reading);
                }
                Ok(Some((held.line, taken)))
            }
            Err(over) => self.over(held, over).map(|()| None),
        }
    }

    /// The refusal of a limit; if it is shadowed, it is noted.
    #[cold]
    fn over<P>(&mut self, claim: &Claim<'_, P>, over: Over) -> Result<(), Refused> {
        let Report { refusal, kind } = claim.report;
        if claim.enforced {
            return Err(claim.report.refused(over));
        }
        self.shadow.note(refusal);
        if let Some((kind, reading)) = kind.zip(over.reading) {
            self.readings.put(kind, reading);
        }
        Ok(())
    }
}

impl Taken<'_> {
    /// Keeps all of it, and says whether a place among the open requests is part of it.
    fn keep(mut self) -> bool {
        self.qps = [None; 3];
        self.quota = [None; 2];
        self.concurrency.take().is_some()
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        for (line, call) in self.quota.iter().flatten() {
            Quota::give_back(&line.quota, *call);
        }
        for (line, call) in self.qps.iter().flatten() {
            Qps::give_back(&line.qps, *call);
        }
        if let Some((line, ())) = self.concurrency {
            line.open.fetch_sub(1, AcqRel);
        }
    }
}

fn claim<P>(line: &Line, limit: Limit<P>, enforced: bool, report: Report) -> Option<Claim<'_, P>> {
    let limited = !matches!(limit, Limit::Exempt);
    limited.then_some(Claim { line, limit, enforced, report })
}
