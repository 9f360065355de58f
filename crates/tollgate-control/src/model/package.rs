//! Packages.

use std::collections::BTreeMap;

use super::{Name, Owner, Plan};

/// What access is sold as: some plans under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// What keys call it.
    pub name: Name,
    /// Who may change it.
    pub owner: Owner,
    /// For people.
    pub description: String,
    /// What is told of its keys.
    pub notify: Notify,
    /// At least one.
    pub plans: BTreeMap<Name, Plan>,
}

/// What is told of a package's keys, and to whom (domain.md §1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notify {
    /// The share of the quota, in percent, from which on it is nearly used up.
    pub near_quota_threshold: u8,
    /// To whoever has the key.
    pub developer: Notified,
    /// To whoever gives it.
    pub admin: Notified,
}

/// What somebody is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notified {
    /// Of each once in this at most.
    pub period: NotifyPeriod,
    /// A quota that is nearly used up.
    pub near_quota: bool,
    /// Calls refused for a quota.
    pub over_quota: bool,
    /// Calls refused for queries per second.
    pub over_throttle: bool,
}

/// How often somebody is told of the same at most. Periods are aligned to UTC, weeks begin on Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what its name says")]
pub enum NotifyPeriod {
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

impl Notified {
    /// Nothing.
    pub const NOTHING: Self = Self {
        period: NotifyPeriod::Day,
        near_quota: false,
        over_quota: false,
        over_throttle: false,
    };
}

impl Notify {
    /// Nothing to nobody.
    pub const NOTHING: Self =
        Self { near_quota_threshold: 90, developer: Notified::NOTHING, admin: Notified::NOTHING };
}

impl NotifyPeriod {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The one of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "minute" => Some(Self::Minute),
            "hour" => Some(Self::Hour),
            "day" => Some(Self::Day),
            "week" => Some(Self::Week),
            "month" => Some(Self::Month),
            _ => None,
        }
    }

    /// The first second after the period that holds `unix`, both since 1970.
    #[must_use]
    pub fn end(self, unix: u64) -> u64 {
        use tollgate_core::Period;
        let end = |period: Period| period.start(period.window(unix) + 1);
        match self {
            Self::Minute => end(Period::Minute),
            Self::Hour => end(Period::Hour),
            Self::Day => end(Period::Day),
            // 1970 began on a Thursday.
            Self::Week => ((unix / 86_400 + 3) / 7 * 7 + 4) * 86_400,
            Self::Month => end(Period::Month),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_end_when_the_calendar_says() {
        // date -u -d '2026-11-26 17:31:05' +%s, a Thursday
        let unix = 1_795_714_265;
        for (period, end) in [
            (NotifyPeriod::Minute, 1_795_714_320),
            (NotifyPeriod::Hour, 1_795_716_000),
            (NotifyPeriod::Day, 1_795_737_600),
            (NotifyPeriod::Week, 1_795_996_800),
            (NotifyPeriod::Month, 1_796_083_200),
        ] {
            assert_eq!(period.end(unix), end, "{period:?}");
        }
    }
}
