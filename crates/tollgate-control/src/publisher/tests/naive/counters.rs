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

#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Verdict {
    Admitted {
        key: KeyNumber,
        /// What is left of the quotas.
        quota: Option<u64>,
        method_quota: Option<u64>,
        /// Whether it is one of the key's open requests, for which there is a ceiling.
        counted: bool,
        /// What it would have been refused for.
        shadow: Vec<&'static str>,
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
        let mut shadow = Vec::new();
        if !plan.opens(call) {
            if key.enforce.terms.unwrap_or(plan.enforce.terms) {
                return Verdict::Refused("not_entitled");
            }
            shadow.push("not_entitled");
        }
        self.limits(objects, *number, call, unix, monotonic, shadow)
    }

    fn limits(
        &mut self,
        objects: &Objects,
        number: KeyNumber,
        call: Call,
        unix: u64,
        now: u64,
        mut shadow: Vec<&'static str>,
    ) -> Verdict {
        let key = &objects.keys[&number];
        let plan = &objects.plans[key.plan];
        let service = if call == Call::B { 'b' } else { 'a' };
        let limited = call == Call::Read && matches!(plan.opens, Opens::Read | Opens::ReadAndWrite);

        let terms = key.enforce.terms.unwrap_or(plan.enforce.terms);
        let of = |own: Option<bool>, plan: bool| terms && own.unwrap_or(plan);

        // Every limit as if there were no other, in the order of reporting.
        let overall = objects.overall[usize::from(service == 'b')];
        let ahead = self.ahead_of_service.entry(service).or_default();
        let service_has_room = spendable(overall, ahead, now);
        let method_qps = plan.method_qps.filter(|_| limited);
        let ahead = self.ahead.entry((number, true)).or_default();
        let method_qps_has_room = spendable(method_qps, ahead, now);
        let qps = key.effective_qps(plan);
        let ahead = self.ahead.entry((number, false)).or_default();
        let qps_has_room = spendable(qps, ahead, now);
        let method_quota = plan.method_quota.filter(|_| limited);
        let quota = key.effective_quota(plan).map(|ceiling| (ceiling, plan.period));
        let left = |counter, quota: Option<(u64, Period)>| {
            let (ceiling, period) = quota?;
            Some(ceiling.saturating_sub(self.count((number, counter), period, unix)))
        };
        let (method_left, key_left) = (left(true, method_quota), left(false, quota));
        let concurrency = key.concurrency.into_iter().chain(plan.concurrency).min();
        let open = self.open.entry(number).or_default();
        let place_is_free = concurrency.is_none_or(|ceiling| *open < ceiling);

        let enforced_overall = objects.overall_enforce[usize::from(service == 'b')];
        for (has_room, enforced, code) in [
            (service_has_room, enforced_overall, "service_over_qps"),
            (method_qps_has_room, terms && plan.method_enforce.0, "over_qps"),
            (qps_has_room, of(key.enforce.qps, plan.enforce.qps), "over_qps"),
            (method_left != Some(0), terms && plan.method_enforce.1, "over_quota"),
            (key_left != Some(0), of(key.enforce.quota, plan.enforce.quota), "over_quota"),
            (
                place_is_free,
                of(key.enforce.concurrency, plan.enforce.concurrency),
                "over_concurrency",
            ),
        ] {
            if !has_room && enforced {
                return Verdict::Refused(code);
            }
            if !has_room && !shadow.contains(&code) {
                shadow.push(code);
            }
        }

        // A limit that has no room and let the call pass is not spent.
        let counted = concurrency.is_some() && place_is_free;
        *open += u32::from(counted);
        if service_has_room {
            spend(overall, self.ahead_of_service.get_mut(&service).unwrap(), now);
        }
        if method_qps_has_room {
            spend(method_qps, self.ahead.get_mut(&(number, true)).unwrap(), now);
        }
        if qps_has_room {
            spend(qps, self.ahead.get_mut(&(number, false)).unwrap(), now);
        }
        for (counter, quota, left) in [(true, method_quota, method_left), (false, quota, key_left)]
        {
            if let Some((_, period)) = quota.filter(|_| left != Some(0)) {
                let count = self.count((number, counter), period, unix) + 1;
                let window = period.window(unix);
                self.quotas.insert((number, counter), (period, window, count));
            }
        }
        // A ceiling of 0 has nothing to tell.
        let told = |quota: Option<(u64, Period)>, left: Option<u64>| {
            quota.filter(|(ceiling, _)| *ceiling > 0)?;
            left.map(|left| left.saturating_sub(1))
        };
        Verdict::Admitted {
            key: number,
            quota: told(quota, key_left),
            method_quota: told(method_quota, method_left),
            counted,
            shadow,
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
