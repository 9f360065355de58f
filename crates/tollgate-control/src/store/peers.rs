//! What other control planes commit to the same database.
//!
//! A thread is told of it by the server, and looks now and then in case it was not. It hands on every
//! revision, this process's own too, each once and in order; where some are missing it hands on that
//! everything is to be read again.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tollgate_core::Revision;

use super::{Committed, Connection, Engine, Kind, StoreError, audit, writer};

/// A connection that is told when another control plane has changed something.
pub trait Listening: Connection {
    /// Waits until something was changed, or so long at most.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn wait(&mut self, at_most: Duration) -> Result<(), StoreError>;
}

/// How often it is looked for what nobody told.
const LOOK: Duration = Duration::from_millis(500);

/// How long a server that cannot be reached is left alone.
const PAUSE: Duration = Duration::from_millis(200);

/// Starts to follow what is committed after `last`, where others can commit anything at all.
pub(super) fn follow(
    engine: Arc<dyn Engine>,
    last: Revision,
    committed: UnboundedSender<Committed>,
) -> Result<(), StoreError> {
    if !engine.is_shared() {
        return Ok(());
    }
    // Others know of this process from here on.
    let first = engine.listen()?;
    let thread = thread::Builder::new().name("peers".to_owned());
    thread.spawn(move || run(&*engine, first, last, &committed))?;
    Ok(())
}

fn run(
    engine: &dyn Engine,
    mut first: Option<Box<dyn Listening>>,
    mut last: Revision,
    committed: &UnboundedSender<Committed>,
) {
    while !committed.is_closed() {
        let connection = match first.take() {
            Some(first) => Ok(Some(first)),
            None => engine.listen(),
        };
        let heard = connection.and_then(|connection| match connection {
            Some(connection) => listen(engine, connection, &mut last, committed),
            None => Ok(()),
        });
        if let Err(error) = heard {
            tracing::warn!(%error, "what other control planes change is not heard; trying again");
            thread::sleep(PAUSE);
        }
    }
}

/// Hands on what is committed until nobody listens or the connection is lost.
fn listen(
    engine: &dyn Engine,
    mut connection: Box<dyn Listening>,
    last: &mut Revision,
    committed: &UnboundedSender<Committed>,
) -> Result<(), StoreError> {
    while !committed.is_closed() {
        // No history goes back, but another one may have been put in its place.
        if writer::newest(&mut *connection)? < *last {
            engine.hold_home(&mut *connection)?;
        }
        for change in since(&mut *connection, *last)? {
            *last = change.revision;
            // Nobody listens any more when the process ends.
            let _ = committed.send(change);
        }
        connection.wait(LOOK)?;
    }
    Ok(())
}

/// What was committed after a revision, in order. Where not all of it is known any more, one change
/// that touches everything.
pub(crate) fn since(
    connection: &mut dyn Connection,
    last: Revision,
) -> Result<Vec<Committed>, StoreError> {
    let newest = writer::newest(connection)?;
    if newest == last {
        return Ok(Vec::new());
    }
    let whole = vec![Committed { revision: newest, touched: vec![(Kind::File, String::new())] }];
    if newest.epoch != last.epoch || newest.number < last.number {
        return Ok(whole);
    }
    let (epoch, number) = audit::signed(last);
    let query = "SELECT number, touched FROM revisions WHERE epoch = $1 AND number > $2 \
                 AND number <= $3 ORDER BY number";
    let (_, newest_number) = audit::signed(newest);
    let mut changes = Vec::new();
    for row in connection.rows(query, &[epoch.into(), number.into(), newest_number.into()])? {
        let touched = serde_json::from_str(row.text(1)?);
        changes.push(Committed {
            revision: audit::unsigned((epoch, row.integer(0)?)),
            touched: touched.map_err(|_| StoreError::Corrupt("a revision".to_owned()))?,
        });
    }
    let complete = changes.len() as u64 == newest.number - last.number;
    Ok(if complete { changes } else { whole })
}
