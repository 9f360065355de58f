//! What happens to keys by itself: rotation, expiry, the end of an overlap (S4-21 to S4-24).
//!
//! Several control planes may run one each over the same store. Whoever comes first does what is
//! due; the others see in their own transaction that it is done. After downtime the same loop does
//! what was missed, as the life cycle says.

use std::sync::Arc;
use std::time::Duration;

use tollgate_core::Clock;

use crate::life_cycle::{Event, EventKind, due};
use crate::operations::{Context, Refused};
use crate::store::{Deed, NotChanged, Store, StoreError, StoredChain};

/// How late something due is noticed at the latest, and how long a failed store is left alone.
const PACE: Duration = Duration::from_secs(1);

/// So many chains are looked up at once.
const LOOK: i64 = 1000;

/// Does what is due.
pub struct Scheduler {
    /// Where chains are kept.
    pub store: Arc<Store>,
    /// What their keys are made within, at present.
    pub context: Box<dyn Fn() -> Context + Send + Sync>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl Scheduler {
    /// Does what is due, for ever.
    pub async fn run(self) {
        loop {
            let wait = match self.catch_up().await {
                Ok(Some(next)) => {
                    let left = u64::try_from(next - self.now()).unwrap_or(0);
                    Duration::from_secs(left).clamp(Duration::from_millis(10), PACE)
                }
                Ok(None) => PACE,
                Err(error) => {
                    tracing::error!(%error, "what is due cannot be done; it is tried again");
                    PACE
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Does everything that is due now. Returns when something is due next, in seconds since 1970.
    ///
    /// # Errors
    /// What the store said. What was done until then is done.
    pub async fn catch_up(&self) -> Result<Option<i64>, StoreError> {
        loop {
            let now = self.now();
            let due = self.store.read(move |connection| StoredChain::due(connection, now, LOOK));
            let due = due.await?;
            if due.is_empty() {
                return self.store.read(|connection| StoredChain::next_due(connection)).await;
            }
            for chain in due {
                self.advance(chain).await?;
            }
        }
    }

    /// Lets the next event that is due happen to one chain, if it still is.
    async fn advance(&self, id: String) -> Result<(), StoreError> {
        let context = (self.context)();
        let deed = Deed {
            actor: "scheduler".to_owned(),
            action: "key_set.none".to_owned(),
            kind: "key_set".to_owned(),
            object: id.clone(),
            details: "{}".to_owned(),
        };
        let advanced = self.store.change(deed, move |change, deed| {
            let chain = StoredChain::find(change.connection(), &id)?;
            let now = change.now().div_euclid(1000);
            let Some(due) = chain.and_then(|chain| due(&chain.life)).filter(|due| due.at <= now)
            else {
                change.leave_untold();
                return Ok(());
            };
            deed.action = format!("key_set.{}", verb(&due.event));
            context.live(change, &id, None, &due.event).map(drop)
        });
        match advanced.await {
            Ok(_) => Ok(()),
            Err(NotChanged::Store(error)) => Err(error),
            Err(NotChanged::Refused(refused)) => Err(refusal(&refused)),
        }
    }

    fn now(&self) -> i64 {
        i64::try_from(self.clock.now().unix()).unwrap_or(i64::MAX)
    }
}

/// What the audit log calls an event that came by itself.
fn verb(event: &Event) -> &'static str {
    match event.kind() {
        EventKind::RotationDue => "rotate",
        EventKind::ExpiryDue => "expire",
        EventKind::OverlapDue => "end_overlap",
        other => other.as_str(),
    }
}

/// What the life cycle calls due it allows; anything else is told like a store's failure, loudly and
/// again and again.
fn refusal(refused: &Refused) -> StoreError {
    StoreError::Corrupt(format!("what is due was refused: {refused}"))
}
