//! The limits that one call must pass, read in the order of reporting and taken narrowest first
//! (design §3, step 4).

use std::sync::atomic::Ordering::{AcqRel, Relaxed};

use super::{Readings, Refused, open};
use crate::limits::{Over, Present, QpsTaken, QuotaTaken};
use crate::{
    Grant, Limit, LimitSource, Line, LineTag, MeterId, Meters, MethodCeiling, Now, Qps, Quota,
    ReadingKind, Refusal, Service, Terms,
};

/// A limit and the line that counts it; nothing where the call is exempt.
type Claim<'a, P> = Option<(&'a Line, Limit<P>)>;

/// The limits of one call.
pub(super) struct Claims<'a> {
    service: Claim<'a, Qps>,
    method_qps: Claim<'a, Qps>,
    key_qps: Claim<'a, Qps>,
    qps_source: LimitSource,
    method_quota: Claim<'a, Quota>,
    key_quota: Claim<'a, Quota>,
    quota_source: LimitSource,
    concurrency: Claim<'a, u32>,
}

/// What has been taken so far. Dropped before [`Taken::keep`], it is given back, exactly.
#[derive(Default)]
struct Taken<'a> {
    concurrency: Option<&'a Line>,
    qps: [Option<(&'a Line, QpsTaken)>; 2],
    quota: [Option<(&'a Line, QuotaTaken)>; 2],
}

impl<'a> Claims<'a> {
    /// `None` only if the publisher forgot a line: then nothing is admitted.
    pub(super) fn of(
        meters: &'a Meters,
        meter: MeterId,
        terms: &Terms,
        grant: &Grant,
        method: Option<&MethodCeiling>,
        service: &Service,
    ) -> Option<Self> {
        let key = meters.line(meter, grant.tag)?;
        let method = match method.filter(|method| method.limited()) {
            Some(method) => Some((meters.line(meter, method.tag)?, method)),
            None => None,
        };
        Some(Self {
            service: claim(meters.line(service.meter, LineTag::KEY)?, service.qps),
            method_qps: method.and_then(|(line, method)| claim(line, method.qps)),
            key_qps: claim(key, grant.qps),
            qps_source: grant.qps_source,
            method_quota: method.and_then(|(line, method)| claim(line, method.quota)),
            key_quota: claim(key, grant.quota),
            quota_source: grant.quota_source,
            concurrency: claim(meters.line(meter, LineTag::KEY)?, terms.concurrency),
        })
    }

    /// Whether every limit would admit the call now. The first that would not is reported.
    pub(super) fn read(&self, now: Now, present: &impl Present) -> Result<(), Refused> {
        read_qps(self.service, now, present).map_err(service_over)?;
        read_qps(self.method_qps, now, present).map_err(method_over_qps)?;
        read_qps(self.key_qps, now, present).map_err(|over| self.key_over_qps(over))?;
        read_quota(self.method_quota, now, present).map_err(method_over_quota)?;
        read_quota(self.key_quota, now, present).map_err(|over| self.key_over_quota(over))?;
        match self.concurrency {
            Some((line, Limit::Ceiling(ceiling))) if line.open.load(Relaxed) < ceiling => Ok(()),
            Some(_) => Err(Refusal::OverConcurrency.into()),
            None => Ok(()),
        }
    }

    /// Takes the call from every limit. Returns where they stand, and whether the call is one of
    /// the key's open requests.
    pub(super) fn take(
        &self,
        meters: &Meters,
        now: Now,
        present: &impl Present,
    ) -> Result<(Readings, bool), Refused> {
        let mut readings = Readings::default();
        let mut taken = Taken::default();
        if let Some((line, limit)) = self.concurrency {
            let room = matches!(limit, Limit::Ceiling(ceiling) if open(line, ceiling));
            taken.concurrency = room.then_some(line);
            taken.concurrency.ok_or(Refusal::OverConcurrency)?;
        }
        if let Some((line, limit)) = self.method_qps {
            let (call, reading) = take_qps(line, limit, now, present).map_err(method_over_qps)?;
            taken.qps[0] = Some((line, call));
            readings.push(ReadingKind::MethodQps, reading);
        }
        if let Some((line, limit)) = self.key_qps {
            let (call, reading) =
                take_qps(line, limit, now, present).map_err(|over| self.key_over_qps(over))?;
            taken.qps[1] = Some((line, call));
            readings.push(ReadingKind::Qps(self.qps_source), reading);
        }
        if let Some((line, limit)) = self.method_quota {
            let (call, reading) =
                take_quota(line, limit, meters, now, present).map_err(method_over_quota)?;
            taken.quota[0] = Some((line, call));
            readings.push(ReadingKind::MethodQuota, reading);
        }
        if let Some((line, limit)) = self.key_quota {
            let (call, reading) = take_quota(line, limit, meters, now, present)
                .map_err(|over| self.key_over_quota(over))?;
            taken.quota[1] = Some((line, call));
            readings.push(ReadingKind::Quota(self.quota_source), reading);
        }
        if let Some((line, limit)) = self.service {
            take_qps(line, limit, now, present).map_err(service_over)?;
        }
        Ok((readings, taken.keep()))
    }

    fn key_over_qps(&self, over: Over) -> Refused {
        Refused::over(Refusal::OverQps, over, Some(ReadingKind::Qps(self.qps_source)))
    }

    fn key_over_quota(&self, over: Over) -> Refused {
        Refused::over(Refusal::OverQuota, over, Some(ReadingKind::Quota(self.quota_source)))
    }
}

impl Taken<'_> {
    /// Keeps all of it, and says whether a place among the open requests is part of it.
    fn keep(mut self) -> bool {
        self.qps = [None; 2];
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
        if let Some(line) = self.concurrency {
            line.open.fetch_sub(1, AcqRel);
        }
    }
}

fn claim<P>(line: &Line, limit: Limit<P>) -> Claim<'_, P> {
    match limit {
        Limit::Exempt => None,
        limit => Some((line, limit)),
    }
}

fn read_qps(claim: Claim<'_, Qps>, now: Now, present: &impl Present) -> Result<(), Over> {
    match claim {
        Some((line, Limit::Ceiling(qps))) => qps.read(&line.qps, now.monotonic, present),
        Some((_, Limit::Closed)) => Err(Over::CLOSED),
        Some((_, Limit::Exempt)) | None => Ok(()),
    }
}

fn read_quota(claim: Claim<'_, Quota>, now: Now, present: &impl Present) -> Result<(), Over> {
    match claim {
        Some((line, Limit::Ceiling(quota))) => quota.read(&line.quota, now, present),
        Some((_, Limit::Closed)) => Err(Over::CLOSED),
        Some((_, Limit::Exempt)) | None => Ok(()),
    }
}

fn take_qps(
    line: &Line,
    limit: Limit<Qps>,
    now: Now,
    present: &impl Present,
) -> Result<(QpsTaken, crate::Reading), Over> {
    match limit {
        Limit::Ceiling(qps) => qps.take(&line.qps, now.monotonic, present),
        Limit::Closed | Limit::Exempt => Err(Over::CLOSED),
    }
}

fn take_quota(
    line: &Line,
    limit: Limit<Quota>,
    meters: &Meters,
    now: Now,
    present: &impl Present,
) -> Result<(QuotaTaken, crate::Reading), Over> {
    match limit {
        Limit::Ceiling(quota) => quota.take(&line.quota, now, present, || meters.note_step_back()),
        Limit::Closed | Limit::Exempt => Err(Over::CLOSED),
    }
}

fn service_over(over: Over) -> Refused {
    // How busy a service is with the calls of others is not told.
    Refused::over(Refusal::ServiceOverQps, over, None)
}

fn method_over_qps(over: Over) -> Refused {
    Refused::over(Refusal::OverQps, over, Some(ReadingKind::MethodQps))
}

fn method_over_quota(over: Over) -> Refused {
    Refused::over(Refusal::OverQuota, over, Some(ReadingKind::MethodQuota))
}
