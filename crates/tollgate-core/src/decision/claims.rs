//! The limits that one call must pass, read in the order of reporting and taken narrowest first
//! (design §3, step 4).

mod policy;

use std::sync::atomic::Ordering::AcqRel;

pub(super) use policy::At;

use policy::Policy;

use super::{Readings, Refused, Shadow};
use crate::limits::{Over, Present, QpsTaken, QuotaTaken};
use crate::proof::Signed;
use crate::{
    Grant, Limit, Line, LineTag, MeterId, Meters, MethodCeiling, Qps, Quota, ReadingKind, Refusal,
    Service, Terms,
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
    found: Found,
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
    /// `None` only if the publisher forgot a line: then nothing is admitted. `shadow` is what was
    /// found before and is not enforced.
    pub(super) fn of(
        meters: &'a Meters,
        meter: MeterId,
        (terms, grant, method): (&Terms, &Grant, Option<&MethodCeiling>),
        service: &Service,
        shadow: Shadow,
    ) -> Option<Self> {
        let overall = meters.line(service.meter, LineTag::KEY)?;
        let key = meters.line(meter, grant.tag)?;
        let first = meters.line(meter, LineTag::KEY)?;
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
            found: Found { readings: Readings::default(), shadow },
        };
        if let Some(method) = method.filter(|method| method.limited()) {
            let line = meters.line(meter, method.tag)?;
            let qps = Report::told(Refusal::OverQps, ReadingKind::MethodQps);
            let quota = Report::told(Refusal::OverQuota, ReadingKind::MethodQuota);
            claims.method_qps = claim(line, method.qps, method.qps_enforced, qps);
            claims.method_quota = claim(line, method.quota, method.quota_enforced, quota);
        }
        Some(claims)
    }

    /// Whether every limit would admit the call now. The first that would not is reported, unless
    /// it is shadowed: then it has no further part in the call.
    pub(super) fn read(&mut self, at: &At<impl Present>) -> Result<(), Refused> {
        let found = &mut self.found;
        found.read(&mut self.service, at)?;
        found.read(&mut self.method_qps, at)?;
        found.read(&mut self.key_qps, at)?;
        found.read(&mut self.method_quota, at)?;
        found.read(&mut self.key_quota, at)?;
        found.read(&mut self.concurrency, at)
    }

    /// Takes the call from every limit, and then spends its signature: what was spent once is never
    /// given back. Returns where they stand, which of them would have refused
    /// it, and whether the call is one of the key's open requests.
    pub(super) fn take(
        mut self,
        at: &At<impl Present>,
        signed: Option<Signed>,
    ) -> Result<(Readings, Shadow, bool), Refused> {
        let found = &mut self.found;
        let concurrency = found.take(self.concurrency, at)?;
        let mut taken = Taken { concurrency, ..Taken::default() };
        taken.qps[0] = found.take(self.method_qps, at)?;
        taken.qps[1] = found.take(self.key_qps, at)?;
        taken.quota[0] = found.take(self.method_quota, at)?;
        taken.quota[1] = found.take(self.key_quota, at)?;
        taken.qps[2] = found.take(self.service, at)?;
        if let Some(signed) = signed {
            at.meters.signatures().spend(signed)?;
        }
        Ok((self.found.readings, self.found.shadow, taken.keep()))
    }
}

impl Report {
    fn told(refusal: Refusal, kind: ReadingKind) -> Self {
        Self { refusal, kind: Some(kind) }
    }

    fn untold(refusal: Refusal) -> Self {
        Self { refusal, kind: None }
    }
}

impl Found {
    fn read<P: Policy>(
        &mut self,
        claim: &mut Option<Claim<'_, P>>,
        at: &At<impl Present>,
    ) -> Result<(), Refused> {
        let Some(held) = claim else { return Ok(()) };
        let read = match held.limit {
            Limit::Ceiling(policy) => policy.read(held.line, at),
            Limit::Closed | Limit::Exempt => Err(Over::CLOSED),
        };
        if let Err(over) = read {
            self.over(held, over)?;
            *claim = None;
        }
        Ok(())
    }

    /// Takes a call; `None` where there is nothing to give back.
    fn take<'a, P: Policy>(
        &mut self,
        claim: Option<Claim<'a, P>>,
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
            Err(over) => self.over(&held, over).map(|()| None),
        }
    }

    /// The refusal of a limit; if it is shadowed, it is noted.
    fn over<P>(&mut self, claim: &Claim<'_, P>, over: Over) -> Result<(), Refused> {
        let Report { refusal, kind } = claim.report;
        if claim.enforced {
            return Err(Refused::over(refusal, over, kind));
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
