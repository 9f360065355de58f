//! How long counters matter that nothing counts on any more.

use crate::{Limit, Methods, Period, Qps, Quota, Scope, Terms};

const SECOND: u64 = 1_000_000_000;

/// How long counters have to stay after their key has gone.
#[derive(Clone, Copy, Debug)]
pub struct MeterNeeds {
    /// To the end of the window of the longest period that its limits have counted over.
    pub longest: Period,
    /// So many seconds, until any burst that may have been spent is there again.
    pub recovery: u64,
}

impl MeterNeeds {
    /// What the counters of a key with these terms need.
    #[must_use]
    pub fn of(terms: &Terms) -> Self {
        let mut needs = Self { longest: Period::Minute, recovery: 0 };
        for grant in &terms.grants {
            needs.add(grant.qps, grant.quota);
            let Scope::Endpoints(endpoints) = &grant.scope else { continue };
            for endpoint in endpoints {
                let Methods::Listed(methods) = &endpoint.methods else { continue };
                methods.iter().for_each(|method| needs.add(method.qps, method.quota));
            }
        }
        needs
    }

    fn add(&mut self, qps: Limit<Qps>, quota: Limit<Quota>) {
        if let Limit::Ceiling(qps) = qps {
            self.recovery = self.recovery.max(qps.recovery().div_ceil(SECOND));
        }
        if let Limit::Ceiling(quota) = quota {
            self.longest = self.longest.max(quota.period);
        }
    }

    /// What these and `other` need.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            longest: self.longest.max(other.longest),
            recovery: self.recovery.max(other.recovery),
        }
    }

    /// The second since 1970 at which the counters of a key that goes at `unix` mean nothing more.
    #[must_use]
    pub fn end(self, unix: u64) -> u64 {
        let window_ends = self.longest.start(self.longest.window(unix) + 1);
        // One more, as the key may have been used late in the present second.
        window_ends.max(unix + self.recovery + 1)
    }
}
