//! `notify_…` of packages: what is told of their keys, to whom, and how often.

use crate::document::Section;
use crate::document::kind::{Choice, Integer, Switch};
use crate::model::{Notified, Notify, NotifyPeriod};

const PERIOD: Choice<NotifyPeriod> = Choice::of(&[
    ("minute", NotifyPeriod::Minute),
    ("hour", NotifyPeriod::Hour),
    ("day", NotifyPeriod::Day),
    ("week", NotifyPeriod::Week),
    ("month", NotifyPeriod::Month),
]);
const PERCENT: Integer<u8> = Integer::within(1, 100);

/// The fields that say what somebody is told: how often, and of what.
struct Fields {
    period: &'static str,
    near_quota: &'static str,
    over_quota: &'static str,
    over_throttle: &'static str,
}

const DEVELOPER: Fields = Fields {
    period: "notify_developer_period",
    near_quota: "notify_developer_near_quota",
    over_quota: "notify_developer_over_quota",
    over_throttle: "notify_developer_over_throttle",
};
const ADMIN: Fields = Fields {
    period: "notify_admin_period",
    near_quota: "notify_admin_near_quota",
    over_quota: "notify_admin_over_quota",
    over_throttle: "notify_admin_over_throttle",
};

pub(super) fn read(section: &mut Section) -> Notify {
    let nothing = Notify::NOTHING;
    Notify {
        near_quota_threshold: section.or(
            "near_quota_threshold",
            PERCENT,
            nothing.near_quota_threshold,
        ),
        developer: notified(section, &DEVELOPER),
        admin: notified(section, &ADMIN),
    }
}

fn notified(section: &mut Section, fields: &Fields) -> Notified {
    Notified {
        period: section.or(fields.period, PERIOD, Notified::NOTHING.period),
        near_quota: section.or(fields.near_quota, Switch, false),
        over_quota: section.or(fields.over_quota, Switch, false),
        over_throttle: section.or(fields.over_throttle, Switch, false),
    }
}
