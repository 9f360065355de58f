//! Ceilings, bursts and exemptions.

use crate::document::Section;
use crate::document::kind::{Choice, Integer, Switch};
use crate::model::{Limit, MAX_QPS, MAX_QUOTA, Own, OwnQps, Period, Qps};

const QPS: Integer<u32> = Integer::within(0, MAX_QPS);
const QUOTA: Integer<u64> = Integer::within(0, MAX_QUOTA);
const CONCURRENCY: Integer<u32> = Integer::within(0, u32::MAX);
const PERIOD: Choice<Period> = Choice::of(&[
    ("minute", Period::Minute),
    ("hour", Period::Hour),
    ("day", Period::Day),
    ("month", Period::Month),
]);

/// `concurrency_ceiling`
pub(super) fn concurrency(section: &mut Section) -> Option<u32> {
    section.optional("concurrency_ceiling", CONCURRENCY)
}

/// `rate_limit_period`
pub(super) fn period(section: &mut Section) -> Option<Period> {
    section.optional("rate_limit_period", PERIOD)
}

/// `rate_limit_ceiling`
pub(super) fn quota(section: &mut Section) -> Option<u64> {
    section.optional("rate_limit_ceiling", QUOTA)
}

/// A ceiling of queries per second with its burst.
pub(super) fn qps(
    section: &mut Section,
    ceiling: &'static str,
    burst: &'static str,
) -> Option<OwnQps> {
    let own_ceiling = section.optional(ceiling, QPS);
    let own_burst = section.optional(burst, QPS);
    match (own_ceiling, own_burst) {
        (Some(1..), Some(0)) => {
            section.problem(burst, format_args!("0 would let no call through, expected 1 or more"));
        }
        (Some(0), Some(1..)) => {
            let message = format_args!("has no effect, as {ceiling} = 0 lets no call through");
            section.problem(burst, message);
        }
        _ => {}
    }
    own_ceiling.map(|ceiling| OwnQps { ceiling, burst: own_burst })
}

/// What a key says of its QPS limit.
pub(super) fn own_qps(section: &mut Section) -> Own<OwnQps> {
    let ceiling = qps(section, "qps_limit_ceiling", "qps_limit_burst");
    let exempt = section.or("qps_limit_exempt", Switch, false);
    if exempt {
        unbounded(section, "qps_limit_exempt", &["qps_limit_ceiling", "qps_limit_burst"]);
        return Own::Exempt;
    }
    if section.has("qps_limit_burst") && !section.has("qps_limit_ceiling") {
        section.problem("qps_limit_burst", "has no effect without qps_limit_ceiling");
    }
    ceiling.map_or(Own::Inherit, Own::Ceiling)
}

/// What a key says of its quota.
pub(super) fn own_quota(section: &mut Section) -> Own<u64> {
    let ceiling = quota(section);
    if section.or("rate_limit_exempt", Switch, false) {
        unbounded(section, "rate_limit_exempt", &["rate_limit_ceiling"]);
        return Own::Exempt;
    }
    ceiling.map_or(Own::Inherit, Own::Ceiling)
}

/// A plan's QPS limit, which has to be there.
pub(super) fn plan_qps(section: &mut Section) -> Limit<Qps> {
    let ceiling = qps(section, "qps_limit_ceiling", "qps_limit_burst");
    if section.or("qps_limit_exempt", Switch, false) {
        unbounded(section, "qps_limit_exempt", &["qps_limit_ceiling", "qps_limit_burst"]);
        return Limit::Exempt;
    }
    bounded(section, "qps_limit_ceiling", "qps_limit_exempt");
    // Exempt is the stand-in for a ceiling that does not fit: nothing is above it.
    ceiling.map_or(Limit::Exempt, |ceiling| Limit::Ceiling(ceiling.resolve()))
}

/// A plan's quota, which has to be there, and its period.
pub(super) fn plan_quota(section: &mut Section) -> (Limit<u64>, Option<Period>) {
    let ceiling = quota(section);
    let period = period(section);
    // Month is the stand-in for a period that does not fit or has to be there.
    let some = Some(period.unwrap_or(Period::Month));
    if section.or("rate_limit_exempt", Switch, false) {
        // A period may stand: it is what ceilings of keys and methods count over.
        unbounded(section, "rate_limit_exempt", &["rate_limit_ceiling"]);
        return (Limit::Exempt, if section.has("rate_limit_period") { some } else { None });
    }
    bounded(section, "rate_limit_ceiling", "rate_limit_exempt");
    if section.has("rate_limit_ceiling") && !section.has("rate_limit_period") {
        section.missing(
            "rate_limit_period",
            "\"minute\", \"hour\", \"day\" or \"month\" for rate_limit_ceiling to count over",
        );
    }
    (ceiling.map_or(Limit::Exempt, Limit::Ceiling), some)
}

/// Reports what stands beside an exemption.
fn unbounded(section: &Section, exempt: &str, bounds: &[&str]) {
    for bound in section.given(bounds) {
        section.problem(bound, format_args!("has no effect beside {exempt} = true"));
    }
}

/// Reports a limit that says neither how high it is nor that there is none.
fn bounded(section: &Section, ceiling: &str, exempt: &str) {
    if !section.has(ceiling) && !section.is_misfit(exempt) {
        section.missing(ceiling, &format!("a ceiling, or {exempt} = true"));
    }
}
