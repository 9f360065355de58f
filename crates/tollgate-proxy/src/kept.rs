//! Waiting until the call of a request is written down, where quotas are kept beyond the process.

use std::future::poll_fn;
use std::time::Duration;

use tokio::time::timeout;
use tollgate_core::{Refusal, Unkept};

use crate::live::LiveEntry;
use crate::worker::Worker;

/// How long that may take. A disk that is slower than this is as good as broken.
const PATIENCE: Duration = Duration::from_secs(2);

impl Worker {
    /// Returns once the call is written down.
    ///
    /// # Errors
    /// [`Refusal::OverQuota`] if it is not in time: what is not written down is not admitted. Else what
    /// ended the request meanwhile.
    pub(crate) async fn kept(&self, unkept: &Unkept, live: &LiveEntry) -> Result<(), Refusal> {
        let Some(told) = &self.kept else { return Err(Refusal::OverQuota) };
        let mut told = told.clone();
        let written = async {
            loop {
                told.mark_unchanged();
                if self.decider.meters().is_kept(unkept) {
                    return Ok(());
                }
                if told.changed().await.is_err() {
                    return Err(Refusal::OverQuota);
                }
            }
        };
        let ended = poll_fn(|cx| live.poll_end(cx));
        tokio::select! {
            written = timeout(PATIENCE, written) => written.unwrap_or(Err(Refusal::OverQuota)),
            refusal = ended => Err(refusal),
        }
    }
}
