//! Quotas that are kept on disk, where a file for them is named.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tollgate_control::{Counters, KeptMeters, MeterNames, restore_quotas};
use tollgate_core::{Clock, Meters};
use tollgate_fleet::{Asks, Checkpoint, Checkpointing, JournalError, Kept, Names};

use crate::boot::Failure;

/// How long it is tried to have a file back that another process was given.
const AGAIN: Duration = Duration::from_secs(5);

/// Which quotas, and where they are kept.
struct Place {
    path: PathBuf,
    environment: String,
    meters: Arc<Meters>,
    names: MeterNames,
    clock: Arc<dyn Clock>,
    written: watch::Sender<()>,
}

/// What quotas are kept with, while nobody keeps them.
pub(crate) struct Quotas {
    place: Place,
    asks: Asks,
}

/// Quotas that are kept.
pub(crate) struct KeptQuotas {
    place: Place,
    checkpointing: Checkpointing,
}

impl Quotas {
    /// Those of `meters`, of which none is made yet.
    pub(crate) fn new(
        (path, environment): (PathBuf, String),
        meters: &Arc<Meters>,
        counters: &mut dyn Counters,
        clock: Arc<dyn Clock>,
        written: watch::Sender<()>,
    ) -> Self {
        let (names, asks) = (counters.meter_names(), Asks::of(meters));
        let meters = Arc::clone(meters);
        Self { place: Place { path, environment, meters, names, clock, written }, asks }
    }

    /// Goes on with what the file says was used, and keeps quotas from here on.
    ///
    /// # Errors
    /// Why the file cannot be used.
    pub(crate) fn go_on(self, counters: &mut dyn Counters) -> Result<KeptQuotas, Failure> {
        let (checkpoint, kept) = self.open()?;
        restore_quotas(counters, &kept, self.place.clock.now())?;
        if !kept.is_empty() {
            tracing::info!(quotas = kept.len(), "goes on with quotas of a process before");
        }
        self.begin(checkpoint)
    }

    /// Keeps quotas from here on, of which another process has counted these.
    ///
    /// # Errors
    /// Why the file cannot be used.
    pub(crate) fn take_over(self, counted: &KeptMeters) -> Result<KeptQuotas, Failure> {
        let (mut checkpoint, _) = self.open()?;
        checkpoint.adopt(counted.quotas())?;
        self.begin(checkpoint)
    }

    /// Keeps quotas again, after another process was given the file and does not use it.
    ///
    /// # Errors
    /// Why the file cannot be used.
    pub(crate) async fn again(self) -> Result<KeptQuotas, Failure> {
        let end = Instant::now() + AGAIN;
        loop {
            match Checkpoint::open(&self.place.path, &self.place.environment) {
                Ok((checkpoint, _)) => return self.begin(checkpoint),
                Err(JournalError::InUse(_)) if Instant::now() < end => {
                    sleep(Duration::from_millis(20)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn open(&self) -> Result<(Checkpoint, Kept), Failure> {
        let opened = Checkpoint::open(&self.place.path, &self.place.environment);
        Ok(opened.map_err(|error| format!("process.checkpoint_file: {error}"))?)
    }

    fn begin(self, checkpoint: Checkpoint) -> Result<KeptQuotas, Failure> {
        let Self { place, asks } = self;
        let known = Arc::clone(&place.names);
        let names: Names = Box::new(move |meter, tag| known(meter, tag));
        let (meters, clock) = (Arc::clone(&place.meters), Arc::clone(&place.clock));
        let checkpointing = checkpoint.begin(asks, meters, names, clock, place.written.clone())?;
        Ok(KeptQuotas { place, checkpointing })
    }
}

impl KeptQuotas {
    /// Writes down what was really counted and lets the file go. Nothing is admitted meanwhile.
    ///
    /// # Errors
    /// If that has ended before its time.
    pub(crate) async fn end(self) -> Result<Quotas, Failure> {
        let Self { place, checkpointing } = self;
        let ended = tokio::task::spawn_blocking(move || checkpointing.end()).await?;
        let asks = ended.ok_or("the checkpoint has ended before its time")?;
        Ok(Quotas { place, asks })
    }
}
