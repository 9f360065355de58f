//! Where snapshots come from.

use std::sync::Arc;

use prometheus::Registry;
use tokio::sync::watch;
use tollgate_control::model::Objects;
use tollgate_control::{Publisher, PublisherMetrics};
use tollgate_core::{Clock, Revision, SnapshotWriter};

use super::Failure;
use crate::changes::{Control, Source};
use crate::config::Settings;
use crate::feed::Resting;

/// A source, what tells which revision of it every worker enforces, and what operators are to know of it
/// although the process is ready.
type Sourced = (Source, watch::Receiver<Revision>, Option<watch::Receiver<Option<String>>>);

/// The source that the settings say, from which nothing has come yet.
///
/// # Errors
/// If its keys cannot be used, or something is registered twice.
pub(super) fn source(
    writer: SnapshotWriter,
    control: Option<Control>,
    (settings, objects): (&Settings, &Objects),
    clock: &Arc<dyn Clock>,
    registry: &Registry,
) -> Result<Sourced, Failure> {
    if let Some(feed) = settings.feed.clone() {
        let resting = Resting::new(feed, objects, writer, Arc::clone(clock), registry)?;
        let (enforced, note) = (resting.enforced(), resting.refusal());
        return Ok((Source::Feed(Box::new(resting)), enforced, Some(note)));
    }
    let metrics = PublisherMetrics::register(registry)?;
    let publisher = Box::new(Publisher::new(writer, clock.now().unix_ms, metrics));
    let enforced = publisher.enforced();
    let source = match control {
        Some(control) => Source::FileAndStore(publisher, Box::new(control)),
        None => Source::File(publisher),
    };
    Ok((source, enforced, None))
}
