//! What imports have left behind that did not come to their end.

use std::sync::Arc;
use std::time::Duration;

use super::import::TURN;
use crate::store::{Store, StoreError};

/// How often it is looked for.
const PAUSE: Duration = Duration::from_secs(30);

/// Takes away what imports have written ahead and left behind: those of a process that is gone, and of
/// calls whose callers went away. Nobody sees any of it, but the values of its keys are taken.
pub struct Leftovers {
    /// Where it lies.
    pub store: Arc<Store>,
}

impl Leftovers {
    /// Does so now and then. Never ends.
    pub async fn run(self) {
        loop {
            if let Err(error) = self.once().await {
                tracing::warn!(%error, "what an import has left behind is taken away later");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn once(&self) -> Result<(), StoreError> {
        // Whoever has the turn still writes.
        let _turn = TURN.acquire().await;
        self.store.sweep_left().await
    }
}
