//! What each key has spent, and what is decided of a call.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Call, Key, KeyNumber, Objects, Opens, Own, Period, Plan, Qps};

const SECOND: u64 = 1_000_000_000;

/// By key, and for a key by whether it is its counter of method `read`.
#[derive(Debug, Default)]
pub(in super::super) struct Counters {
    quotas: HashMap<(KeyNumber, bool), (Period, i64, u64)>,
    /// Up to when calls have been spent ahead, in nanoseconds of the monotonic clock.
    ahead: HashMap<(KeyNumber, bool), u64>,
    ahead_of_service: HashMap<char, u64>,
    open: HashMap<KeyNumber, u32>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) enum Verdict {
    Admitted {
        key: KeyNumber,
        /// What is left of the quotas.
        quota: Option<u64>,
        method_quota: Option<u64>,
        /// Whether it is one of the key's open requests, for which there is a ceiling.
        counted: bool,
    },
    Refused(&'static str),
}

impl Counters {
    /// A request that was counted among the open ones of a key has ended.
    pub(in super::super) fn close(&mut self, key: KeyNumber) {
        *self.open.get_mut(&key).unwrap() -= 1;
    }

    /// Decides a call, and counts it if it is admitted.
    pub(in super::super) fn decide(
        &mut self,
        objects: &Objects,
        secret: usize,
        call: Call,
        unix: u64,
        monotonic: u64,
    ) -> Verdict {
        let found = objects.keys.iter().find(|(_, key)| key.secret == secret);
        let Some((number, key)) = found else { return Verdict::Refused("key_unknown") };
        let plan = &objects.plans[key.plan];
        if let Some(code) = objects.standing(key, plan, unix) {
            return Verdict::Refused(code);
        }
        if !plan.opens(call) {
            return Verdict::Refused("not_entitled");
        }
        self.limits(objects, *number, call, unix, monotonic)
    }

    fn limits(
        &mut self,
        objects: &Objects,
        number: KeyNumber,
        call: Call,
        unix: u64,
        now: u64,
    ) -> Verdict {
        let key = &objects.keys[&number];
        let plan = &objects.plans[key.plan];
        let service = if call == Call::B { 'b' } else { 'a' };
        let limited = call == Call::Read && matches!(plan.opens, Opens::Read | Opens::ReadAndWrite);

        let overall = objects.overall[usize::from(service == 'b')];
        let ahead = self.ahead_of_service.entry(service).or_default();
        if !spendable(overall, ahead, now) {
            return Verdict::Refused("service_over_qps");
        }
        let method_qps = plan.method_qps.filter(|_| limited);
        if !spendable(method_qps, self.ahead.entry((number, true)).or_default(), now) {
            return Verdict::Refused("over_qps");
        }
        let qps = key.effective_qps(plan);
        if !spendable(qps, self.ahead.entry((number, false)).or_default(), now) {
            return Verdict::Refused("over_qps");
        }
        let method_quota = plan.method_quota.filter(|_| limited);
        let quota = key.effective_quota(plan).map(|ceiling| (ceiling, plan.period));
        let left = |counter, quota: Option<(u64, Period)>| {
            let (ceiling, period) = quota?;
            Some(ceiling.saturating_sub(self.count((number, counter), period, unix)))
        };
        let (method_left, key_left) = (left(true, method_quota), left(false, quota));
        if method_left == Some(0) || key_left == Some(0) {
            return Verdict::Refused("over_quota");
        }
        let concurrency = key.concurrency.into_iter().chain(plan.concurrency).min();
        let open = self.open.entry(number).or_default();
        if concurrency.is_some_and(|ceiling| *open >= ceiling) {
            return Verdict::Refused("over_concurrency");
        }

        *open += u32::from(concurrency.is_some());
        spend(overall, self.ahead_of_service.get_mut(&service).unwrap(), now);
        spend(method_qps, self.ahead.get_mut(&(number, true)).unwrap(), now);
        spend(qps, self.ahead.get_mut(&(number, false)).unwrap(), now);
        for (counter, quota) in [(true, method_quota), (false, quota)] {
            if let Some((_, period)) = quota {
                let count = self.count((number, counter), period, unix) + 1;
                let window = period.window(unix);
                self.quotas.insert((number, counter), (period, window, count));
            }
        }
        Verdict::Admitted {
            key: number,
            quota: key_left.map(|left| left - 1),
            method_quota: method_left.map(|left| left - 1),
            counted: concurrency.is_some(),
        }
    }

    fn count(&self, counter: (KeyNumber, bool), period: Period, unix: u64) -> u64 {
        match self.quotas.get(&counter) {
            Some((counted, window, count))
                if *counted == period && *window == period.window(unix) =>
            {
                *count
            }
            _ => 0,
        }
    }
}

/// Whether a burst has room for a call. What was spent under older terms is at most a whole burst
/// of these.
fn spendable(limit: Option<Qps>, ahead: &mut u64, now: u64) -> bool {
    let Some(limit) = limit else { return true };
    let Some(interval) = limit.interval() else { return false };
    *ahead = (*ahead).min(now + interval * u64::from(limit.burst));
    (*ahead).max(now) + interval <= now + interval * u64::from(limit.burst)
}

fn spend(limit: Option<Qps>, ahead: &mut u64, now: u64) {
    if let Some(interval) = limit.and_then(Qps::interval) {
        *ahead = (*ahead).max(now) + interval;
    }
}

impl Qps {
    fn interval(self) -> Option<u64> {
        (self.ceiling > 0).then(|| SECOND.div_ceil(u64::from(self.ceiling)))
    }
}

impl Objects {
    fn standing(&self, key: &Key, plan: &Plan, unix: u64) -> Option<&'static str> {
        let owner = key.application;
        match key.status {
            "waiting" => Some("key_pending"),
            "suspended" => Some("key_suspended"),
            "revoked" => Some("key_revoked"),
            _ if key.not_before.is_some_and(|first| unix < first) => Some("key_not_yet_valid"),
            _ if key.expires.is_some_and(|end| unix >= end) => Some("key_expired"),
            _ if self.suspended[owner] || self.members[owner] != "active" => Some("owner_inactive"),
            _ if plan.inactive => Some("plan_inactive"),
            _ => None,
        }
    }
}

impl Key {
    fn effective_qps(&self, plan: &Plan) -> Option<Qps> {
        match (self.qps, plan.qps) {
            (Own::Inherit, limit) => limit,
            (Own::Exempt, _) => None,
            (Own::Ceiling(own), Some(limit)) if !plan.overrides => Some(Qps {
                ceiling: own.ceiling.min(limit.ceiling),
                burst: own.burst.min(limit.burst),
            }),
            (Own::Ceiling(own), _) => Some(own),
        }
    }

    fn effective_quota(&self, plan: &Plan) -> Option<u64> {
        match (self.quota, plan.quota) {
            (Own::Inherit, limit) => limit,
            (Own::Exempt, _) => None,
            (Own::Ceiling(own), Some(limit)) if !plan.overrides => Some(own.min(limit)),
            (Own::Ceiling(own), _) => Some(own),
        }
    }
}

impl Plan {
    fn opens(&self, call: Call) -> bool {
        match self.opens {
            Opens::Everything => true,
            Opens::OnlyB => call == Call::B,
            Opens::Items => matches!(call, Call::Read | Call::Write | Call::Undefined),
            Opens::Read => call == Call::Read,
            Opens::ReadAndWrite => matches!(call, Call::Read | Call::Write),
        }
    }
}

impl Period {
    /// A number that no two windows share.
    fn window(self, unix: u64) -> i64 {
        let unix = unix.cast_signed();
        match self {
            Self::Minute => unix / 60,
            Self::Hour => unix / 3600,
            Self::Day => unix / 86_400,
            Self::Month => {
                let date = Timestamp::from_second(unix).unwrap().to_zoned(TimeZone::UTC).date();
                i64::from(date.year()) * 12 + i64::from(date.month())
            }
        }
    }
}
