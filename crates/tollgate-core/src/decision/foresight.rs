//! What would be decided if another snapshot were the newest: before it is made.

use core::net::{IpAddr, Ipv4Addr};

use super::explanation::proved_if_it_can;
use super::purpose::{Purpose, Step};
use super::{At, Call, CallKey, Caller, Claims, Decider, LimitState, Refused, Shadow, consider};
use crate::limits::Present;
use crate::proof::Signed;
use crate::{
    CertificateFingerprint, Line, LineTag, MeterId, Meters, Now, ProofFailure, Record, Refusal,
    Root, Route, Service, Terms,
};

impl Decider {
    /// Why a call of `route` with the key of `record` would be refused at this instant if `root`,
    /// which holds both, were the newest snapshot; `None` = it would not be. It is the decision
    /// itself up to the taking of the limits, with what has been counted until now: a count over
    /// another period begins anew, and what nothing counts yet stands at nothing.
    ///
    /// What the caller would bring is taken to be right: its proof, its certificate, and where it
    /// calls from. Whether the key or the service is over its queries per second is a matter of
    /// moments and not looked at, unless no query is let through at all.
    #[must_use]
    pub fn foresee(
        &self,
        root: &Root,
        record: &Record,
        route: &Route,
        now: Now,
    ) -> Option<Refusal> {
        let now = self.reader.no_earlier(now);
        let at = At { now, present: AsIfNewest(now.monotonic), meters: self.reader.meters() };
        let call =
            Call::new(CallKey::Keyless(&record.digest), route, Some(from(root, record, route)));
        let mut limits = Foresight::default();
        match consider(root, record, &call, &at, &mut limits) {
            Ok(()) => None,
            Err(Refused { refusal, .. }) if limits.0.is_empty() => Some(refusal),
            Err(_) => limits.0.iter().find(|limit| lasts(limit)).map(|limit| limit.refusal),
        }
    }
}

/// Whether a limit refuses for longer than a moment.
fn lasts(limit: &LimitState) -> bool {
    let momentary = matches!(limit.refusal, Refusal::OverQps | Refusal::ServiceOverQps);
    limit.enforced && !limit.admits && (!momentary || limit.ceiling == 0)
}

/// An address from which the key may call.
fn from(root: &Root, record: &Record, route: &Route) -> IpAddr {
    let address = || {
        let terms = root.terms.get(record.terms.0)?;
        let service = root.routes.service(route.front)?;
        let active = || terms.grants.iter().find(|grant| grant.active);
        terms.grant(service.id).or_else(active)?.sources.as_ref()?.first()
    };
    address().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// The present of a snapshot that would be the newest.
struct AsIfNewest(u64);

impl Present for AsIfNewest {
    const LOWERS: bool = false;

    fn confirm(&self) -> Option<u64> {
        Some(self.0)
    }
}

/// Where the limits of a call stand, if it comes to that.
#[derive(Default)]
struct Foresight(Vec<LimitState>);

impl<'a> Purpose<'a> for Foresight {
    type Conclusion = ();

    fn prove(
        &self,
        root: &Root,
        service: &Service,
        record: &Record,
        _: &Call<'_>,
        _: &At<'_, impl Present>,
    ) -> Result<Option<Signed>, ProofFailure> {
        proved_if_it_can(root, service, record)
    }

    fn certify(&self, _: &Terms, _: Option<&CertificateFingerprint>) -> Result<(), Refusal> {
        Ok(())
    }

    fn passed(&mut self, _: Step<'a>) {}

    fn line<'m>(&self, meters: &'m Meters, meter: MeterId, tag: LineTag) -> Option<&'m Line> {
        meters.line(meter, tag).or(Some(meters.unused()))
    }

    fn limits(&mut self, stand: impl FnOnce() -> Vec<LimitState>) {
        self.0 = stand();
    }

    fn conclude(
        &mut self,
        _: &Record,
        _: Caller<'a>,
        _: (&Claims<'_>, Option<Signed>),
        _: &At<'_, impl Present>,
        _: Shadow,
    ) -> Result<(), Refused> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fixture::{KEY, Limits, ROUTE, World, at, qps};
    use crate::{Clock, Decision, Limit, Period, Quota};

    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Now {
            at(0)
        }
    }

    #[test]
    fn what_was_counted_is_held_against_what_would_be_enforced() {
        let quota = |ceiling, period| Limit::Ceiling(Quota { ceiling, period });
        let limits = Limits { quota: quota(10, Period::Day), qps: qps(3, 3), ..Limits::default() };
        let world = World::new(limits);
        let root = world.reader.current().unwrap();
        let decider = Decider::new(world.reader.clone(), Arc::new(Stopped));
        let foresee = |limit, qps| {
            let mut next = (*root).clone();
            let mut terms = (**next.terms.get(world.record.terms.0).unwrap()).clone();
            (terms.grants[0].quota, terms.grants[0].qps) = (limit, qps);
            next.terms.set(world.record.terms.0, Some(Arc::new(terms)));
            decider.foresee(&next, &world.record, &ROUTE, at(0))
        };
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        for _ in 0..3 {
            let call = Call::new(CallKey::Presented(KEY), &ROUTE, Some(here));
            assert!(matches!(decider.decide(&root, &call, at(0)), Decision::Admit(..)));
        }
        let three = qps(3, 3);
        assert_eq!(foresee(quota(4, Period::Day), three), None, "over_qps lasts for a moment");
        assert_eq!(foresee(quota(3, Period::Day), three), Some(Refusal::OverQuota));
        assert_eq!(foresee(quota(3, Period::Hour), three), None, "it is counted anew");
        assert_eq!(foresee(Limit::Closed, three), Some(Refusal::OverQuota));
        assert_eq!(foresee(quota(4, Period::Day), Limit::Closed), Some(Refusal::OverQps));
    }

    #[test]
    fn what_nothing_counts_yet_stands_at_nothing() {
        let world = World::new(Limits::default());
        let decider = Decider::new(world.reader.clone(), Arc::new(Stopped));
        let root = world.reader.current().unwrap();
        let mut next = (*root).clone();
        let mut terms = (**next.terms.get(world.record.terms.0).unwrap()).clone();
        terms.grants[0].tag = LineTag(77);
        terms.grants[0].quota = Limit::Ceiling(Quota { ceiling: 1, period: Period::Day });
        next.terms.set(world.record.terms.0, Some(Arc::new(terms)));
        assert_eq!(decider.foresee(&next, &world.record, &ROUTE, at(0)), None);
    }
}
