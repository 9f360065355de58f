//! Waiting until a revision is enforced everywhere (design decision 10).

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tollgate_core::Revision;

use super::Roll;
use super::roll::{Member, lease};
use crate::store::StoreError;

/// How often it is looked what proxies of other control planes enforce.
const LOOK: Duration = Duration::from_millis(100);

/// Who enforces a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Milliseconds until the workers of this process did; `None` = they do not yet.
    pub here: Option<u64>,
    /// Every registered proxy, by name.
    pub proxies: BTreeMap<String, Outcome>,
}

/// What is known of a proxy and a revision. No request that is sent after the instant is admitted
/// against the revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It enforces it, since so many milliseconds after the commit.
    Enforced(u64),
    /// It does not say so, and stops admitting anything at this instant at the latest, in milliseconds
    /// since 1970, unless it enforces it.
    ClosesBy(i64),
    /// It does not say so, and goes on without a bound.
    Unbounded,
}

impl Applied {
    /// Whether everybody enforces it.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        let enforced = |outcome: &Outcome| matches!(outcome, Outcome::Enforced(_));
        self.here.is_some() && self.proxies.values().all(enforced)
    }
}

impl Roll {
    /// Waits until every registered proxy and the workers of this process enforce a revision that was
    /// committed at `committed`, until `until` at most. `here` is what the workers enforce, `told` what
    /// proxies of this process are told of.
    ///
    /// # Errors
    /// What the store said.
    pub async fn applied(
        &self,
        revision: Revision,
        (committed, until): (Instant, Instant),
        mut here: watch::Receiver<Revision>,
        mut told: watch::Receiver<Revision>,
    ) -> Result<Applied, StoreError> {
        let mut members = self.members.subscribe();
        let (mut enforced_here, mut told_at) = (None, None);
        let mut enforced: BTreeMap<String, u64> = BTreeMap::new();
        // One may have been forgotten.
        self.look().await?;
        let mut looked = Instant::now();
        loop {
            if self.is_shared() && looked.elapsed() >= LOOK {
                self.look().await?;
                looked = Instant::now();
            }
            let ms = u64::try_from(committed.elapsed().as_millis()).unwrap_or(u64::MAX);
            if *here.borrow_and_update() >= revision {
                enforced_here.get_or_insert(ms);
            }
            if *told.borrow_and_update() >= revision {
                told_at.get_or_insert_with(|| self.now());
            }
            let all = {
                let members = members.borrow_and_update();
                // It is looked at whenever anything is heard of any proxy.
                for (name, member) in &*members {
                    if member.proxy.enforces(revision) && !enforced.contains_key(name) {
                        enforced.insert(name.clone(), ms);
                    }
                }
                members.keys().all(|name| enforced.contains_key(name))
            };
            if (all && enforced_here.is_some()) || Instant::now() >= until {
                break;
            }
            tokio::select! {
                Ok(()) = members.changed() => {}
                Ok(()) = here.changed() => {}
                Ok(()) = told.changed() => {}
                () = sleep_until(looked + LOOK), if self.is_shared() => {}
                () = sleep_until(until) => {}
            }
        }
        let told_at = told_at.unwrap_or_else(|| self.now());
        let members = self.members.borrow();
        let proxies = members.iter().map(|(name, member)| {
            let outcome = enforced.get(name).map(|ms| Outcome::Enforced(*ms));
            (name.clone(), outcome.unwrap_or_else(|| self.bound(member, told_at)))
        });
        Ok(Applied { here: enforced_here, proxies: proxies.collect() })
    }

    /// When a proxy stops at the latest that does not enforce what it was told of at `told_at`, or
    /// could have been told of by this process.
    fn bound(&self, member: &Member, told_at: i64) -> Outcome {
        let Some(serve_for) = member.proxy.serve_for else { return Outcome::Unbounded };
        let kept = member.proxy.leased_until;
        // Another control plane may have renewed it.
        if self.is_shared() {
            return Outcome::ClosesBy(kept);
        }
        // Answers that name the revision renew nothing while it is not enforced.
        let renewed = told_at.saturating_add(lease(serve_for)).min(member.granted);
        Outcome::ClosesBy(kept.min(renewed.max(member.floor)))
    }
}
