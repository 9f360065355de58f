//! What owners of keys are told of: that a quota is nearly used up, that calls are refused.
//!
//! A request that comes upon it hands it over once a minute at most; what becomes of it, and how often
//! somebody hears of it, is decided elsewhere.

use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

use super::{LineTag, MeterId, Meters};
use crate::{Digest, Now, Refusal, ServiceId};

/// What is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MeterEvent {
    /// The share of the quota is used from which on its owner wants to know.
    NearQuota,
    /// A call was refused for a quota.
    OverQuota,
    /// A call was refused for queries per second.
    OverThrottle,
}

/// An event of a key, as a worker hands it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyEvent {
    /// What has happened.
    pub event: MeterEvent,
    /// The digest of the key.
    pub key: Digest,
    /// The service that was called.
    pub service: ServiceId,
    /// When, in seconds since 1970.
    pub unix: u64,
}

/// What is told of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// From this count of the quota on it is nearly used up; [`u64::MAX`] = that is not told.
    pub near_quota: u64,
    /// Whether refusals for quotas are told.
    pub over_quota: bool,
    /// Whether refusals for queries per second are told.
    pub over_throttle: bool,
}

impl Watch {
    /// Nothing is told.
    pub const NOTHING: Self =
        Self { near_quota: u64::MAX, over_quota: false, over_throttle: false };

    /// What is told of a call that was refused.
    #[must_use]
    pub fn of_refusal(&self, refusal: Refusal) -> Option<MeterEvent> {
        match refusal {
            Refusal::OverQuota if self.over_quota => Some(MeterEvent::OverQuota),
            Refusal::OverQps if self.over_throttle => Some(MeterEvent::OverThrottle),
            _ => None,
        }
    }
}

/// The minute in which each event was last handed over, modulo 256: one that comes again after just as
/// many minutes is handed over a minute late.
#[derive(Debug, Default)]
pub(super) struct Told([AtomicU8; 3]);

impl Told {
    pub(super) fn reset(&self) {
        self.0.iter().for_each(|minute| minute.store(0, Relaxed));
    }

    fn minute(&self, event: MeterEvent) -> &AtomicU8 {
        let [near_quota, over_quota, over_throttle] = &self.0;
        match event {
            MeterEvent::NearQuota => near_quota,
            MeterEvent::OverQuota => over_quota,
            MeterEvent::OverThrottle => over_throttle,
        }
    }
}

impl Meters {
    /// Whether an event of `meter` is the first of its kind in this minute. To be asked only by who
    /// hands it over if so.
    #[must_use]
    pub fn first_this_minute(&self, meter: MeterId, event: MeterEvent, now: Now) -> bool {
        let Some(line) = self.line(meter, LineTag::KEY) else { return false };
        let told = line.told.minute(event);
        let minute = (now.unix() / 60) as u8;
        told.load(Relaxed) != minute && told.swap(minute, Relaxed) != minute
    }
}

#[cfg(test)]
mod tests {
    use super::super::Allotment;
    use super::*;

    #[test]
    fn each_kind_is_handed_over_once_a_minute() {
        let meters = Meters::default();
        let meter = Allotment::default().allot(&meters, &[]).unwrap();
        let first = |event, second| {
            let now = Now { monotonic: 0, unix_ms: (1_767_268_800u64 + second) * 1000 };
            meters.first_this_minute(meter, event, now)
        };
        assert!(first(MeterEvent::NearQuota, 0));
        assert!(!first(MeterEvent::NearQuota, 59));
        assert!(first(MeterEvent::OverQuota, 59) && first(MeterEvent::OverThrottle, 59));
        assert!(first(MeterEvent::NearQuota, 60));
    }
}
