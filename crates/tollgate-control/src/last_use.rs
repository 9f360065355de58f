//! When keys were last used, brought from the meters of this process to the store now and then, so
//! that it is known after a restart.
//!
//! Requests note it in memory only. A round through all keys is gone in steps, each of which looks
//! at so many keys and writes so many at most that neither the store nor the machine notices: with
//! few keys every step goes round, with ten million a round takes some minutes.

use std::sync::Arc;
use std::time::Duration;

use tollgate_core::{Clock, Record, Root, SnapshotReader, Table};

use crate::store::{Deed, NotChanged, Reason, Store, StoreError, uses};

/// How often a step is made: how much of what was used last a process that is killed can lose.
const STEP: Duration = Duration::from_secs(60);

/// So many keys are looked at in a step, and a part of the table more.
const LOOKED_AT: usize = 1_000_000;

/// So many keys are written in a step, and a part of the table more.
const WRITTEN: usize = 20_000;

/// So many keys are written in one change of the store, so that others get their turn.
const CHANGE: usize = 1000;

/// Brings last uses to the store.
pub struct LastUse {
    reader: SnapshotReader,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    /// Where the next step begins.
    part: usize,
    /// When each part was looked at, in seconds since 1970: what was used before is written.
    looked_at: [u64; Table::<Record>::PARTS],
}

/// What a look at some parts found.
struct Found {
    uses: Vec<(String, i64)>,
    /// So many parts.
    parts: usize,
}

/// Nothing of it is ever refused.
enum Never {}

impl Reason for Never {
    fn code(&self) -> &str {
        match *self {}
    }
}

impl LastUse {
    /// Of the keys in the snapshots of `reader`.
    #[must_use]
    pub fn new(reader: SnapshotReader, store: Arc<Store>, clock: Arc<dyn Clock>) -> Self {
        Self { reader, store, clock, part: 0, looked_at: [0; Table::<Record>::PARTS] }
    }

    /// Makes steps, for ever.
    pub async fn run(mut self) {
        loop {
            tokio::time::sleep(STEP).await;
            if let Err(error) = self.step().await {
                tracing::warn!(%error, "when keys were last used cannot be stored; it is tried again");
            }
        }
    }

    /// Makes one step.
    ///
    /// # Errors
    /// What the store said. What was written until then is.
    pub async fn step(&mut self) -> Result<(), StoreError> {
        let Some(root) = self.reader.current() else { return Ok(()) };
        let (reader, first, since) = (self.reader.clone(), self.part, self.looked_at);
        // A use of this very second may come after the look.
        let now = self.clock.now().unix();
        let look = move || look(&reader, &root, first, &since);
        let found = tokio::task::spawn_blocking(look).await;
        let Found { uses, parts } = found.map_err(|_| StoreError::Closed)?;
        for some in uses.chunks(CHANGE) {
            self.write(some.to_vec()).await?;
        }
        for part in (first..first + parts).map(|part| part % Table::<Record>::PARTS) {
            if let Some(looked_at) = self.looked_at.get_mut(part) {
                *looked_at = now;
            }
        }
        self.part = (first + parts) % Table::<Record>::PARTS;
        Ok(())
    }

    async fn write(&self, some: Vec<(String, i64)>) -> Result<(), StoreError> {
        let deed = Deed {
            actor: "meters".to_owned(),
            action: "key.use".to_owned(),
            kind: "key".to_owned(),
            object: String::new(),
            details: "{}".to_owned(),
        };
        let written = self.store.change(deed, move |change, _| {
            change.leave_untold();
            uses::note(change.connection(), &some)?;
            Ok::<_, NotChanged<Never>>(())
        });
        match written.await {
            Ok(_) => Ok(()),
            Err(NotChanged::Store(error)) => Err(error),
            Err(NotChanged::Refused(never)) => match never {},
        }
    }
}

/// The last uses in as many parts as a step may look at.
fn look(
    reader: &SnapshotReader,
    root: &Root,
    first: usize,
    since: &[u64; Table::<Record>::PARTS],
) -> Found {
    let mut found = Found { uses: Vec::new(), parts: 0 };
    let mut looked_at = 0;
    while found.parts < since.len() && looked_at < LOOKED_AT && found.uses.len() < WRITTEN {
        let part = (first + found.parts) % since.len();
        let since = since.get(part).copied().unwrap_or(0);
        for record in root.keys.part(part) {
            looked_at += 1;
            let used = reader.meters().last_use(record.meter, record.number);
            if let Some(used) = used.filter(|used| *used >= since) {
                let name = root.key_name(record, &mut [0; 36]).to_owned();
                found.uses.push((name, used.cast_signed()));
            }
        }
        found.parts += 1;
    }
    found
}
